//! Crashes of the store in files: the power fails at every byte and step of a run, and files come back torn at every
//! length. What is left must be a whole number of commits, and going on from there must give the very same files.

use std::fs;
use std::path::{Path, PathBuf};

use countersign_audit::record::Generation;
use countersign_audit::{FaultCode, Head, Record, VerifyError, verify};
use countersign_model::DigestKey;

use crate::common::{Step, blob, content, fast_folder, finding, header, intent, memory, record, state, timer};
use crate::disk::Disk;
use crate::export::{ExportOptions, export_on};
use crate::journal::MAX_PART;
use crate::{
    BundleReader, Durability, Existing, FileStore, MemoryStore, Recovered, Store, StoreError, Stored, existing,
};

const COMMITS: u8 = 5;

/// What a commit of the run holds; `session` in memory shows which commits there were.
fn step(number: u8) -> Step {
    let ordinal = u64::from(number);
    let (odd, key) = (number % 2 == 1, format!("k{}", number % 2));
    Step {
        // The third commit changes only what isn't in the log.
        records: match number {
            0 => vec![header()],
            2 => Vec::new(),
            _ => vec![record(ordinal)],
        },
        blobs: if odd { vec![blob(ordinal)] } else { Vec::new() },
        findings: if number == 3 { vec![finding(3)] } else { Vec::new() },
        intents: if odd { vec![intent(ordinal)] } else { Vec::new() },
        tick: number == 2,
        baselines: vec![state("a/b", "s", &key, odd.then_some(number))],
        state: vec![state("a/b", "s", &key, Some(number)), state("a/b", "s", "k0", (number != 3).then_some(number))],
        // Set, moved, and gone.
        timers: vec![timer("a/b", &key, "silence", (number != 4).then_some(number))],
        memory: vec![
            memory("session", b"", Some(&[number + 1])),
            memory("horizon", &[number], Some(b"seen")),
            memory("horizon", &[1], None),
        ],
    }
}

/// How many commits a store has.
fn commits(store: &FileStore) -> u8 {
    store.memory("session", None, 1).unwrap().first().map_or(0, |(_, value)| value[0])
}

/// Commits from the given one on, and seals.
fn run(store: &mut FileStore, from: u8) -> Result<Head, StoreError> {
    for number in from..COMMITS {
        let step = step(number);
        let commit = step.after(store);
        store.commit(commit)?;
    }
    store.seal()
}

/// What a store holds after so many commits.
fn expected(commits: u8) -> Vec<String> {
    let mut store = MemoryStore::new();
    for number in 0..commits {
        let step = step(number);
        let commit = step.after(&store);
        store.commit(commit).unwrap();
    }
    content(&store, 9)
}

/// An uninterrupted run: the audit file's bytes and its head.
fn whole(folder: &Path) -> (Vec<u8>, Head) {
    let path = folder.join("whole");
    let mut store = FileStore::create(&path, Existing::Refuse, Durability::Seal).unwrap();
    let head = run(&mut store, 0).unwrap();
    (fs::read(&path).unwrap(), head)
}

/// Recovers, checks that a whole number of commits is there, goes on, and compares with the uninterrupted run.
fn recover_and_compare(path: &Path, whole: &(Vec<u8>, Head), what: &str) -> Option<u8> {
    // Whatever is left is of an interrupted run, not one that was changed.
    match verify(&*fs::read(path).unwrap(), None) {
        Ok(_) => {}
        Err(VerifyError::Faults(faults)) => assert_eq!(faults[0].code, FaultCode::Empty, "{what}: {faults:?}"),
        Err(VerifyError::Unreadable(error)) => panic!("{what}: {error}"),
    }
    let disk = Disk::failing_after(u64::MAX);
    let found = match FileStore::recover_on(disk, path, Durability::Seal).unwrap_or_else(|e| panic!("{what}: {e}")) {
        Recovered::Sealed(head) => {
            assert_eq!(head, whole.1, "{what}");
            None
        }
        Recovered::Unfinished(mut store) => {
            let found = commits(&store);
            assert_eq!(content(&*store, 9), expected(found), "{what}");
            assert_eq!(run(&mut store, found).unwrap(), whole.1, "{what}");
            Some(found)
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
    found
}

#[test]
fn the_power_may_fail_at_any_byte_and_step() {
    let folder = fast_folder();
    let whole = whole(folder.path());
    for (durability, fold_past, max_part, stride) in [
        (Durability::Commit, u64::MAX, MAX_PART, 1),
        // Every commit is split as far as it can be.
        (Durability::Seal, u64::MAX, 1, 11),
        (Durability::Seal, 1_200, 400, 13),
        (Durability::Seal, 1, MAX_PART, 17),
    ] {
        let mut seen = Vec::new();
        for steps in (0..).step_by(stride) {
            let inner = tempfile::tempdir_in(folder.path()).unwrap();
            let path = inner.path().join("audit");
            let disk = Disk::failing_after(steps);
            let result = FileStore::create_on(disk, &path, Existing::Refuse, durability).and_then(|mut store| {
                store.limits(fold_past, max_part);
                let result = run(&mut store, 0);
                if result.is_err() {
                    // What failed half-way takes and gives nothing more.
                    let commit = crate::Commit::empty(crate::ChainWriter::new());
                    assert!(matches!(store.commit(commit), Err(StoreError::Broken)));
                    assert!(matches!(store.seal(), Err(StoreError::Broken)));
                    assert!(matches!(store.state(None, 1), Err(StoreError::Broken)));
                    assert!(matches!(store.lines(0, 1), Err(StoreError::Broken)));
                }
                result
            });
            let ended = result.is_ok();
            seen.push(recover_and_compare(&path, &whole, &format!("{durability:?}, {max_part}, {steps} steps")));
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
fn the_power_may_fail_while_a_run_is_replaced() {
    let folder = fast_folder();
    let whole = whole(folder.path());
    let old = blob(99);
    for sealed in [true, false] {
        for steps in 0.. {
            let inner = tempfile::tempdir_in(folder.path()).unwrap();
            let path = inner.path().join("audit");
            let mut store = FileStore::create(&path, Existing::Refuse, Durability::Seal).unwrap();
            let first = Step { blobs: vec![old.clone()], memory: vec![memory("session", b"", Some(&[9]))], ..step(0) };
            let commit = first.after(&store);
            store.commit(commit).unwrap();
            if sealed {
                store.seal().unwrap();
            }
            drop(store);
            let result = FileStore::create_on(Disk::failing_after(steps), &path, Existing::Replace, Durability::Commit);
            let ended = result.is_ok();
            drop(result);
            // Whatever is left is refused or is nothing, and can be replaced for good.
            let left = existing(&path).unwrap().is_some();
            let refused = FileStore::create(&path, Existing::Refuse, Durability::Seal);
            assert_eq!(left, matches!(refused, Err(StoreError::Exists { .. })), "{steps} steps");
            assert_eq!(left, !ended && left, "{steps} steps");
            drop(refused);
            let mut store = FileStore::create(&path, Existing::Replace, Durability::Seal).unwrap();
            assert_eq!(run(&mut store, 0).unwrap(), whole.1);
            assert_eq!(fs::read(&path).unwrap(), whole.0);
            assert!(!BundleReader::open(&path).folder().join(old.name().to_string()).exists());
            if ended {
                break;
            }
        }
    }
}

/// Every length near a line's end, and some in between.
fn lengths(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let near = |length: usize| bytes.iter().skip(length.saturating_sub(2)).take(4).any(|byte| *byte == b'\n');
    (0..bytes.len()).filter(move |length| length.is_multiple_of(7) || near(*length))
}

#[test]
fn files_may_come_back_torn_at_any_length() {
    let folder = fast_folder();
    let whole = whole(folder.path());
    let inner = folder.path().join("run");
    fs::create_dir(&inner).unwrap();
    let path = inner.join("audit");
    let journal_path = inner.join("audit.journal");
    let mut store = FileStore::create(&path, Existing::Refuse, Durability::Seal).unwrap();
    // Some commits of one line, some of several.
    for number in 0..COMMITS {
        store.limits(u64::MAX, if number < 3 { MAX_PART } else { 300 });
        let step = step(number);
        let commit = step.after(&store);
        store.commit(commit).unwrap();
    }
    let (audit, journal) = (fs::read(&path).unwrap(), fs::read(&journal_path).unwrap());
    assert!(journal.iter().filter(|byte| **byte == b'\n').count() > usize::from(COMMITS) + 3);
    drop(store);
    let restore = |audit: &[u8], journal: &[u8]| {
        fs::write(&path, audit).unwrap();
        fs::write(&journal_path, journal).unwrap();
    };
    for length in lengths(&audit) {
        restore(&audit[..length], &journal);
        recover_and_compare(&path, &whole, &format!("{length} bytes of the audit file"));
    }
    for length in lengths(&journal) {
        restore(&audit, &journal[..length]);
        recover_and_compare(&path, &whole, &format!("{length} bytes of the journal"));
    }
    for place in lengths(&journal) {
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
fn a_long_journal_is_folded_to_an_equivalent_commit() {
    let folder = fast_folder();
    let path = folder.path().join("audit");
    let mut store = FileStore::create(&path, Existing::Refuse, Durability::Seal).unwrap();
    let first = step(0);
    let commit = first.after(&store);
    store.commit(commit).unwrap();
    let journal = || fs::metadata(folder.path().join("audit.journal")).unwrap().len();
    let one = journal();
    for round in 0..200u8 {
        store.limits(4 * one, if round % 2 == 0 { MAX_PART } else { 200 });
        let step = Step { records: Vec::new(), memory: vec![memory("session", b"", Some(&[round]))], ..step(0) };
        let commit = step.after(&store);
        store.commit(commit).unwrap();
        assert!(journal() <= 6 * one + 64, "round {round}: {} bytes", journal());
        assert_eq!(commits(&store), round);
    }
    let before = content(&store, 9);
    drop(store);
    let Recovered::Unfinished(store) = FileStore::recover(&path, Durability::Commit).unwrap() else {
        panic!("sealed");
    };
    assert_eq!(content(&*store, 9), before);
}

#[test]
fn reading_page_by_page_beside_commits_and_folds_sees_every_commit() {
    let folder = fast_folder();
    let mut store = FileStore::create(&folder.path().join("audit"), Existing::Refuse, Durability::Seal).unwrap();
    for number in 0..COMMITS {
        store.limits(if number == 3 { 1 } else { u64::MAX }, 500);
        let step = step(number);
        let commit = step.after(&store);
        store.commit(commit).unwrap();
        if number != 1 {
            assert_eq!(content(&store, 1), expected(number + 1), "{number}");
            assert_eq!(content(&store, 2), expected(number + 1), "{number}");
        }
    }
}

#[test]
fn a_journal_of_another_version_is_refused_and_stays() {
    let folder = fast_folder();
    let path = folder.path().join("audit");
    let mut store = FileStore::create(&path, Existing::Refuse, Durability::Seal).unwrap();
    let first = step(0);
    let commit = first.after(&store);
    store.commit(commit).unwrap();
    drop(store);
    let audit = fs::read(&path).unwrap();
    let json = r#"{"records":1,"length":1,"position":{}}"#;
    let line = format!("{json} {}\n", countersign_model::Digest::of(json.as_bytes()));
    fs::write(folder.path().join("audit.journal"), &line).unwrap();
    let error = FileStore::recover(&path, Durability::Seal).unwrap_err();
    assert!(matches!(error, StoreError::Journal { .. }), "{error}");
    assert!(error.to_string().contains("use the countersign version that wrote it"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), audit);
}

#[test]
fn the_power_may_fail_while_a_store_is_exported() {
    let folder = fast_folder();
    let generation = |number| {
        let (policy, capabilities) = (blob(number).name(), blob(number + 1).name());
        Record::Generation(Generation {
            number: 1,
            position: 0,
            rules: Vec::new(),
            trust: None,
            sources: None,
            policy,
            identities: None,
            capabilities,
            context: Vec::new(),
            gate: 1,
            engine: "none".into(),
            interface: "none".into(),
        })
    };
    let store = |number| {
        let mut store = MemoryStore::new();
        let blobs = vec![blob(number), blob(number + 1)];
        let step = Step { records: vec![header(), generation(number)], blobs, ..Step::default() };
        let commit = step.after(&store);
        store.commit(commit).unwrap();
        store
    };
    let (old, new) = (store(1), store(2));
    let (old_file, new_file) = (old.sealed().unwrap().0, new.sealed().unwrap().0);
    let options = ExportOptions { existing: Existing::Replace, seal: true, part: None };
    for replaced in [false, true] {
        for steps in (0..).step_by(3) {
            let inner = tempfile::tempdir_in(folder.path()).unwrap();
            let out = inner.path().join("audit");
            if replaced {
                export_on(&Disk::failing_after(u64::MAX), &old, &out, &options, &mut |_, _| {}).unwrap();
            }
            let ended = export_on(&Disk::failing_after(steps), &new, &out, &options, &mut |_, _| {}).is_ok();
            // A file that is there has all its blobs.
            let numbers = match fs::read(&out) {
                Ok(found) if found == new_file => vec![2, 3],
                Ok(found) if found == old_file && replaced => vec![1, 2],
                Ok(found) => panic!("{steps} steps: {} bytes", found.len()),
                Err(_) => Vec::new(),
            };
            for number in numbers {
                let found = BundleReader::open(&out).get(&blob(number).name(), &DigestKey::public()).unwrap();
                assert_eq!(found, blob(number).bytes(), "{steps} steps");
            }
            export_on(&Disk::failing_after(u64::MAX), &new, &out, &options, &mut |_, _| {}).unwrap();
            assert_eq!(fs::read(&out).unwrap(), new_file);
            let names = |folder: &Path| fs::read_dir(folder).unwrap().count();
            assert_eq!((names(inner.path()), names(BundleReader::open(&out).folder())), (2, 2), "{steps} steps");
            if ended {
                break;
            }
        }
    }
}
