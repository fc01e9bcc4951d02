//! What a recomputation takes from its caller and what from the record: lines that are read once, a head, limits, a key.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "common/log.rs"]
mod log;

use std::cell::Cell;
use std::error::Error;
use std::fs;
use std::io::{self, BufRead, Read};

use countersign_audit::{FaultCode, Head, VerifyError};
use countersign_model::{Digest, DigestKey};
use countersign_policy::OperatorLimits;
use countersign_recompute::{Log, RecomputeError, RecomputeOptions, Recomputed, recompute};
use countersign_store::AuditLog;
use log::{ENGINE, KEY, old_file, shown};

fn with(log: &dyn Log, key: &DigestKey, options: &RecomputeOptions) -> Result<Recomputed, RecomputeError> {
    recompute(log, key, &ENGINE, options, &mut |_, _| ())
}

/// A log whose lines can be read once: reading them again gives others.
struct Once {
    log: AuditLog,
    reads: Cell<u32>,
}

impl Log for Once {
    fn lines(&self) -> io::Result<Box<dyn Read + '_>> {
        self.reads.set(self.reads.get() + 1);
        if self.reads.get() > 1 { Ok(Box::new(&b"forged\n"[..])) } else { Log::lines(&self.log) }
    }

    fn verify(&self, lines: &mut dyn BufRead, head: Option<Digest>) -> Result<Head, RecomputeError> {
        Log::verify(&self.log, lines, head)
    }

    fn blob(&self, name: &Digest, key: &DigestKey) -> Result<Vec<u8>, Box<dyn Error>> {
        Log::blob(&self.log, name, key)
    }
}

#[test]
fn the_lines_are_read_once() {
    let once = Once { log: AuditLog::open(&old_file()).unwrap(), reads: Cell::new(0) };
    let result = with(&once, &KEY, &RecomputeOptions::default()).unwrap();
    assert_eq!((once.reads.get(), result.findings, result.tampered()), (1, 5, 0), "{}", shown(&result.differences));
}

#[test]
fn a_file_that_is_exchanged_while_it_is_read_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.audit");
    fs::copy(old_file(), &path).unwrap();
    let bundles = old_file().with_extension("audit.bundles");
    fs::create_dir(path.with_extension("audit.bundles")).unwrap();
    for blob in fs::read_dir(bundles).unwrap() {
        let blob = blob.unwrap();
        fs::copy(blob.path(), path.with_extension("audit.bundles").join(blob.file_name())).unwrap();
    }
    let log = AuditLog::open(&path).unwrap();
    // As soon as the first record is recomputed, the file isn't what it was: neither at its path nor itself.
    let mut changed = false;
    let result = recompute(&log, &KEY, &ENGINE, &RecomputeOptions::default(), &mut |_, _| {
        if !std::mem::replace(&mut changed, true) {
            fs::write(&path, "forged\n").unwrap();
        }
    });
    assert_eq!(result.unwrap().tampered(), 0);
    assert!(changed);
}

#[test]
fn another_head_is_refused() {
    let log = AuditLog::open(&old_file()).unwrap();
    let head = with(&log, &KEY, &RecomputeOptions::default()).unwrap().head.digest;
    let options = RecomputeOptions { head: Some(head), ..RecomputeOptions::default() };
    with(&log, &KEY, &options).unwrap();
    let options = RecomputeOptions { head: Some(Digest([7; 32])), ..RecomputeOptions::default() };
    let Err(RecomputeError::Verify(VerifyError::Faults(faults))) = with(&log, &KEY, &options) else {
        panic!("another head is taken")
    };
    assert_eq!(faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), [FaultCode::WrongHead]);
}

#[test]
fn limits_narrower_than_those_on_record_are_named_and_no_rule_is_run() {
    let log = AuditLog::open(&old_file()).unwrap();
    let limits = OperatorLimits { memory: 64 << 10, ..OperatorLimits::default() };
    let error = with(&log, &KEY, &RecomputeOptions { limits, ..RecomputeOptions::default() }).unwrap_err();
    assert!(matches!(error, RecomputeError::NarrowerLimits { number: 1, .. }), "{error}");
    let text = error.to_string();
    for part in ["`memory`", "on record, 65536 yours", "refused at admission", "`--policy FILE`"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("tamper"), "{text}");
}

#[test]
fn nobody_is_told_to_use_a_weaker_key() {
    let log = AuditLog::open(&old_file()).unwrap();
    let key = DigestKey::private(&[7; 32]).unwrap();
    let error = with(&log, &key, &RecomputeOptions::default()).unwrap_err();
    assert!(matches!(error, RecomputeError::WrongKey { private: false, given: true }));
    let text = error.to_string();
    assert!(!text.contains("leave out") && text.contains("anybody can write"), "{text}");
}
