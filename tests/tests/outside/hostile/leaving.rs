//! Attempts on what leaves the host: files that are written and read again, what is printed, a record that is recomputed.

use std::cell::Cell;
use std::error::Error;
use std::fs;
use std::io::{self, BufRead, Read};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use countersign_audit::Head;
use countersign_model::call::Parameter;
use countersign_model::{Digest, DigestKey};
use countersign_policy::OperatorLimits;
use countersign_recompute::{Log, RecomputeError, RecomputeOptions, recompute};
use countersign_store::{AuditLog, BundleReader, Durability, Existing, FileError, FileStore, SqliteStore, StoreError};
use countersign_text::{is_invisible, line, quoted};

use super::{Attempt, Defence, attempt};
use crate::support::{Judge, engine, guest};

/// Clears a screen, and says something in the host's name.
const FORGED: &str = "x`\u{1b}[2J\r\nverified  run.audit is as it was written\u{2028}\u{202e}\u{e0041}";

pub(super) fn attempts() -> Vec<Attempt> {
    vec![
        attempt(
            "audit-file-is-a-link",
            "a link where the audit file or the store will be leads elsewhere",
            Defence::NothingGained,
            written_through_a_link,
        ),
        attempt(
            "evidence-for-all-to-read",
            "another user reads what is recorded",
            Defence::NothingGained,
            read_by_others,
        ),
        attempt(
            "blob-is-a-pipe",
            "a pipe in the place of evidence has the host wait, or gives other bytes each time",
            Defence::NothingGained,
            a_pipe_for_a_blob,
        ),
        attempt(
            "record-is-exchanged",
            "one record is verified and another one recomputed",
            Defence::NothingGained,
            exchanged_once_verified,
        ),
        attempt(
            "record-brings-its-limits",
            "the policy of a forged record lets its rules take the machine",
            Defence::NothingGained,
            limits_on_record,
        ),
        attempt(
            "record-under-the-documented-key",
            "a forged record has the operator leave out the key",
            Defence::NothingGained,
            under_the_documented_key,
        ),
        attempt(
            "message-forges-a-line",
            "a panic's message clears the screen and says that all is verified",
            Defence::NothingGained,
            a_message_in_the_hosts_name,
        ),
    ]
}

/// An audit file of an earlier version, which no test writes.
fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/audit/9f64855/run.audit")
}

fn is_refused<T>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::File(FileError::NotRegular { .. })))
}

fn written_through_a_link() -> Defence {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("victim"), "").unwrap();
    for name in ["audit", "store"] {
        symlink(at("victim"), at(name)).unwrap();
    }
    symlink(at("victim"), at("run.db-wal")).unwrap();
    let refused = [
        is_refused(FileStore::create(&at("audit"), Existing::Replace, Durability::Seal)),
        is_refused(SqliteStore::open(&at("store"))),
        is_refused(SqliteStore::open(&at("run.db"))),
        is_refused(AuditLog::open(&at("audit"))),
    ];
    let untouched = fs::read(at("victim")).unwrap().is_empty();
    Defence::nothing_gained(refused == [true; 4] && untouched, || format!("{refused:?}"))
}

fn read_by_others() -> Defence {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let file = FileStore::create(&at("audit"), Existing::Refuse, Durability::Seal).unwrap();
    let store = SqliteStore::open(&at("store")).unwrap();
    let open: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.metadata().unwrap().mode() & 0o077 != 0)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    drop((file, store));
    Defence::nothing_gained(open.is_empty(), || format!("{open:?} are open to others"))
}

fn a_pipe_for_a_blob() -> Defence {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit");
    let bundles = BundleReader::open(&audit);
    fs::create_dir(bundles.folder()).unwrap();
    let name = Digest::of(b"evidence");
    let pipe = bundles.folder().join(name.to_string());
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    // Without the defence this waits for ever.
    Defence::nothing_gained(is_refused(bundles.get(&name, &DigestKey::public())), || "the pipe is read".to_owned())
}

/// A log that is exchanged as soon as its lines were read.
struct Exchanged {
    log: AuditLog,
    read: Cell<bool>,
}

impl Log for Exchanged {
    fn lines(&self) -> io::Result<Box<dyn Read + '_>> {
        if self.read.replace(true) { Ok(Box::new(&b"forged\n"[..])) } else { Log::lines(&self.log) }
    }

    fn verify(&self, lines: &mut dyn BufRead, head: Option<Digest>) -> Result<Head, RecomputeError> {
        Log::verify(&self.log, lines, head)
    }

    fn blob(&self, name: &Digest, key: &DigestKey) -> Result<Vec<u8>, Box<dyn Error>> {
        Log::blob(&self.log, name, key)
    }
}

fn exchanged_once_verified() -> Defence {
    let log = Exchanged { log: AuditLog::open(&fixture()).unwrap(), read: Cell::new(false) };
    let result = recompute(&log, &DigestKey::public(), engine(), &RecomputeOptions::default(), &mut |_, _| ());
    match result {
        Ok(result) => Defence::nothing_gained(result.tampered() == 0, || format!("{result:?}")),
        Err(error) => Defence::None(error.to_string()),
    }
}

fn limits_on_record() -> Defence {
    let log = AuditLog::open(&fixture()).unwrap();
    // The record's policy allows the shipped limits; this operator allows less.
    let limits = OperatorLimits { memory: 64 << 10, ..OperatorLimits::default() };
    let options = RecomputeOptions { limits, ..RecomputeOptions::default() };
    match recompute(&log, &DigestKey::public(), engine(), &options, &mut |_, _| ()) {
        Err(RecomputeError::NarrowerLimits { .. }) => Defence::NothingGained,
        other => Defence::None(format!("{other:?}")),
    }
}

fn under_the_documented_key() -> Defence {
    let log = AuditLog::open(&fixture()).unwrap();
    let key = DigestKey::private(&[7; 32]).unwrap();
    let error = recompute(&log, &key, engine(), &RecomputeOptions::default(), &mut |_, _| ()).unwrap_err();
    let advice = error.to_string();
    let refused = matches!(error, RecomputeError::WrongKey { .. });
    Defence::nothing_gained(refused && !advice.contains("leave out"), || advice.clone())
}

fn a_message_in_the_hosts_name() -> Defence {
    let parameters = [("on", Parameter::TextList(vec![FORGED.to_owned()]))];
    let outcome = Judge::with(guest("panics"), &parameters).judge(&[(FORGED, "ALICE")]);
    let [failed] = outcome.failures.as_slice() else { return Defence::None("no failure".to_owned()) };
    let message = &failed.failure.message;
    let shown = [line(message), quoted(message)];
    let inert = shown.iter().all(|shown| !shown.chars().any(is_invisible));
    // The quotation is ended by its own backtick only.
    let one = shown[1].matches('`').count() == 2;
    let tried = message.contains("verified  run.audit");
    Defence::nothing_gained(tried && inert && one, || format!("{shown:?}"))
}
