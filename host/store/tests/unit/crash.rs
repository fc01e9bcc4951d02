//! Crashes: the power fails at every byte and step of a run, and files come back torn at every length. What is left
//! must be a whole number of commits, and going on from there must give the very same files.

use std::fs;
use std::path::{Path, PathBuf};

use countersign_audit::record::{Header, NotDeterministic};
use countersign_audit::{Blob, Head, Record};
use countersign_model::{
    ContextState, Digest, DigestKey, Evidence, Finding, Occasion, Position, RawAddress, StateChange, StateEntry,
    TimerChange, TimerEntry, Timestamp, vocabulary,
};

use crate::disk::Disk;
use crate::{BundleReader, Commit, Durability, Existing, FileStore, Recovered, Snapshot, Store, StoreError};

const COMMITS: u64 = 5;

/// What a commit of the run holds; the position shows which commits there were.
struct Step {
    records: Vec<Record>,
    blobs: Vec<Blob>,
    findings: Vec<Finding>,
    state: Vec<StateChange>,
    timers: Vec<TimerChange>,
    position: Position,
}

impl Step {
    fn commit(&self) -> Commit<'_> {
        Commit {
            records: &self.records,
            blobs: &self.blobs,
            findings: &self.findings,
            state: &self.state,
            timers: &self.timers,
            position: &self.position,
        }
    }
}

fn step(number: u64) -> Step {
    let rule: countersign_model::RuleId = "a/b".parse().unwrap();
    let evidence =
        Evidence { reference: number, event_id: "e".into(), event_time: Timestamp(9), raw: Digest::of(b"raw") };
    let record = match number {
        0 => Record::Header(Header::new("0.1.0", &DigestKey::public())),
        _ => Record::NotDeterministic(NotDeterministic {
            position: number,
            rule: rule.clone(),
            occasion: Occasion::Event,
            message: "x".into(),
        }),
    };
    let change = |key: String, blob: Option<u8>| StateChange {
        rule: rule.clone(),
        slot: 0,
        key,
        entry: blob.map(|byte| StateEntry {
            version: 1,
            blob: vec![byte; 3],
            kept: vec![evidence.clone()],
            changed: Timestamp(5),
        }),
    };
    Step {
        // The third commit moves the position only.
        records: if number == 2 { Vec::new() } else { vec![record] },
        blobs: if number.is_multiple_of(2) { Vec::new() } else { vec![blob(number)] },
        findings: if number == 3 { vec![finding(&rule, &evidence)] } else { Vec::new() },
        state: vec![change(format!("k{}", number % 2), Some(number as u8)), change("k0".into(), None)]
            .into_iter()
            .take(1 + usize::from(number == 3))
            .collect(),
        // Set, moved, and gone.
        timers: vec![TimerChange {
            rule: rule.clone(),
            key: format!("k{}", number % 2),
            id: "silence".into(),
            entry: (number != 4).then(|| timer(number)),
        }],
        position: Position { sequenced: number + 1, inputs: vec![number, 7] },
    }
}

fn timer(number: u64) -> TimerEntry {
    let raw = RawAddress {
        input: 0,
        ordinal: number,
        offset: 7 * number,
        length: 7,
        digest: Digest::of(&number.to_be_bytes()),
    };
    TimerEntry {
        at: Timestamp(60 + number as i64),
        source: "example".into(),
        event_id: format!("e{number}"),
        ingest_time: Timestamp(9),
        raw,
        finding: None,
    }
}

fn blob(number: u64) -> Blob {
    Blob::new(&DigestKey::public(), vec![number as u8; 40])
}

fn finding(rule: &countersign_model::RuleId, evidence: &Evidence) -> Finding {
    Finding {
        rule: rule.clone(),
        position: 3,
        index: 0,
        occasion: Occasion::Event,
        event_id: "e".into(),
        event_time: Timestamp(9),
        signal_class: vocabulary::SignalClass::Token,
        confidence: 50,
        severity: vocabulary::Severity::Low,
        role: vocabulary::SubjectRole::Actor,
        evidence_role: vocabulary::EvidenceRole::MerelyNames,
        evidence: vec![evidence.clone()],
        techniques: Vec::new(),
        message: "m".into(),
        context: ContextState::Complete,
    }
}

/// Commits from the given one on, and seals.
fn run(store: &mut FileStore, from: u64) -> Result<Head, StoreError> {
    for number in from..COMMITS {
        store.commit(step(number).commit())?;
    }
    store.seal()
}

/// What a store holds after so many commits.
fn expected(commits: u64) -> Snapshot {
    let mut store = crate::MemoryStore::new();
    for number in 0..commits {
        store.commit(step(number).commit()).unwrap();
    }
    store.snapshot().unwrap()
}

/// An uninterrupted run: the audit file's bytes and its head.
fn whole(folder: &Path) -> (Vec<u8>, Head) {
    let path = folder.join("whole");
    let mut store = FileStore::create(&path, Existing::Refuse, Durability::Seal).unwrap();
    let head = run(&mut store, 0).unwrap();
    (fs::read(&path).unwrap(), head)
}

/// Recovers, checks that a whole number of commits is there, goes on, and compares with the uninterrupted run.
fn recover_and_compare(path: &Path, whole: &(Vec<u8>, Head), what: &str) -> Option<u64> {
    let disk = Disk::failing_after(u64::MAX);
    let commits = match FileStore::recover_on(disk, path, Durability::Seal).unwrap_or_else(|e| panic!("{what}: {e}")) {
        Recovered::Sealed(head) => {
            assert_eq!(head, whole.1, "{what}");
            None
        }
        Recovered::Unfinished(mut store) => {
            let snapshot = store.snapshot().unwrap();
            let commits = snapshot.position.sequenced;
            assert_eq!(snapshot, expected(commits), "{what}");
            assert_eq!(run(&mut store, commits).unwrap(), whole.1, "{what}");
            Some(commits)
        }
    };
    assert_eq!(fs::read(path).unwrap(), whole.0, "{what}");
    let blobs = BundleReader::open(path);
    for number in [1, 3] {
        let blob = blob(number);
        assert_eq!(blobs.get(&blob.name(), &DigestKey::public()).unwrap(), blob.bytes(), "{what}");
    }
    let names: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains("journal")), "{what}: {names:?}");
    commits
}

#[test]
fn the_power_may_fail_at_any_byte_and_step() {
    let folder = tempfile::tempdir().unwrap();
    let whole = whole(folder.path());
    for (durability, fold_past) in [(Durability::Commit, u64::MAX), (Durability::Seal, 1_200), (Durability::Seal, 1)] {
        let mut seen = Vec::new();
        for steps in 0.. {
            let inner = tempfile::tempdir_in(folder.path()).unwrap();
            let path = inner.path().join("audit");
            let disk = Disk::failing_after(steps);
            let result = FileStore::create_on(disk, &path, Existing::Refuse, durability).and_then(|mut store| {
                store.fold_past(fold_past);
                let result = run(&mut store, 0);
                if result.is_err() {
                    // What failed half-way takes nothing more.
                    assert!(matches!(store.commit(step(0).commit()), Err(StoreError::Broken)));
                    assert!(matches!(store.seal(), Err(StoreError::Broken)));
                }
                result
            });
            let ended = result.is_ok();
            seen.push(recover_and_compare(&path, &whole, &format!("{durability:?}, {steps} steps")));
            if ended {
                break;
            }
        }
        // Every number of commits was seen, in order, and then the seal.
        seen.dedup();
        let all: Vec<_> = (0..=COMMITS).map(Some).chain([None]).collect();
        assert_eq!(seen, all, "{durability:?}");
    }
}

#[test]
fn files_may_come_back_torn_at_any_length() {
    let folder = tempfile::tempdir().unwrap();
    let whole = whole(folder.path());
    let inner = folder.path().join("run");
    fs::create_dir(&inner).unwrap();
    let path = inner.join("audit");
    let journal_path = inner.join("audit.journal");
    let mut store = FileStore::create(&path, Existing::Refuse, Durability::Seal).unwrap();
    (0..COMMITS).for_each(|number| store.commit(step(number).commit()).unwrap());
    let (audit, journal) = (fs::read(&path).unwrap(), fs::read(&journal_path).unwrap());
    drop(store);
    let restore = |audit: &[u8], journal: &[u8]| {
        fs::write(&path, audit).unwrap();
        fs::write(&journal_path, journal).unwrap();
    };
    for length in 0..audit.len() {
        restore(&audit[..length], &journal);
        recover_and_compare(&path, &whole, &format!("{length} bytes of the audit file"));
    }
    for length in 0..journal.len() {
        restore(&audit, &journal[..length]);
        recover_and_compare(&path, &whole, &format!("{length} bytes of the journal"));
    }
    for place in 0..journal.len() {
        let mut flipped = journal.clone();
        flipped[place] ^= 1;
        restore(&audit, &flipped);
        recover_and_compare(&path, &whole, &format!("byte {place} of the journal flipped"));
    }
    // A blob that the loss of power took costs its commit and those after it.
    let lost: PathBuf = BundleReader::open(&path).folder().join(blob(3).name().to_string());
    for content in [None, Some(&b""[..]), Some(b"short")] {
        restore(&audit, &journal);
        fs::remove_file(&lost).unwrap();
        content.iter().for_each(|bytes| fs::write(&lost, bytes).unwrap());
        assert_eq!(recover_and_compare(&path, &whole, "a blob lost"), Some(3));
    }
}

#[test]
fn a_long_journal_is_folded_to_an_equivalent_entry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    let mut store = FileStore::create(&path, Existing::Refuse, Durability::Seal).unwrap();
    store.commit(step(0).commit()).unwrap();
    let journal = || fs::metadata(folder.path().join("audit.journal")).unwrap().len();
    let one = journal();
    for round in 0..200 {
        store.fold_past(4 * one);
        let position = Position { sequenced: round, inputs: vec![round] };
        store.commit(Commit { records: &[], position: &position, ..step(0).commit() }).unwrap();
        assert!(journal() <= 5 * one + 64, "round {round}: {} bytes", journal());
        assert_eq!(store.snapshot().unwrap().position, position);
    }
    let before = store.snapshot().unwrap();
    drop(store);
    let Recovered::Unfinished(store) = FileStore::recover(&path, Durability::Commit).unwrap() else {
        panic!("sealed");
    };
    assert_eq!(store.snapshot().unwrap(), before);
}
