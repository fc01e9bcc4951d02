//! Exporting a store gives what a run into files leaves.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use countersign_audit::record::{ContextFile, Generation};
use countersign_audit::{Record, Verified, verify};
use countersign_model::{Digest, DigestKey};
use countersign_store::{
    Durability, Existing, ExportOptions, Exported, FileStore, MemoryStore, SqliteStore, Store, StoreError, export,
};

use crate::common::{Step, blob, header, record};

const SEALED: ExportOptions = ExportOptions { existing: Existing::Refuse, seal: true, part: None };

/// A generation that names the blobs 1 to 3, and 9, which isn't kept.
fn generation() -> Record {
    let file = |table: &str, number, kept| ContextFile { table: table.to_owned(), content: blob(number).name(), kept };
    Record::Generation(Generation {
        number: 1,
        position: 0,
        rules: Vec::new(),
        trust: None,
        sources: None,
        policy: blob(1).name(),
        identities: None,
        capabilities: blob(2).name(),
        context: vec![file("egress", 3, true), file("geo", 9, false)],
        gate: 1,
        engine: "none".to_owned(),
        interface: "none".to_owned(),
    })
}

fn write(store: &mut dyn Store) {
    for step in [
        Step { records: vec![header(), generation()], blobs: vec![blob(1), blob(2), blob(3)], ..Step::default() },
        Step { records: vec![record(1), generation(), record(2)], blobs: vec![blob(1)], ..Step::default() },
    ] {
        let commit = step.after(store);
        store.commit(commit).unwrap();
    }
}

/// All files below a folder with the digests of their bytes.
fn files(folder: &Path) -> BTreeMap<String, Digest> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            let inner = self::files(&path);
            files.extend(inner.into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else {
            files.insert(name, Digest::of(&fs::read(&path).unwrap()));
        }
    }
    files
}

#[test]
fn an_export_equals_a_run_into_files_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (run, out) = (folder.path().join("run"), folder.path().join("out"));
    fs::create_dir(&run).unwrap();
    fs::create_dir(&out).unwrap();
    let mut store = FileStore::create(&run.join("audit"), Existing::Refuse, Durability::Seal).unwrap();
    write(&mut store);
    let unsealed = fs::read(run.join("audit")).unwrap();
    let mut sqlite = SqliteStore::open(&folder.path().join("store")).unwrap();
    write(&mut sqlite);
    let mut memory = MemoryStore::new();
    write(&mut memory);

    // A run that goes on can be exported, too.
    let from_files = export(&store, &out.join("audit"), &SEALED, &mut |_, _| {}).unwrap();
    let head = store.seal().unwrap();
    assert_eq!(from_files, Exported { end: from_files.end, head: Some(head), blobs: 3 });
    assert_eq!(files(&out), files(&run));
    for store in [&sqlite as &dyn Store, &memory] {
        let before = files(&out);
        assert!(matches!(export(store, &out.join("audit"), &SEALED, &mut |_, _| {}), Err(StoreError::Exists { .. })));
        assert_eq!(files(&out), before, "it is left alone");
        let replace = ExportOptions { existing: Existing::Replace, ..SEALED };
        assert_eq!(export(store, &out.join("audit"), &replace, &mut |_, _| {}).unwrap(), from_files);
        assert_eq!(files(&out), files(&run));
        let unfinished = ExportOptions { existing: Existing::Replace, seal: false, part: None };
        assert_eq!(
            export(store, &out.join("audit"), &unfinished, &mut |_, _| {}).unwrap(),
            Exported { head: None, ..from_files }
        );
        assert_eq!(fs::read(out.join("audit")).unwrap(), unsealed);
        let found = verify(&*unsealed, None).unwrap();
        assert!(matches!(found, Verified::Unsealed(found) if found.end == from_files.end));
    }
}

#[test]
fn an_export_that_fails_leaves_nothing_and_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("audit");
    let replace = ExportOptions { existing: Existing::Replace, ..SEALED };
    assert!(matches!(export(&MemoryStore::new(), &out, &SEALED, &mut |_, _| {}), Err(StoreError::Append(_))));
    let mut old = MemoryStore::new();
    let commit = Step { records: vec![header()], ..Step::default() };
    let commit = commit.after(&old);
    old.commit(commit).unwrap();
    export(&old, &out, &SEALED, &mut |_, _| {}).unwrap();
    let beginning = fs::read(&out).unwrap()[..100].to_vec();
    let before = files(folder.path());
    assert_eq!(before.len(), 1);

    // A blob that a record names is missing.
    let mut store = MemoryStore::new();
    let commit = Step { records: vec![header(), generation()], blobs: vec![blob(1)], ..Step::default() };
    let commit = commit.after(&store);
    store.commit(commit).unwrap();
    let error = export(&store, &out, &replace, &mut |_, _| {}).unwrap_err();
    assert!(matches!(error, StoreError::BlobNotStored { name, line: 2 } if name == blob(2).name()), "{error}");
    assert_eq!(files(folder.path()), before);

    // The log was changed, or ends early.
    let path = folder.path().join("store");
    for (sql, what) in [
        (
            "UPDATE line SET bytes = CAST(replace(CAST(bytes AS TEXT), '0.1.0', '0.1.1') AS BLOB) WHERE seq = 0",
            "line 1",
        ),
        ("DELETE FROM line WHERE seq = 2", "line 3"),
        ("UPDATE line SET bytes = x'7b0a' WHERE seq = 1", "line 2"),
    ] {
        let mut sqlite = SqliteStore::open(&path).unwrap();
        write(&mut sqlite);
        countersign_database::rusqlite::Connection::open(&path).unwrap().execute(sql, []).unwrap();
        let error = export(&sqlite, &out, &replace, &mut |_, _| {}).unwrap_err();
        assert!(matches!(error, StoreError::LogChanged(_)) && error.to_string().contains(what), "{error}");
        drop(sqlite);
        fs::remove_file(&path).unwrap();
        assert_eq!(files(folder.path()), before);
    }

    // What isn't an export's is never removed.
    let mut good = MemoryStore::new();
    write(&mut good);
    let part = folder.path().join("audit.part");
    fs::write(&part, "my own").unwrap();
    assert!(
        matches!(export(&good, &out, &replace, &mut |_, _| {}), Err(StoreError::NotAnAuditFile(path)) if path == part)
    );
    assert_eq!(fs::read_to_string(&part).unwrap(), "my own");
    // What another left is.
    fs::write(&part, beginning).unwrap();
    let parts = folder.path().join("audit.bundles.part");
    fs::create_dir(&parts).unwrap();
    fs::write(parts.join(blob(2).name().to_string()), "torn").unwrap();
    export(&good, &out, &replace, &mut |_, _| {}).unwrap();
    assert_eq!(files(folder.path()).len(), 4);
    let key = DigestKey::public();
    for number in 1..4 {
        let found = countersign_store::BundleReader::open(&out).get(&blob(number).name(), &key).unwrap();
        assert_eq!(found, blob(number).bytes());
    }
    // Nor is a file that somebody writes.
    fs::remove_file(&out).unwrap();
    fs::remove_dir_all(folder.path().join("audit.bundles")).unwrap();
    let _writer = FileStore::create(&out, Existing::Refuse, Durability::Seal).unwrap();
    assert!(matches!(export(&good, &out, &replace, &mut |_, _| {}), Err(StoreError::Locked(_))));
    assert_eq!(files(folder.path())["audit"], Digest::of(b""));
}
