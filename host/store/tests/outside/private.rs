//! Nothing else than regular files is opened, and what was open to others is closed when it is written.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;

use countersign_audit::Record;
use countersign_store::{
    AuditLog, BundleReader, Commit, Durability, Existing, FileError, FileStore, SqliteStore, Store, StoreError, Stored,
    existing,
};

use crate::common::{blob, header};

fn write(store: &mut dyn Store) {
    let expected = store.head().unwrap();
    let (records, blobs): (&[Record], _) = (&[header()], [blob(1)]);
    store.commit(Commit { records, blobs: &blobs, ..Commit::empty(expected) }).unwrap();
}

#[test]
fn an_older_store_and_what_is_replaced_are_closed_and_other_files_are_left() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let open = |name: &str, mode| fs::set_permissions(at(name), Permissions::from_mode(mode)).unwrap();
    let mode = |name: &str| fs::metadata(at(name)).unwrap().mode() & 0o7777;
    write(&mut SqliteStore::open(&at("run.db")).unwrap());
    open("run.db", 0o664);
    SqliteStore::read(&at("run.db")).unwrap();
    assert_eq!(mode("run.db"), 0o664, "reading changes nothing");
    let store = SqliteStore::open(&at("run.db")).unwrap();
    assert_eq!(mode("run.db"), 0o600);
    drop(store);

    write(&mut FileStore::create(&at("run.audit"), Existing::Refuse, Durability::Seal).unwrap());
    open("run.audit", 0o644);
    let mut again = FileStore::create(&at("run.audit"), Existing::Replace, Durability::Seal).unwrap();
    assert_eq!(mode("run.audit"), 0o600);
    write(&mut again);
    drop(again);
    open("run.audit", 0o644);
    FileStore::recover(&at("run.audit"), Durability::Seal).unwrap();
    assert_eq!(mode("run.audit"), 0o600);

    // A file that isn't ours stays as it is.
    fs::write(at("diary"), "a diary\n").unwrap();
    open("diary", 0o644);
    assert!(SqliteStore::open(&at("diary")).is_err());
    assert!(FileStore::create(&at("diary"), Existing::Replace, Durability::Seal).is_err());
    assert_eq!((mode("diary"), fs::read_to_string(at("diary")).unwrap().as_str()), (0o644, "a diary\n"));
}

#[test]
fn links_and_pipes_are_refused_without_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("victim"), "").unwrap();
    symlink(at("victim"), at("link")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    for name in ["link", "dangling", "pipe"] {
        let path = at(name);
        let refused = |result: Result<(), StoreError>, how: &str| {
            let error = result.unwrap_err();
            assert!(matches!(error, StoreError::File(FileError::NotRegular { .. })), "{how} {name}: {error}");
            assert!(error.to_string().contains("expected a regular file, got a "), "{error}");
        };
        for how in [Existing::Refuse, Existing::Replace] {
            refused(FileStore::create(&path, how, Durability::Seal).map(|_| ()), "create");
        }
        refused(FileStore::recover(&path, Durability::Seal).map(|_| ()), "recover");
        refused(SqliteStore::open(&path).map(|_| ()), "open");
        refused(SqliteStore::read(&path).map(|_| ()), "read");
        refused(AuditLog::open(&path).map(|_| ()), "log");
        refused(existing(&path).map(|_| ()), "existing");
    }
    assert!(!at("nowhere").exists() && fs::read(at("victim")).unwrap().is_empty());

    // What is made beside them, too.
    for ending in [".journal", ".bundles"] {
        let audit = at(&format!("run{ending}.audit"));
        fs::create_dir_all(at("elsewhere")).unwrap();
        symlink(at("elsewhere"), PathBuf::from(format!("{}{ending}", audit.display()))).unwrap();
        let written = FileStore::create(&audit, Existing::Refuse, Durability::Seal).and_then(|mut store| {
            let expected = store.head()?;
            store.commit(Commit { records: &[header()], blobs: &[blob(1)], ..Commit::empty(expected) })
        });
        assert!(matches!(written, Err(StoreError::File(FileError::NotRegular { .. }))), "{ending}: {written:?}");
        assert_eq!(fs::read_dir(at("elsewhere")).unwrap().count(), 0);
    }
    for ending in ["-wal", "-shm", "-journal"] {
        let store = at(&format!("run{ending}.db"));
        symlink(at("victim"), PathBuf::from(format!("{}{ending}", store.display()))).unwrap();
        assert!(matches!(SqliteStore::open(&store), Err(StoreError::File(FileError::NotRegular { .. }))), "{ending}");
    }
    assert!(fs::read(at("victim")).unwrap().is_empty());

    // A blob that is a link is no blob.
    let audit = at("whole.audit");
    write(&mut FileStore::create(&audit, Existing::Refuse, Durability::Seal).unwrap());
    let bundles = BundleReader::open(&audit);
    let name = bundles.folder().join(blob(1).name().to_string());
    fs::rename(&name, at("moved")).unwrap();
    symlink(at("moved"), &name).unwrap();
    let key = countersign_model::DigestKey::public();
    assert!(matches!(bundles.get(&blob(1).name(), &key), Err(StoreError::File(FileError::NotRegular { .. }))));
}

#[test]
fn a_store_in_a_linked_folder_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("real")).unwrap();
    symlink(folder.path().join("real"), folder.path().join("linked")).unwrap();
    let path = folder.path().join("linked/run.db");
    write(&mut SqliteStore::open(&path).unwrap());
    assert_eq!(SqliteStore::read(&path).unwrap().head().unwrap().records(), 1);
}

#[test]
fn what_is_put_at_an_open_logs_path_is_never_read() {
    use std::io::BufRead as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.audit");
    let mut store = FileStore::create(&path, Existing::Refuse, Durability::Seal).unwrap();
    write(&mut store);
    store.seal().unwrap();
    let log = AuditLog::open(&path).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    fs::rename(&path, folder.path().join("moved")).unwrap();
    fs::write(&path, "something else").unwrap();
    for _ in 0..2 {
        let text: Vec<String> = log.lines().unwrap().lines().map(Result::unwrap).collect();
        assert_eq!(text.join("\n") + "\n", good);
    }
}
