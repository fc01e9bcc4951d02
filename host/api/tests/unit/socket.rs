//! Who may connect to the socket, and what becomes of what lies in its place.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn nobody_can_connect_before_it_is_closed_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("api.sock");
    let socket = Socket::claim(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&beside(&path)), 0o600);
    assert!(UnixStream::connect(&path).is_err(), "nobody listens yet");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let _within = runtime.enter();
    let (listener, claim) = socket.listen().unwrap();
    assert!(UnixStream::connect(&path).is_ok());
    assert_eq!(mode(&path), 0o600);
    drop((listener, claim));
    assert!(!path.exists());
}

#[test]
fn a_live_host_keeps_its_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("api.sock");
    let socket = Socket::claim(&path).unwrap();
    // Whether it listens yet or not.
    assert!(matches!(Socket::claim(&path), Err(ServeError::InUse(_))));
    assert!(path.exists());
    drop(socket);
    drop(Socket::claim(&path).unwrap());
    // A program that doesn't know the lock.
    let other = UnixListener::bind(&path).unwrap();
    assert!(matches!(Socket::claim(&path), Err(ServeError::InUse(_))));
    drop(other);
}

#[test]
fn what_a_dead_host_left_is_replaced_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("api.sock");
    // The listener's end leaves its file.
    drop(UnixListener::bind(&path).unwrap());
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    let socket = Socket::claim(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    drop(socket);
    fs::write(&path, "an operator's").unwrap();
    assert!(matches!(Socket::claim(&path), Err(ServeError::NotASocket(_))));
    assert_eq!(fs::read_to_string(&path).unwrap(), "an operator's");
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), &path).unwrap();
    assert!(matches!(Socket::claim(&path), Err(ServeError::NotASocket(_))));
}
