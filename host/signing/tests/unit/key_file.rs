//! Key files: what is written and what is refused.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

#[test]
fn a_key_file_is_private_and_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let key = SecretKey::generate().unwrap();
    key.create(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(SecretKey::read(&path).unwrap().public(), key.public());
    // Never written over, not through a link either.
    let other = SecretKey::generate().unwrap();
    assert!(
        matches!(other.create(&path), Err(KeyFileError::Io(error)) if error.kind() == io::ErrorKind::AlreadyExists)
    );
    let dangling = folder.path().join("dangling");
    symlink(folder.path().join("elsewhere"), &dangling).unwrap();
    assert!(other.create(&dangling).is_err());
    assert!(!folder.path().join("elsewhere").exists());
    assert_eq!(SecretKey::read(&path).unwrap().public(), key.public());
}

#[test]
fn files_that_others_may_read_and_what_is_no_key_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    SecretKey::generate().unwrap().create(&path).unwrap();
    for mode in [0o644, 0o640, 0o604, 0o660, 0o610] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        assert!(matches!(SecretKey::read(&path), Err(KeyFileError::Open(got)) if got == mode), "{mode:o}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    assert!(SecretKey::read(&path).is_ok());

    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    assert!(matches!(SecretKey::read(&link), Err(KeyFileError::NotAFile("a symbolic link"))));
    // Not waited for.
    let fifo = folder.path().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    assert!(matches!(SecretKey::read(&fifo), Err(KeyFileError::NotAFile(_))));
    assert!(matches!(SecretKey::read(folder.path()), Err(KeyFileError::NotAFile(_))));
    assert!(matches!(SecretKey::read(&folder.path().join("none")), Err(KeyFileError::Io(_))));

    let written = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        SecretKey::read(&path)
    };
    assert!(matches!(written("large", &[b'a'; MAX_BYTES + 1]), Err(KeyFileError::TooLarge)));
    assert!(matches!(written("empty", b""), Err(KeyFileError::Key(_))));
    assert!(matches!(written("binary", &[0xff; 47]), Err(KeyFileError::Key(_))));
}
