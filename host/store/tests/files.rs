//! The store in files as its callers see it.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy takes for other code")]

use std::fs;
use std::path::Path;

use countersign_audit::record::{Header, NotDeterministic};
use countersign_audit::{AppendError, Blob, Record, verify};
use countersign_model::{DigestKey, HashSlot, Occasion, Position, StateChange, StateEntry, Timestamp};
use countersign_store::{
    BundleReader, Commit, Durability, Existing, FileStore, HeadStore, MemoryStore, Recovered, Store, StoreError,
};
use proptest::prelude::*;

fn header() -> Record {
    Record::Header(Header::new("0.1.0", &DigestKey::public()))
}

fn record(position: u64) -> Record {
    let (rule, message) = ("a/b".parse().unwrap(), format!("{position}"));
    Record::NotDeterministic(NotDeterministic { position, rule, occasion: Occasion::Event, message })
}

fn commit(store: &mut dyn Store, records: &[Record], blobs: &[Blob]) -> Result<(), StoreError> {
    store.commit(Commit { records, blobs, findings: &[], state: &[], timers: &[], position: &Position::default() })
}

fn create(path: &Path, existing: Existing) -> Result<FileStore, StoreError> {
    FileStore::create(path, existing, Durability::Seal)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_finished_run_leaves_an_audit_file_that_verifies_and_its_blobs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    let blob = Blob::new(&DigestKey::public(), b"bundle".to_vec());
    let mut store = create(&path, Existing::Refuse).unwrap();
    commit(&mut store, &[header(), record(1)], std::slice::from_ref(&blob)).unwrap();
    assert_eq!(names(folder.path()), ["audit", "audit.bundles", "audit.journal"]);
    let head = store.seal().unwrap();
    assert!(matches!(commit(&mut store, &[record(2)], &[]), Err(StoreError::Sealed)));
    assert!(matches!(store.seal(), Err(StoreError::Sealed)));
    assert!(matches!(store.snapshot(), Err(StoreError::Sealed)));
    drop(store);
    assert_eq!(names(folder.path()), ["audit", "audit.bundles"]);
    assert_eq!(names(&folder.path().join("audit.bundles")), [blob.name().to_string()]);
    let bytes = fs::read(&path).unwrap();
    assert_eq!(verify(&*bytes, Some(head.digest)).unwrap(), head);
    assert!(matches!(FileStore::recover(&path, Durability::Seal), Ok(Recovered::Sealed(found)) if found == head));
}

#[test]
fn only_audit_files_are_replaced_and_only_on_demand() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    let finish = |existing| {
        let mut store = create(&path, existing)?;
        commit(&mut store, &[header()], &[])?;
        store.seal()
    };
    finish(Existing::Refuse).unwrap();
    assert!(matches!(finish(Existing::Refuse), Err(StoreError::Exists(_))));
    finish(Existing::Replace).unwrap();

    // A file that is no audit file stays as it is, regardless of what is beside it.
    for other in ["a diary\n", "{\"seq\":0}\n", "\n", "{\"seq\":0,\"link\":\"1"] {
        fs::write(&path, other).unwrap();
        fs::write(folder.path().join("audit.journal"), "").unwrap();
        assert!(matches!(finish(Existing::Replace), Err(StoreError::NotAnAuditFile(_))));
        assert!(matches!(FileStore::recover(&path, Durability::Seal), Err(StoreError::NotAnAuditFile(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), other);
    }

    // An empty file, such as one made by `mktemp`, is replaced.
    fs::write(&path, "").unwrap();
    finish(Existing::Refuse).unwrap();

    // An unfinished file can be replaced, and without a journal it can't be recovered.
    fs::write(&path, "").unwrap();
    let mut store = create(&path, Existing::Refuse).unwrap();
    commit(&mut store, &[header()], &[]).unwrap();
    assert!(matches!(create(&path, Existing::Replace), Err(StoreError::Locked(_))));
    assert!(matches!(FileStore::recover(&path, Durability::Seal), Err(StoreError::Locked(_))));
    drop(store);
    fs::remove_file(folder.path().join("audit.journal")).unwrap();
    assert!(matches!(FileStore::recover(&path, Durability::Seal), Err(StoreError::NoJournal(_))));
    finish(Existing::Replace).unwrap();
    assert!(FileStore::recover(&folder.path().join("none"), Durability::Seal).is_err());
    assert!(create(&folder.path().join("no/folder"), Existing::Refuse).is_err());
}

#[test]
fn a_commit_that_cannot_be_written_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    let mut file = create(&path, Existing::Refuse).unwrap();
    let (mut memory, mut head) = (MemoryStore::new(), HeadStore::new());
    let large = Blob::new(&DigestKey::public(), vec![0; Blob::MAX_BYTES + 1]);
    for store in [&mut file as &mut dyn Store, &mut memory, &mut head] {
        assert!(matches!(store.seal(), Err(StoreError::Append(AppendError::NoHeader(_)))));
        assert!(matches!(
            commit(store, &[record(0)], &[]),
            Err(StoreError::Append(AppendError::NoHeader("not-deterministic")))
        ));
        commit(store, &[header()], &[]).unwrap();
        assert!(matches!(
            commit(store, &[record(1), header()], &[]),
            Err(StoreError::Append(AppendError::SecondHeader(2)))
        ));
        assert!(matches!(
            commit(store, &[record(1)], std::slice::from_ref(&large)),
            Err(StoreError::BlobTooLarge { .. })
        ));
        commit(store, &[record(1)], &[]).unwrap();
        assert_eq!(store.seal().unwrap().records, 2);
    }
    assert_eq!(fs::read(&path).unwrap(), memory.audit());
    assert_eq!(names(folder.path()), ["audit"]);
}

#[test]
fn a_changed_blob_is_found_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    let (key, other) = (DigestKey::public(), DigestKey::private(&[7; 32]).unwrap());
    let blob = Blob::new(&key, b"bundle".to_vec());
    let mut store = create(&path, Existing::Refuse).unwrap();
    // Twice the same is once.
    commit(&mut store, &[header()], &[blob.clone(), blob.clone()]).unwrap();
    commit(&mut store, &[], std::slice::from_ref(&blob)).unwrap();
    let reader = BundleReader::open(&path);
    assert_eq!(reader.get(&blob.name(), &key).unwrap(), b"bundle");
    assert!(matches!(reader.get(&blob.name(), &other), Err(StoreError::BlobChanged { .. })));
    let missing = key.digest(b"missing");
    assert!(matches!(reader.get(&missing, &key), Err(StoreError::BlobMissing { name, .. }) if name == missing));
    let file = reader.folder().join(blob.name().to_string());
    for place in 0..blob.bytes().len() {
        for bit in 0..8 {
            let mut bytes = blob.bytes().to_vec();
            bytes[place] ^= 1 << bit;
            fs::write(&file, bytes).unwrap();
            let error = reader.get(&blob.name(), &key).unwrap_err();
            assert!(error.to_string().contains(&blob.name().to_string()), "{error}");
        }
    }
    // Committing it again mends it: what lies under a name is compared, not trusted.
    commit(&mut store, &[], std::slice::from_ref(&blob)).unwrap();
    assert_eq!(reader.get(&blob.name(), &key).unwrap(), b"bundle");
    fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(Blob::MAX_BYTES as u64 + 1).unwrap();
    assert!(matches!(reader.get(&blob.name(), &key), Err(StoreError::BlobTooLarge { .. })));
}

#[test]
fn state_is_read_by_hash_slot_and_each_key_is_in_one() {
    let folder = tempfile::tempdir().unwrap();
    let change = |rule: &str, key: usize, kept: bool| StateChange {
        rule: rule.parse().unwrap(),
        slot: 0,
        key: format!("aws:111122223333:AIDA{key}"),
        entry: kept.then(|| StateEntry { version: 1, blob: vec![1], kept: Vec::new(), changed: Timestamp(1) }),
    };
    let state: Vec<StateChange> =
        (0..300).flat_map(|key| [change("a/b", key, true), change("a/c", key, true)]).collect();
    let gone: Vec<StateChange> = (0..100).map(|key| change("a/c", key, false)).collect();
    let stores: [Box<dyn Store>; 2] =
        [Box::new(MemoryStore::new()), Box::new(create(&folder.path().join("audit"), Existing::Refuse).unwrap())];
    for mut store in stores {
        for (records, state) in [(vec![header()], &state), (vec![record(1)], &gone)] {
            let position = Position::default();
            store
                .commit(Commit {
                    records: &records,
                    blobs: &[],
                    findings: &[],
                    state,
                    timers: &[],
                    position: &position,
                })
                .unwrap();
        }
        let mut all = Vec::new();
        for hash_slot in HashSlot::all() {
            let part = store.state(hash_slot).unwrap();
            assert!(part.iter().all(|change| change.hash_slot() == hash_slot));
            all.extend(part);
        }
        assert_eq!(all.len(), 500);
        assert_eq!(all, store.snapshot().unwrap().state, "in the same order");
    }
}

#[test]
fn a_store_that_only_counts_keeps_no_state() {
    let mut store = HeadStore::new();
    commit(&mut store, &[header(), record(1)], &[]).unwrap();
    assert_eq!(store.records(), 2);
    assert!(matches!(store.snapshot(), Err(StoreError::NotKept(_))));
    assert!(matches!(store.state(HashSlot::of("key")), Err(StoreError::NotKept(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Any grouping of records into commits, in any store, gives the same bytes and the same head.
    #[test]
    fn grouping_does_not_change_the_file(groups in prop::collection::vec(0usize..5, 1..12), durable in any::<bool>()) {
        let total: usize = groups.iter().sum();
        let records: Vec<Record> = std::iter::once(header()).chain((0..total as u64).map(record)).collect();
        let mut all = MemoryStore::new();
        commit(&mut all, &records, &[]).unwrap();
        let expected = all.seal().unwrap();

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit");
        let durability = if durable { Durability::Commit } else { Durability::Seal };
        let mut file = FileStore::create(&path, Existing::Refuse, durability).unwrap();
        let mut head = HeadStore::new();
        let mut rest = records.as_slice();
        for (place, count) in groups.iter().enumerate() {
            let (group, after) = rest.split_at(count + usize::from(place == 0));
            rest = after;
            commit(&mut file, group, &[]).unwrap();
            commit(&mut head, group, &[]).unwrap();
        }
        prop_assert_eq!(file.seal().unwrap(), expected);
        prop_assert_eq!(head.seal().unwrap(), expected);
        prop_assert_eq!(fs::read(&path).unwrap(), all.audit());
    }
}
