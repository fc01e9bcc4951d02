//! Audit files, journals, blobs and stores are closed to others, whatever the umask is. In a process of its own, because it
//! starts others, which inherit the locks of this one's files for a moment.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy takes for other code")]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use countersign_audit::record::Header;
use countersign_audit::{Blob, Record};
use countersign_model::DigestKey;
use countersign_store::{Commit, Durability, Existing, ExportOptions, FileStore, SqliteStore, Store, export};

fn write(store: &mut dyn Store) {
    let key = DigestKey::public();
    let expected = store.head().unwrap();
    let (records, blobs) = ([Record::Header(Header::new("0.1.0", &key))], [Blob::new(&key, b"evidence".to_vec())]);
    store.commit(Commit { records: &records, blobs: &blobs, ..Commit::empty(expected) }).unwrap();
}

/// Everything under a folder with its mode.
fn modes(folder: &Path, found: &mut Vec<(PathBuf, u32)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        found.push((path.clone(), metadata.mode() & 0o7777));
        if metadata.is_dir() {
            modes(&path, found);
        }
    }
}

/// Every file is 0600 and every folder 0700. Returns their number.
fn check_closed(folder: &Path) -> usize {
    let mut found = Vec::new();
    modes(folder, &mut found);
    for (path, mode) in &found {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(*mode, expected, "{}: {mode:04o}", path.display());
    }
    found.len()
}

/// Run by the next test, in a process with another umask.
#[test]
#[ignore = "needs a process of its own"]
fn under_a_umask() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut file = FileStore::create(&at("run.audit"), Existing::Refuse, Durability::Commit).unwrap();
    write(&mut file);
    // The file, its journal, the folder, a blob.
    assert_eq!(check_closed(folder.path()), 4);
    file.seal().unwrap();
    let mut store = SqliteStore::open(&at("run.db")).unwrap();
    write(&mut store);
    // The store with its log and index, and what is left of the run.
    assert_eq!(check_closed(folder.path()), 3 + 3);
    let options = ExportOptions { existing: Existing::Refuse, seal: true, part: None };
    export(&store, &at("exported.audit"), &options, &mut |_, _| ()).unwrap();
    check_closed(folder.path());
}

#[test]
fn what_is_written_is_closed_to_others_whatever_the_umask_is() {
    for umask in ["000", "022"] {
        let child = Command::new("sh")
            .args(["-c", "umask $1; exec \"$0\" --exact under_a_umask --ignored"])
            .arg(std::env::current_exe().unwrap())
            .arg(umask)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout).into_owned();
        assert!(child.status.success() && said.contains("1 passed"), "umask {umask}: {said}");
    }
}
