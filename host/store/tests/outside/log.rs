//! Reading what is on record, in a file or a store.

use std::fs;
use std::io::Read;
use std::path::Path;

use countersign_audit::record::Component;
use countersign_audit::{FaultCode, Record, Verified, VerifyError};
use countersign_model::DigestKey;
use countersign_store::{AuditLog, Durability, Existing, FileError, FileStore, SqliteStore, Store, StoreError, Stored};

use crate::common::{Step, blob, header, record};

/// More lines than are read of a store at once.
fn write(store: &mut dyn Store) {
    let records = std::iter::once(header()).chain((0..200).map(record)).collect();
    let step = Step { records, blobs: vec![blob(1)], ..Step::default() };
    let commit = step.after(store);
    store.commit(commit).unwrap();
}

fn bytes(log: &AuditLog) -> Vec<u8> {
    let mut bytes = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "a test")]
    log.lines().unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_file_and_a_store_are_told_by_content_and_read_alike() {
    let folder = tempfile::tempdir().unwrap();
    let (file, store) = (folder.path().join("a.store"), folder.path().join("b.audit"));
    let mut files = FileStore::create(&file, Existing::Refuse, Durability::Seal).unwrap();
    let mut sqlite = SqliteStore::open(&store).unwrap();
    write(&mut files);
    write(&mut sqlite);
    let end = files.head().unwrap();
    let (of_file, of_store) = (AuditLog::open(&file).unwrap(), AuditLog::open(&store).unwrap());
    assert_eq!((of_file.is_store(), of_store.is_store()), (false, true));
    assert!(of_file.store().is_none() && of_store.store().is_some());
    assert_eq!((of_file.path(), of_store.path()), (&*file, &*store));
    assert_eq!(bytes(&of_file), bytes(&of_store));
    // What is committed later isn't seen by a log that was opened before.
    let later = Step { records: vec![record(0)], ..Step::default() };
    let commit = later.after(&sqlite);
    sqlite.commit(commit).unwrap();
    assert_eq!(bytes(&of_file), bytes(&of_store));
    let key = DigestKey::public();
    let missing = blob(2).name();
    for log in [&of_file, &of_store] {
        let verified = log.verify(log.lines().unwrap(), None).unwrap();
        assert!(matches!(verified, Verified::Unsealed(found) if found.end == end && found.torn == 0));
        assert_eq!(log.blob(&blob(1).name(), &key).unwrap(), blob(1).bytes());
        assert!(matches!(log.blob(&missing, &key), Err(StoreError::BlobMissing { name, .. }) if name == missing));
        let other = DigestKey::private(&[7; 32]).unwrap();
        assert!(matches!(log.blob(&blob(1).name(), &other), Err(StoreError::BlobChanged { .. })));
    }
    assert_eq!(of_file.bytes().unwrap(), bytes(&of_file).len() as u64);
    assert_eq!(of_store.bytes().unwrap(), of_file.bytes().unwrap());

    // A store's head is that of the file that it would be exported to.
    let head = files.seal().unwrap();
    assert_eq!(of_file.verify(of_file.lines().unwrap(), Some(head.digest)).unwrap(), Verified::Sealed(head));
    of_store.verify(of_store.lines().unwrap(), Some(head.digest)).unwrap();
    let other = Some(missing);
    assert!(matches!(of_store.verify(of_store.lines().unwrap(), other), Err(VerifyError::Faults(_))));
}

/// The line and code of each fault of a blob.
fn blob_faults(log: &AuditLog, key: &DigestKey) -> Vec<(u64, FaultCode)> {
    match log.verify_blobs(log.lines().unwrap(), key) {
        Ok(blobs) => {
            assert_eq!(blobs, 1);
            Vec::new()
        }
        Err(VerifyError::Faults(faults)) => faults.into_iter().map(|fault| (fault.line, fault.code)).collect(),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn every_blob_that_a_record_names_is_checked_once() {
    let folder = tempfile::tempdir().unwrap();
    let (file, store) = (folder.path().join("audit"), folder.path().join("store"));
    let key = DigestKey::public();
    let component = |position| {
        let rule = "example/rule".parse().unwrap();
        Record::Component(Component { position, rule, component: blob(1).name() })
    };
    let records = vec![header(), component(0), component(1)];
    let mut files = FileStore::create(&file, Existing::Refuse, Durability::Seal).unwrap();
    let mut sqlite = SqliteStore::open(&store).unwrap();
    for (store, blobs) in [(&mut files as &mut dyn Store, vec![blob(1)]), (&mut sqlite, Vec::new())] {
        let step = Step { records: records.clone(), blobs, ..Step::default() };
        let commit = step.after(store);
        store.commit(commit).unwrap();
    }
    files.seal().unwrap();
    let (of_file, of_store) = (AuditLog::open(&file).unwrap(), AuditLog::open(&store).unwrap());
    assert_eq!(blob_faults(&of_file, &key), []);
    assert_eq!(blob_faults(&of_store, &key), [(2, FaultCode::BlobMissing)]);
    assert_eq!(blob_faults(&of_file, &DigestKey::private(&[7; 32]).unwrap()), [(2, FaultCode::BlobChanged)]);
    let path = folder.path().join("audit.bundles").join(blob(1).name().to_string());
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(blob_faults(&of_file, &key), [(2, FaultCode::BlobChanged)]);
}

#[test]
fn what_is_neither_is_refused_and_a_changed_file_is_still_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let open = |path: &Path| AuditLog::open(path).map(|log| log.verify(log.lines().unwrap(), None));
    for other in [&b"a diary\n"[..], b"\x7fELF", &[0; 70_000]] {
        fs::write(&path, other).unwrap();
        let error = open(&path).unwrap_err();
        assert!(error.to_string().starts_with("expected an audit file or a store at `"), "{error}");
    }
    assert!(matches!(open(folder.path()), Err(StoreError::File(FileError::NotRegular { .. }))));
    assert!(open(&folder.path().join("none")).unwrap_err().to_string().contains("No such file"));

    fs::remove_file(&path).unwrap();
    let mut store = FileStore::create(&path, Existing::Refuse, Durability::Seal).unwrap();
    write(&mut store);
    store.seal().unwrap();
    let good = fs::read(&path).unwrap();
    let first = good.iter().position(|byte| *byte == b'\n').unwrap();
    for place in (0..=first).chain([first + 1, good.len() - 1]) {
        let mut bad = good.clone();
        bad[place] ^= 0x80;
        fs::write(&path, bad).unwrap();
        assert!(matches!(open(&path), Ok(Err(VerifyError::Faults(_)))), "byte {place}");
    }
    fs::write(&path, &good[first + 1..]).unwrap();
    assert!(matches!(open(&path), Ok(Err(VerifyError::Faults(_)))));
    fs::write(&path, "").unwrap();
    assert!(matches!(open(&path), Ok(Err(VerifyError::Faults(_)))));
}

#[test]
fn a_store_whose_records_were_changed_does_not_verify() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    write(&mut SqliteStore::open(&path).unwrap());
    let change = |sql: &str| countersign_database::rusqlite::Connection::open(&path).unwrap().execute(sql, []).unwrap();
    let codes = || -> Vec<(u64, &'static str)> {
        let log = AuditLog::open(&path).unwrap();
        match log.verify(log.lines().unwrap(), None) {
            Ok(_) => Vec::new(),
            Err(VerifyError::Faults(faults)) => faults.iter().map(|fault| (fault.line, fault.code.id())).collect(),
            Err(error) => panic!("{error}"),
        }
    };
    let replace = |from: &str, to: &str, seq: u64| {
        format!(
            "UPDATE line SET bytes = CAST(replace(CAST(bytes AS TEXT), '{from}', '{to}') AS BLOB) WHERE seq = {seq}"
        )
    };
    assert_eq!(codes(), []);
    assert_eq!(change(&replace("\"message\":\"99\"", "\"message\":\"98\"", 100)), 1);
    assert_eq!(codes(), [(101, "changed")]);
    change(&replace("\"message\":\"98\"", "\"message\":\"99\"", 100));
    assert_eq!(codes(), []);
    change("DELETE FROM line WHERE seq = 50");
    assert_eq!(codes()[..2], [(51, "wrong-sequence"), (51, "wrong-link")]);
    // The end is compared when it is opened.
    change("DELETE FROM line WHERE seq = 200");
    let error = AuditLog::open(&path).unwrap_err();
    assert!(error.to_string().contains("its log doesn't end where its last commit did"), "{error}");
}
