//! Attempts on the process that admits rules, on what it says, and on the verdicts that are kept.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign_admission::{Admitted, sections};
use countersign_artefacts::Cache;
use countersign_declaration::{Ceilings, Refusal, RefusalCode, parse_toml};
use countersign_engine::ChildLimits;
use countersign_intake::{ADMISSION_LIMITS, Intake, IntakeObserver, Place};

use super::refused::{many_declared_types, with};
use super::{Attempt, Defence, attempt};
use crate::handmade::{DECLARATION, HONEST, component, module};

pub(super) fn attempts() -> Vec<Attempt> {
    use RefusalCode::{AdmissionFailed, AdmissionLimit, WasmMalformed};

    let taken_over = |name, tries, script: &'static str| {
        attempt(name, tries, Defence::AtAdmission(AdmissionFailed), move || {
            Defence::refused(answered(script), AdmissionFailed)
        })
    };
    vec![
        attempt(
            "reader-out-of-memory",
            "fills the memory of what reads it",
            Defence::AtAdmission(AdmissionLimit),
            || {
                let little = ChildLimits { memory: 32 << 20, ..ADMISSION_LIMITS };
                Defence::refused(
                    intake(little).admit(&many_declared_types(900_000), &Ceilings::default()),
                    AdmissionLimit,
                )
            },
        ),
        attempt("reader-out-of-time", "keeps what reads it waiting", Defence::AtAdmission(AdmissionLimit), || {
            let short = ChildLimits { elapsed: Duration::from_millis(1), ..ADMISSION_LIMITS };
            Defence::refused(intake(short).admit(&large(), &Ceilings::default()), AdmissionLimit)
        }),
        attempt(
            "reader-overflows",
            "overflows the stack of what reads it",
            Defence::AtAdmission(AdmissionLimit),
            || {
                let script = "echo 'thread main has overflowed its stack' >&2; kill -SEGV $$";
                Defence::refused(answered(script), AdmissionLimit)
            },
        ),
        taken_over("reader-crashes", "crashes what reads it", "kill -SEGV $$"),
        taken_over("verdict-of-another-rule", "takes it over, and has another rule's verdict sent", ANOTHER),
        taken_over(
            "verdict-without-end",
            "takes it over, and sends a verdict of 4 GiB",
            "printf 'CSCHLD1\\nv\\0\\0\\0\\0\\1\\0\\0\\0'; yes",
        ),
        taken_over(
            "verdict-that-is-code",
            "takes it over, and sends a frame of another kind",
            "printf 'CSCHLD1\\nw\\2\\0\\0\\0\\0\\0\\0\\0{}'",
        ),
        attempt(
            "amid-honest-rules",
            "ends the process that other rules are read in",
            Defence::NothingGained,
            amid_honest_rules,
        ),
        attempt("refusal-tampered-with", "flips a bit of a refusal that is kept", Defence::CacheEntryRefused, || {
            kept(|entries, _| {
                let mut bytes = fs::read(&entries[0]).unwrap();
                bytes[20] ^= 1;
                overwrite(&entries[0], &bytes);
            })
        }),
        attempt("refusal-replaced", "puts an admitted rule's verdict in its place", Defence::CacheEntryRefused, || {
            kept(|entries, admitted| {
                let bytes = fs::read(admitted).unwrap();
                overwrite(&entries[0], &bytes);
            })
        }),
        attempt("refusal-emptied", "empties the refusal that is kept", Defence::CacheEntryRefused, || {
            kept(|entries, _| overwrite(&entries[0], b"{}"))
        }),
        attempt(
            "invalid-and-again",
            "is refused once more, hoping to be waved through",
            Defence::AtAdmission(WasmMalformed),
            || {
                let folder = tempfile::tempdir().unwrap();
                let (intake, read) = keeping(&folder.path().join("cache"));
                let first = intake.admit(&invalid(), &Ceilings::default()).unwrap_err();
                let again = intake.admit(&invalid(), &Ceilings::default());
                match again.as_ref().err() == Some(&first) && *read.0.lock().unwrap() == ["read 1"] {
                    true => Defence::refused(again, WasmMalformed),
                    false => Defence::None(format!("{again:?}, {:?}", read.0.lock().unwrap())),
                }
            },
        ),
    ]
}

/// Admits in children of this test's own program.
pub(super) fn intake(limits: ChildLimits) -> Intake {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_compiles-for-tests"));
    Intake { place: Place::Child { program, limits }, ..Intake::in_process() }
}

/// A reply about a digest of zeros that says that the rule is admitted.
const ANOTHER: &str = r#"
body='{"rule":"0000000000000000000000000000000000000000000000000000000000000000","refusals":[]}'
printf "CSCHLD1\nv\\$(printf %03o ${#body})\0\0\0\0\0\0\0%s" "$body""#;

/// Admits an honest rule by a program that does this instead.
fn answered(script: &str) -> Result<Admitted, Vec<Refusal>> {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("reader");
    // Written by another process: one that this one starts meanwhile must not have it open for writing.
    let write = r#"printf '#!/bin/sh\n%s\n' "$1" > "$0" && chmod 700 "$0""#;
    assert!(
        Command::new("/bin/sh").args(["-c", write]).args([&program, Path::new(script)]).status().unwrap().success()
    );
    let limits = ChildLimits { elapsed: Duration::from_secs(5), ..ADMISSION_LIMITS };
    let intake = Intake { place: Place::Child { program, limits }, ..Intake::in_process() };
    intake.admit(&honest(), &Ceilings::default())
}

fn honest() -> Vec<u8> {
    component(module(HONEST), DECLARATION)
}

/// Admissible, and of several megabytes.
fn large() -> Vec<u8> {
    let data = format!("(core module (memory 1) (data \"{}\"))", "x".repeat(14 << 20));
    let component = sections::strip(&with(&data));
    sections::attach(&component, &parse_toml(DECLARATION).unwrap(), None).unwrap()
}

fn invalid() -> Vec<u8> {
    with("(core module (func (result i32)))")
}

/// Rules that end their process, between rules that don't: these are admitted, those refused, wherever they stand.
fn amid_honest_rules() -> Defence {
    let limit = |refusals: &[Refusal]| refusals.iter().any(|one| one.code == RefusalCode::AdmissionLimit);
    let (hostile, honest) = (many_declared_types(900_000), honest());
    let rules: Vec<&[u8]> = vec![&honest, &hostile, &honest, &honest, &hostile, &hostile, &honest, &honest];
    let little = ChildLimits { memory: 32 << 20, ..ADMISSION_LIMITS };
    let judged = intake(little).judge(&rules, &Ceilings::default());
    let seen: Vec<&str> = judged
        .into_iter()
        .map(|judged| match judged.admit() {
            Ok(_) => "admitted",
            Err(refusals) if limit(&refusals) => "limit",
            Err(_) => "refused",
        })
        .collect();
    let expected = ["admitted", "limit", "admitted", "admitted", "limit", "limit", "admitted", "admitted"];
    Defence::nothing_gained(seen == expected, || format!("{seen:?}"))
}

/// What an intake reported.
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

fn keeping(cache: &Path) -> (Intake, Arc<Reported>) {
    let reported = Arc::new(Reported::default());
    let cache = Some(Arc::new(Cache::open(cache, Cache::MAX_BYTES).unwrap()));
    (Intake { cache, observer: reported.clone(), ..intake(ADMISSION_LIMITS) }, reported)
}

/// Judges a rule that is refused, tampers with what is kept (with an admitted rule's entry at hand), and judges it again.
fn kept(tamper: impl FnOnce(&[PathBuf], &Path)) -> Defence {
    let folder = tempfile::tempdir().unwrap();
    let (cache, other) = (folder.path().join("cache"), folder.path().join("other"));
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        paths.filter(|path| path.file_name().unwrap() != "key").collect()
    };
    let (intake, reported) = keeping(&cache);
    let before = intake.admit(&invalid(), &Ceilings::default()).unwrap_err();
    // Under the same key: only the name and the content are another rule's.
    fs::create_dir(&other).unwrap();
    fs::set_permissions(&other, Permissions::from_mode(0o700)).unwrap();
    fs::copy(cache.join("key"), other.join("key")).unwrap();
    keeping(&other).0.admit(&honest(), &Ceilings::default()).unwrap();
    tamper(&entries(&cache), &entries(&other)[0]);
    let after = intake.admit(&invalid(), &Ceilings::default());
    let reported = reported.0.lock().unwrap().clone();
    let refused = reported.iter().any(|what| what.contains("it is removed"));
    match after.as_ref().err() == Some(&before)
        && refused
        && reported.iter().filter(|what| *what == "read 1").count() == 2
    {
        true => Defence::CacheEntryRefused,
        false => Defence::None(format!("{after:?}, {reported:?}")),
    }
}

fn overwrite(path: &Path, bytes: &[u8]) {
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    fs::write(path, bytes).unwrap();
}
