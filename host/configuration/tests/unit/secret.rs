//! Tests of secrets: how they are read, and that nothing shows them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

const SECRET: &str = "correct horse battery staple 4711";

fn written(mode: u32) -> (tempfile::TempDir, Secret) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, SECRET).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    (folder, Secret::file(path))
}

#[test]
fn it_is_read_as_it_is_if_not_everybody_can() {
    for mode in [0o600, 0o640, 0o400] {
        assert_eq!(&**written(mode).1.read(1_000).unwrap(), SECRET.as_bytes());
    }
    for mode in [0o644, 0o604, 0o666] {
        assert!(matches!(written(mode).1.read(1_000), Err(SecretError::Open(open)) if open == mode));
    }
    assert_eq!(&**Secret::environment(SECRET.into()).read(1_000).unwrap(), SECRET.as_bytes());
}

#[test]
fn it_is_bounded_and_a_file() {
    let (folder, secret) = written(0o600);
    assert_eq!(secret.read(SECRET.len() as u64).unwrap().len(), SECRET.len());
    let short = SECRET.len() as u64 - 1;
    assert!(matches!(secret.read(short), Err(SecretError::TooLarge(max)) if max == short));
    assert!(matches!(Secret::environment(SECRET.into()).read(short), Err(SecretError::TooLarge(_))));
    assert!(matches!(Secret::file(folder.path().to_owned()).read(10), Err(SecretError::NotAFile)));
}

#[test]
fn nothing_shows_it() {
    // Written where its file should be named.
    let misplaced = Secret::file(SECRET.into());
    let error = misplaced.read(1_000).unwrap_err();
    assert!(!error.to_string().contains("horse"), "{error}");
    for secret in [misplaced, Secret::environment(SECRET.into())] {
        assert!(!format!("{secret:?}").contains("horse"));
    }
}
