//! Verdicts in the cache, and those of rules that were admitted when a program was built.

use std::fs;
use std::sync::{Arc, Mutex};

use countersign_admission::fingerprint;
use countersign_artefacts::Cache;
use countersign_declaration::Ceilings;
use countersign_intake::{ADMISSION_LIMITS, Intake, IntakeObserver};

use crate::handmade::{DECLARATION, HONEST, component, module};
use crate::intake;
use crate::refused::with;

#[derive(Default)]
struct Reported(Mutex<Vec<String>>);

impl IntakeObserver for Reported {
    fn reading(&self, rules: usize) {
        self.0.lock().unwrap().push(format!("read {rules}"));
    }

    fn cache_fault(&self, what: &str) {
        self.0.lock().unwrap().push(what.to_owned());
    }
}

impl Reported {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

pub(crate) fn what_is_kept_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let reported = Arc::new(Reported::default());
    let cache = Some(Arc::new(Cache::open(&folder.path().join("cache"), Cache::MAX_BYTES).unwrap()));
    let keeping = Intake { cache, observer: reported.clone(), ..intake(ADMISSION_LIMITS) };
    let (honest, invalid) = (component(module(HONEST), DECLARATION), with("(core module (func (result i32)))"));
    let rules: [&[u8]; 2] = [&honest, &invalid];
    let judge = |ceilings: &Ceilings| {
        let judged = keeping.judge(&rules, ceilings);
        judged.into_iter().map(|judged| judged.admit().map(|admitted| admitted.code())).collect::<Vec<_>>()
    };
    let first = judge(&Ceilings::default());
    assert!(first[0].is_ok() && first[1].is_err(), "{first:?}");
    assert_eq!(reported.take(), ["read 2"]);
    assert_eq!((judge(&Ceilings::default()), reported.take()), (first.clone(), vec![]));
    // Under other limits everything is asked anew.
    assert_eq!(
        (judge(&Ceilings { types: 19_999, ..Ceilings::default() }), reported.take()),
        (first.clone(), vec!["read 2".to_owned()])
    );

    // An entry that was changed is reported, and the rule is read again.
    for entry in fs::read_dir(folder.path().join("cache")).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.file_name().unwrap() != "key" {
            let mut bytes = fs::read(&entry).unwrap();
            bytes[10] ^= 1;
            fs::remove_file(&entry).unwrap();
            fs::write(&entry, bytes).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            fs::set_permissions(&entry, mode).unwrap();
        }
    }
    assert_eq!(judge(&Ceilings::default()), first);
    let told = reported.take();
    assert_eq!(told.iter().filter(|what| what.contains("its MAC is wrong; it is removed")).count(), 2, "{told:?}");

    // What was admitted when a program was built isn't read, unless the limits are narrower.
    let built_in = Arc::new([fingerprint(&honest)].into_iter().collect());
    let shipped = Intake { built_in, cache: None, ..keeping.clone() };
    assert!(shipped.admit(&honest, &Ceilings::default()).is_ok());
    assert_eq!(reported.take(), Vec::<String>::new());
    assert!(shipped.admit(&honest, &Ceilings { types: 19_999, ..Ceilings::default() }).is_ok());
    assert_eq!(reported.take(), ["read 1"]);
}
