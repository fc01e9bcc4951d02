//! The store in SQLite: two writers, files that aren't stores, damaged ones, and folders that can't be written.

use std::fs;
use std::path::Path;

use countersign_store::{Commit, DatabaseError, FileError, Overtaken, SqliteStore, Store, StoreError, Stored};

use crate::common::{Step, blob, content, fast_folder, finding, header, intent, memory, record, state, timer};

fn commit(store: &mut SqliteStore, step: &Step) -> Result<countersign_store::ChainWriter, StoreError> {
    let commit = step.after(store);
    store.commit(commit)
}

fn first() -> Step {
    Step {
        records: vec![header(), record(1)],
        blobs: vec![blob(1)],
        findings: vec![finding(1)],
        intents: vec![intent(1)],
        baselines: vec![state("a/b", "s", "k", None)],
        state: vec![state("a/b", "s", "k", Some(1))],
        timers: vec![timer("a/b", "k", "silence", Some(1))],
        memory: vec![memory("session", b"", Some(b"1"))],
        ..Step::default()
    }
}

#[test]
fn of_two_writers_the_one_that_opened_first_stores_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut old = SqliteStore::open(&path).unwrap();
    commit(&mut old, &first()).unwrap();
    let mut new = SqliteStore::open(&path).unwrap();
    let before = content(&new, 9);
    let more = Step { records: vec![record(2)], blobs: vec![blob(2)], ..first() };
    let more = Step { memory: vec![memory("session", b"", Some(b"2"))], ..more };
    let error = commit(&mut old, &more).unwrap_err();
    assert!(matches!(error, StoreError::Superseded(Overtaken::Epoch { ours: 1, now: 2 })), "{error}");
    assert_eq!(
        error.to_string(),
        "expected to be the only writer, got a store that another has opened for writing since: its epoch is 2, not 1: \
         stop the other process and start again"
    );
    assert_eq!((content(&old, 9), content(&new, 9)), (before.clone(), before));
    assert_eq!(new.blob(&blob(2).name()).unwrap(), None);
    // The other goes on, and a reader sees each of its commits.
    let reader = SqliteStore::read(&path).unwrap();
    let end = commit(&mut new, &more).unwrap();
    assert_eq!((end.records(), reader.head().unwrap(), old.head().unwrap()), (3, end, end));
    assert_eq!(reader.memory("session", None, 9).unwrap(), [(Vec::new(), b"2".to_vec())]);
    // Reading takes nothing from a writer.
    SqliteStore::read(&path).unwrap();
    commit(&mut new, &Step { records: vec![record(3)], ..Step::default() }).unwrap();
    assert!(matches!(commit(&mut old, &more), Err(StoreError::Superseded(_))));
}

#[test]
fn a_closed_store_is_one_file_that_only_its_owner_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut store = SqliteStore::open(&path).unwrap();
    commit(&mut store, &first()).unwrap();
    for file in fs::read_dir(folder.path()).unwrap() {
        let metadata = file.unwrap().metadata().unwrap();
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777, 0o600);
    }
    drop(store);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    // A name that means something to SQLite is a file all the same.
    let odd = folder.path().join("file:a?mode=memory#%20");
    let mut store = SqliteStore::open(&odd).unwrap();
    commit(&mut store, &first()).unwrap();
    drop(store);
    assert!(odd.exists());
    assert_eq!(SqliteStore::read(&odd).unwrap().head().unwrap().records(), 2);
}

#[test]
fn only_stores_are_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other");
    assert!(SqliteStore::read(&path).unwrap_err().to_string().contains("No such file"));
    assert!(!path.exists());
    let open = |path: &Path| SqliteStore::open(path).map(|_| ());
    let read = |path: &Path| SqliteStore::read(path).map(|_| ());
    for other in ["a diary\n".to_owned(), "SQLite format 3\0 but not".to_owned(), "x".repeat(9_000)] {
        fs::write(&path, &other).unwrap();
        for result in [open(&path), read(&path)] {
            assert!(matches!(result, Err(StoreError::Database(DatabaseError::OtherKind { .. }))), "{result:?}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), other);
    }
    let database = folder.path().join("database");
    let connection = countersign_database::rusqlite::Connection::open(&database).unwrap();
    connection.execute_batch("CREATE TABLE head (x); PRAGMA user_version = 1").unwrap();
    for result in [open(&database), read(&database)] {
        assert!(matches!(result, Err(StoreError::Database(DatabaseError::OtherKind { .. }))), "{result:?}");
    }
    for result in [open(folder.path()), read(folder.path())] {
        assert!(matches!(result, Err(StoreError::File(FileError::NotRegular { .. }))), "{result:?}");
    }
    let error = open(&folder.path().join("no/store")).unwrap_err().to_string();
    assert!(error.starts_with("can't make `") && error.contains("No such file"), "{error}");

    // An empty file becomes a store, but not by reading it.
    let empty = folder.path().join("empty");
    fs::write(&empty, "").unwrap();
    assert!(matches!(read(&empty), Err(StoreError::Database(DatabaseError::OtherKind { .. }))));
    open(&empty).unwrap();
    read(&empty).unwrap();
}

/// Everything that can be read, or the first error.
fn read_all(path: &Path) -> Result<Vec<Vec<u8>>, StoreError> {
    let store = SqliteStore::read(path)?;
    store.head()?;
    store.blob(&blob(1).name())?;
    store.findings(0, 99)?;
    store.intents(0, 99)?;
    store.state(None, 99)?;
    store.baselines(None, 99)?;
    store.timers(None, 99)?;
    store.memory("session", None, 99)?;
    store.lines(0, 999)
}

#[test]
fn a_damaged_store_gives_errors_and_never_other_records() {
    let folder = fast_folder();
    let path = folder.path().join("store");
    let mut store = SqliteStore::open(&path).unwrap();
    commit(&mut store, &first()).unwrap();
    for round in 2..40 {
        let step = Step { records: vec![record(round)], blobs: vec![blob(round)], ..first() };
        commit(&mut store, &Step { memory: vec![memory("session", &[round as u8], Some(&[7; 300]))], ..step }).unwrap();
    }
    drop(store);
    let good = fs::read(&path).unwrap();
    let lines = read_all(&path).unwrap();
    let mut refused = 0;
    let mut check = |bytes: &[u8], what: &str| {
        fs::write(&path, bytes).unwrap();
        // Reading may succeed where nothing of the log was hit, which verifying it tells.
        match (read_all(&path), countersign_store::AuditLog::open(&path)) {
            (Ok(found), Ok(log)) => {
                let verified = log.verify(log.lines().unwrap(), None);
                assert_eq!(found == lines, verified.is_ok(), "{what}: {verified:?}");
            }
            (Err(error), _) => {
                refused += 1;
                let damaged = matches!(
                    error,
                    StoreError::Database(DatabaseError::Damaged { .. } | DatabaseError::OtherKind { .. })
                );
                // What the first page says about the file may be anything.
                assert!(damaged || what.len() < "byte 100".len(), "{what}: {error:?}");
            }
            (Ok(_), Err(error)) => panic!("{what}: {error}"),
        }
        if let Ok(mut store) = SqliteStore::open(&path) {
            let _ = store.head().and_then(|expected| {
                let memory = [memory("session", b"more", Some(b"x"))];
                store.commit(Commit { records: &[record(99)], memory: &memory, ..Commit::empty(expected) })
            });
        }
        for ending in ["-wal", "-shm"] {
            let _ = fs::remove_file(folder.path().join(format!("store{ending}")));
        }
    };
    for length in (0..good.len()).step_by(997).chain((0..good.len()).step_by(4_096)) {
        check(&good[..length], &format!("{length} bytes"));
    }
    for place in (0..good.len()).step_by(211).chain(0..100) {
        let mut bad = good.clone();
        bad[place] ^= 0x11;
        check(&bad, &format!("byte {place}"));
    }
    assert!(refused > 50, "{refused}");
}

/// What a folder that can't be written allows.
fn check_read_only(folder: &Path) {
    let path = folder.join("store");
    let store = SqliteStore::read(&path).unwrap();
    assert_eq!(store.head().unwrap().records(), 2);
    assert_eq!(content(&store, 1).len(), content(&store, 9).len());
    drop(store);
    for path in [&path, &folder.join("new")] {
        let error = SqliteStore::open(path).map(|_| ()).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("can't ") && text.contains(&path.display().to_string()), "{text}");
    }
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_can_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;

    const FOLDER: &str = "COUNTERSIGN_TEST_FOLDER";
    const NOBODY: u32 = 65_534;

    if let Some(folder) = std::env::var_os(FOLDER) {
        return check_read_only(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    commit(&mut SqliteStore::open(&path).unwrap(), &first()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let new = folder.path().join("new");
    if fs::write(&new, "").is_err() {
        check_read_only(folder.path());
    } else {
        // A privileged user may write anywhere: let another one try.
        fs::remove_file(&new).unwrap();
        let name = "sqlite::a_folder_that_cannot_be_written_can_be_read";
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        match child.args(["--exact", name]).env(FOLDER, folder.path()).uid(NOBODY).gid(NOBODY).output() {
            Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout)),
            Err(error) => eprintln!("skipped: another user can't run this test: {error}"),
        }
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}
