//! The store in files as its callers see it.

use std::fs;
use std::path::Path;

use crate::common::{Step, blob, fast_folder, header, record};
use countersign_audit::{AppendError, Blob, Record, Verified, verify};
use countersign_model::DigestKey;
use countersign_store::{
    BundleReader, Commit, Durability, Existing, FileStore, HeadStore, MemoryStore, Recovered, Store, StoreError,
    Stored, existing,
};
use proptest::prelude::*;

fn commit(store: &mut dyn Store, records: &[Record], blobs: &[Blob]) -> Result<(), StoreError> {
    let expected = store.head()?;
    store.commit(Commit { records, blobs, ..Commit::empty(expected) }).map(|_| ())
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
    let mut store = create(&path, Existing::Refuse).unwrap();
    assert!(matches!(store.seal(), Err(StoreError::Append(AppendError::NoHeader("seal")))));
    commit(&mut store, &[header(), record(1)], &[blob(1)]).unwrap();
    assert_eq!(names(folder.path()), ["audit", "audit.bundles", "audit.journal"]);
    let head = store.seal().unwrap();
    assert!(matches!(store.commit(Commit::empty(store_end(2))), Err(StoreError::Sealed)));
    assert!(matches!(store.seal(), Err(StoreError::Sealed)));
    assert!(matches!(store.head(), Err(StoreError::Sealed)));
    assert!(matches!(store.findings(0, 1), Err(StoreError::Sealed)));
    drop(store);
    assert_eq!(names(folder.path()), ["audit", "audit.bundles"]);
    assert_eq!(names(&folder.path().join("audit.bundles")), [blob(1).name().to_string()]);
    let bytes = fs::read(&path).unwrap();
    assert_eq!(verify(&*bytes, Some(head.digest)).unwrap(), Verified::Sealed(head));
    assert!(matches!(FileStore::recover(&path, Durability::Seal), Ok(Recovered::Sealed(found)) if found == head));
}

fn store_end(records: u64) -> countersign_store::ChainWriter {
    countersign_store::ChainWriter::resume(records, blob(0).name())
}

#[test]
fn a_run_is_replaced_only_on_demand_and_with_all_that_belongs_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    let finish = |existing, number| {
        let mut store = create(&path, existing)?;
        commit(&mut store, &[header()], &[blob(number)])?;
        store.seal()
    };
    assert_eq!(existing(&path).unwrap(), None);
    finish(Existing::Refuse, 1).unwrap();
    let found = existing(&path).unwrap().unwrap();
    assert_eq!((found.records, found.sealed, found.blobs), (Some(1), true, 1));
    assert_eq!((found.bytes, found.blob_bytes), (fs::metadata(&path).unwrap().len(), 48));
    let error = finish(Existing::Refuse, 2).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "expected nothing at `{0}`, got a finished audit file of 1 records with 1 blobs in `{0}.bundles`: name \
             another file, or replace it with `--replace`",
            path.display()
        )
    );
    finish(Existing::Replace, 2).unwrap();
    assert_eq!(names(&folder.path().join("audit.bundles")), [blob(2).name().to_string()]);
    let mut store = create(&path, Existing::Replace).unwrap();
    commit(&mut store, &[header()], &[]).unwrap();
    store.seal().unwrap();
    assert_eq!(names(folder.path()), ["audit"]);

    // Blobs without a file, or a journal, are what is left of a run.
    fs::remove_file(&path).unwrap();
    for (left, blobs) in [("audit.journal", 0), ("audit.bundles", 1)] {
        if blobs == 0 {
            fs::write(folder.path().join(left), "x").unwrap();
        } else {
            fs::create_dir(folder.path().join(left)).unwrap();
            fs::write(folder.path().join(left).join(blob(3).name().to_string()), "x").unwrap();
        }
        let found = existing(&path).unwrap().unwrap();
        assert_eq!((found.bytes, found.records, found.sealed, found.blobs), (0, None, false, blobs));
        assert!(finish(Existing::Refuse, 4).unwrap_err().to_string().contains("got what is left of a run"));
        assert!(!path.exists(), "nothing is made where it is refused");
        finish(Existing::Replace, 4).unwrap();
        fs::remove_file(&path).unwrap();
        fs::remove_dir_all(folder.path().join("audit.bundles")).unwrap();
    }

    // What no run put among the blobs is never removed.
    finish(Existing::Refuse, 5).unwrap();
    let bundles = folder.path().join("audit.bundles");
    let part = bundles.join(format!("{}.part", blob(6).name()));
    fs::write(&part, "torn").unwrap();
    for foreign in ["notes.txt", "notes.part", &blob(7).name().to_string()] {
        let foreign = bundles.join(foreign);
        if foreign.extension().is_some() { fs::write(&foreign, "mine") } else { fs::create_dir(&foreign) }.unwrap();
        for existing in [Existing::Refuse, Existing::Replace] {
            let error = finish(existing, 6).unwrap_err();
            assert!(matches!(&error, StoreError::NotOnlyBlobs { got, .. } if *got == foreign), "{error}");
        }
        assert!(foreign.exists() && bundles.join(blob(5).name().to_string()).exists());
        if foreign.extension().is_some() { fs::remove_file(&foreign) } else { fs::remove_dir(&foreign) }.unwrap();
    }
    finish(Existing::Replace, 6).unwrap();
    assert_eq!(names(&bundles), [blob(6).name().to_string()]);
}

#[test]
fn a_file_that_is_no_audit_file_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    for other in ["a diary\n", "{\"seq\":0}\n", "\n", "{\"seq\":0,\"link\":\"1"] {
        fs::write(&path, other).unwrap();
        fs::write(folder.path().join("audit.journal"), "").unwrap();
        for existing in [Existing::Refuse, Existing::Replace] {
            assert!(matches!(create(&path, existing), Err(StoreError::NotAnAuditFile(_))));
        }
        assert!(matches!(existing(&path), Err(StoreError::NotAnAuditFile(_))));
        assert!(matches!(FileStore::recover(&path, Durability::Seal), Err(StoreError::NotAnAuditFile(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), other);
    }
    // An empty file, such as one made by `mktemp`, is no run.
    fs::write(&path, "").unwrap();
    assert_eq!(existing(&path).unwrap(), None);
    create(&path, Existing::Refuse).unwrap();
}

#[test]
fn an_unfinished_file_is_replaced_unless_somebody_writes_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    let mut store = create(&path, Existing::Refuse).unwrap();
    commit(&mut store, &[header(), record(1)], &[]).unwrap();
    for existing in [Existing::Refuse, Existing::Replace] {
        assert!(matches!(create(&path, existing), Err(StoreError::Locked(_))));
    }
    assert!(matches!(FileStore::recover(&path, Durability::Seal), Err(StoreError::Locked(_))));
    drop(store);
    let found = existing(&path).unwrap().unwrap();
    assert_eq!((found.records, found.sealed), (Some(2), false));
    assert!(found.to_string().starts_with("an interrupted audit file of 2 records"), "{found}");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert_eq!(existing(&path).unwrap().unwrap().records, Some(1));
    fs::write(&path, &whole[..200]).unwrap();
    assert_eq!(existing(&path).unwrap().unwrap().to_string(), "an interrupted audit file of 200 bytes");
    // Without a journal it can't be recovered.
    fs::remove_file(folder.path().join("audit.journal")).unwrap();
    assert!(matches!(FileStore::recover(&path, Durability::Seal), Err(StoreError::NoJournal(_))));
    drop(create(&path, Existing::Replace).unwrap());
    assert!(FileStore::recover(&folder.path().join("none"), Durability::Seal).is_err());
    let error = create(&folder.path().join("no/folder"), Existing::Refuse).unwrap_err().to_string();
    assert!(error.starts_with("can't make `") && error.contains("No such file"), "{error}");
}

#[test]
fn a_changed_blob_is_found_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    let (key, other) = (DigestKey::public(), DigestKey::private(&[7; 32]).unwrap());
    let blob = Blob::new(&key, b"bundle".to_vec());
    let mut store = create(&path, Existing::Refuse).unwrap();
    commit(&mut store, &[header()], std::slice::from_ref(&blob)).unwrap();
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

/// More than a journal line may have: it is written in parts.
#[test]
fn no_commit_is_too_large() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    let value = vec![7; 9 << 20];
    let changes: Vec<_> = (0..8u8).map(|key| crate::common::memory("session", &[key], Some(&value))).collect();
    let mut store = create(&path, Existing::Refuse).unwrap();
    let step = Step { records: vec![header()], memory: changes, ..Step::default() };
    let first = step.after(&store);
    store.commit(first).unwrap();
    let journal = fs::read(folder.path().join("audit.journal")).unwrap();
    assert!(journal.len() > 128 << 20 && journal.iter().filter(|byte| **byte == b'\n').count() > 3);
    drop(store);
    let Recovered::Unfinished(store) = FileStore::recover(&path, Durability::Seal).unwrap() else { panic!("sealed") };
    let pairs = store.memory("session", None, 9).unwrap();
    assert!(pairs.iter().zip(0u8..).all(|((key, found), number)| *key == [number] && *found == value));
    assert_eq!(pairs.len(), 8);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::cases(64), ..ProptestConfig::default() })]

    /// Any grouping of records into commits, in any store, gives the same bytes and the same head.
    #[test]
    fn grouping_does_not_change_the_file(groups in prop::collection::vec(0usize..5, 1..12), durable in any::<bool>()) {
        let total: usize = groups.iter().sum();
        let records: Vec<Record> = std::iter::once(header()).chain((0..total as u64).map(record)).collect();
        let mut all = MemoryStore::new();
        commit(&mut all, &records, &[]).unwrap();
        let (bytes, expected) = all.sealed().unwrap();

        let folder = fast_folder();
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
        prop_assert_eq!(head.head().unwrap().head().unwrap(), expected);
        prop_assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}
