//! Attempts on the compiler and its cache, through a compiler process like that of `countersign compile`.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign_artefacts::Cache;
use countersign_engine::{
    COMPILE_LIMITS, ChildLimit, ChildLimits, Compilation, Compiler, Engine, EngineConfig, LoadError, LoadObserver,
};
use countersign_model::RuleId;

use super::refused::{doubling, with};
use super::{Attempt, Defence, attempt};
use crate::handmade::{DECLARATION, FINDING, HONEST, Parts, component, module};
use crate::support::{Judge, admitted, found};

pub(super) fn attempts() -> Vec<Attempt> {
    let limits = COMPILE_LIMITS;
    let bomb = Arc::new(bomb());
    let compiled = |name, tries, limit, limits: ChildLimits, bytes: &Arc<Vec<u8>>| {
        let bytes = Arc::clone(bytes);
        attempt(name, tries, Defence::AtCompile(limit), move || compile(&bytes, limits))
    };
    let (second, memory, elapsed) = (Duration::from_secs(1), 48 << 20, Duration::from_millis(100));
    // A fast machine fills a gibibyte within a second of processor time.
    let busy = ChildLimits { cpu: second, memory: 8 << 30, ..limits };
    vec![
        compiled("compile-bomb-processor", "keeps the compiler busy", ChildLimit::Cpu, busy, &bomb),
        compiled(
            "compile-bomb-memory",
            "fills the compiler's memory",
            ChildLimit::Memory,
            ChildLimits { memory, ..limits },
            &bomb,
        ),
        compiled(
            "compile-bomb-elapsed",
            "makes its caller wait",
            ChildLimit::Elapsed,
            ChildLimits { elapsed, ..limits },
            &bomb,
        ),
        compiled(
            "as-many-functions-as-allowed",
            "45,000 functions that all want registers",
            ChildLimit::Cpu,
            busy,
            &Arc::new(functions()),
        ),
        attempt(
            "types-that-nothing-uses",
            "a type that unfolds to 2^40 fields, unused",
            Defence::NothingGained,
            || compiles_and_judges(&with(&doubling(40))),
        ),
        attempt("tampered-cache-entry", "flips a bit of compiled code", Defence::CacheEntryRefused, || {
            cached(|entries, _| {
                let mut bytes = fs::read(&entries[0]).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                overwrite(&entries[0], &bytes);
            })
        }),
        attempt("another-rules-entry", "puts another rule's code in its place", Defence::CacheEntryRefused, || {
            cached(|entries, folder| {
                let temporary = folder.join("temporary");
                fs::rename(&entries[0], &temporary).unwrap();
                fs::rename(&entries[1], &entries[0]).unwrap();
                fs::rename(&temporary, &entries[1]).unwrap();
            })
        }),
        attempt("linked-cache-entry", "puts a link to code elsewhere in its place", Defence::CacheEntryRefused, || {
            cached(|entries, folder| {
                let elsewhere = folder.join("elsewhere");
                fs::rename(&entries[0], &elsewhere).unwrap();
                std::os::unix::fs::symlink(&elsewhere, &entries[0]).unwrap();
            })
        }),
        attempt("forged-cache-key", "writes an entry under a key of its own", Defence::CacheEntryRefused, || {
            cached(|entries, folder| {
                let other = tempfile::tempdir().unwrap();
                let events = Arc::new(Events::default());
                let forged = other.path().join("cache");
                load_both(&forged, &events);
                for entry in entries {
                    fs::copy(forged.join(entry.file_name().unwrap()), folder.join("copy")).unwrap();
                    fs::rename(folder.join("copy"), entry).unwrap();
                }
            })
        }),
    ]
}

fn child(limits: ChildLimits) -> Compiler {
    Compiler::Child { program: PathBuf::from(env!("CARGO_BIN_EXE_compiles-for-tests")), limits }
}

fn one_call() -> EngineConfig {
    EngineConfig { concurrent_calls: 1, ..EngineConfig::default() }
}

fn compile(bytes: &[u8], limits: ChildLimits) -> Defence {
    let compilation = Compilation { compiler: child(limits), ..Compilation::in_process() };
    match Engine::with(&one_call(), compilation).unwrap().load(&admitted(bytes)) {
        Ok(_) => Defence::None("compiled".to_owned()),
        Err(LoadError::CompileLimit { limit, .. }) => Defence::AtCompile(limit),
        Err(error) => Defence::None(error.to_string()),
    }
}

/// Compiles within the default limits, and judges without a failure.
fn compiles_and_judges(bytes: &[u8]) -> Defence {
    let compilation = Compilation { compiler: child(COMPILE_LIMITS), ..Compilation::in_process() };
    match Engine::with(&one_call(), compilation).unwrap().load(&admitted(bytes)) {
        Ok(rule) => {
            let outcome = Judge::new(Arc::new(rule)).judge(&[("ListUsers", "ALICE")]);
            Defence::nothing_gained(outcome.failures.is_empty(), || format!("{:?}", outcome.failures))
        }
        Err(LoadError::CompileLimit { limit, .. }) => Defence::AtCompile(limit),
        Err(error) => Defence::AtLoad(error.to_string()),
    }
}

/// Many values that live across many branches: small to read, expensive for the register allocator.
fn bomb() -> Vec<u8> {
    let (locals, branches) = (1_500, 6_000);
    let mut body = String::new();
    for at in 0..branches {
        let (to, from) = (1 + at % locals, 1 + (at * 7 + 3) % locals);
        write!(
            body,
            "(if (local.get 0) (then (local.set {to} (i32.add (local.get {from}) (local.get 0)))) \
             (else (local.set {from} (i32.xor (local.get {to}) (local.get 0)))))"
        )
        .unwrap();
    }
    for at in 1..=locals {
        write!(body, "(local.set 0 (i32.mul (local.get 0) (local.get {at})))").unwrap();
    }
    let locals = "(local i32)".repeat(locals);
    with(&format!("(core module (func (param i32) (result i32) {locals} {body} local.get 0))"))
}

/// As many functions as admission accepts besides the rule's own, each with work for the compiler.
fn functions() -> Vec<u8> {
    let work = "(local.set 0 (i32.mul (i32.add (local.get 0) (local.get 1)) (local.get 0)))".repeat(3);
    let functions = format!("(func (param i32 i32) (result i32) {work} local.get 0)").repeat(45_000);
    with(&format!("(core module {functions})"))
}

/// The observed events of loading.
#[derive(Default)]
struct Events(Mutex<Vec<String>>);

impl LoadObserver for Events {
    fn compiling(&self, _: &RuleId) {
        self.0.lock().unwrap().push("compiling".to_owned());
    }

    fn cache_fault(&self, _: &RuleId, what: &str) {
        self.0.lock().unwrap().push(what.to_owned());
    }
}

/// Loads two rules whose code differs. Returns the message of each one's finding.
fn load_both(cache: &Path, events: &Arc<Events>) -> Vec<String> {
    let other = FINDING.replace("\"privilege\" \"ok\"", "\"privilege\" \"hi\"");
    let engine = Engine::with(
        &one_call(),
        Compilation {
            compiler: child(COMPILE_LIMITS),
            cache: Some(Arc::new(Cache::open(cache, Cache::MAX_BYTES).unwrap())),
            observer: events.clone(),
            ..Compilation::in_process()
        },
    )
    .unwrap();
    [FINDING, &other]
        .map(|more| {
            let parts = Parts { evaluate: "i32.const 128", more, ..HONEST };
            let rule = engine.load(&admitted(&component(module(parts), DECLARATION))).unwrap();
            let outcome = Judge::new(Arc::new(rule)).judge(&[("ListUsers", "ALICE")]);
            found(&outcome)[0].1.to_owned()
        })
        .to_vec()
}

/// Loads, tampers with the entries, and loads again.
fn cached(tamper: impl FnOnce(&[PathBuf], &Path)) -> Defence {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let events = Arc::new(Events::default());
    assert_eq!(load_both(&cache, &events), ["ok", "hi"]);
    assert_eq!(std::mem::take(&mut *events.0.lock().unwrap()), ["compiling", "compiling"]);
    assert_eq!((load_both(&cache, &events).len(), events.0.lock().unwrap().len()), (2, 0), "the cache isn't used");
    let entries = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path());
    let mut entries: Vec<PathBuf> = entries.filter(|path| path.file_name().unwrap() != "key").collect();
    entries.sort();
    assert_eq!(entries.len(), 2);
    tamper(&entries, &cache);
    let messages = load_both(&cache, &events);
    let events = std::mem::take(&mut *events.0.lock().unwrap());
    let refused = events.iter().any(|event| event.contains("it is removed"));
    match refused && events.iter().any(|event| event == "compiling") && messages == ["ok", "hi"] {
        true => Defence::CacheEntryRefused,
        false => Defence::None(format!("{messages:?}, {events:?}")),
    }
}

fn overwrite(path: &Path, bytes: &[u8]) {
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    fs::write(path, bytes).unwrap();
}
