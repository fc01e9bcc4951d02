//! Directories that are accepted, created, and refused.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

#[test]
fn a_directory_is_created_for_this_user_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b");
    open(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o700);
    // And is accepted the next time.
    open(&path).unwrap();
}

#[test]
fn a_link_is_refused_in_every_notation() {
    let folder = tempfile::tempdir().unwrap();
    let (there, link) = (folder.path().join("there"), folder.path().join("link"));
    open(&there).unwrap();
    symlink(&there, &link).unwrap();
    for path in [link.clone(), link.join(""), link.join(".")] {
        let error = open(&path).unwrap_err();
        assert!(matches!(error, CacheError::Link { .. }), "{error}");
    }
    symlink(folder.path().join("nowhere"), folder.path().join("dangling")).unwrap();
    let error = open(&folder.path().join("dangling")).unwrap_err();
    assert!(matches!(error, CacheError::Link { .. }), "{error}");
}

#[test]
fn a_directory_open_to_others_is_refused_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o750, 0o701, 0o777, 0o1777] {
        fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
        let error = open(folder.path()).unwrap_err();
        assert!(matches!(error, CacheError::Mode { mode: got, .. } if got == mode), "{error}");
        assert!(error.to_string().contains("chmod 700"), "{error}");
        assert!(!error.is_absence());
    }
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
    open(folder.path()).unwrap();
}

#[test]
fn a_directory_of_another_user_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    // Only root can give a directory away.
    if std::os::unix::fs::chown(folder.path(), Some(12_345), None).is_err() {
        return;
    }
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, CacheError::Owner { owner: 12_345, .. }), "{error}");
}

#[test]
fn a_file_cannot_be_used_as_the_directory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "").unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(error, CacheError::Unusable { .. }) && error.is_absence(), "{error}");
}
