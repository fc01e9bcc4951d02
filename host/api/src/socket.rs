//! The socket's file: who may connect, and which process has it.

use std::fs::{File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::{UnixListener, UnixSocket};

use crate::server::{Api, ServeError};

/// The mode of the socket: only its owner connects.
const MODE: u32 = 0o600;

/// Its mode while there are persons: the group of its file connects too, of whom strangers are refused.
const MODE_FOR_PERSONS: u32 = 0o660;

/// How often it is looked whether there are persons.
const LOOK: Duration = Duration::from_secs(1);

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1_024;

/// A socket that this process has, and no other. Nobody can connect before it is served.
pub struct Socket {
    bound: UnixSocket,
    claim: Claim,
    uid: u32,
}

/// That this process has the socket of a path, as long as this lives. Its end removes the socket.
pub(crate) struct Claim {
    path: PathBuf,
    /// Held with a lock, which ends with the process however it ends.
    _lock: File,
}

impl Claim {
    /// Where the socket is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // One that stays is replaced by the next host.
        drop(std::fs::remove_file(&self.path));
    }
}

impl Socket {
    /// Takes a path for a socket. One that a dead host left behind is replaced. A file beside it, which is locked as long as
    /// the socket is in use, tells a dead host from a live one.
    ///
    /// # Errors
    /// When a live process has it, there is something else than a socket, or it can't be made.
    pub fn claim(path: &Path) -> Result<Socket, ServeError> {
        let failed = |error| ServeError::Socket { path: path.to_owned(), error };
        let lock = countersign_private::append_or_create(&beside(path)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ServeError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        remove_left(path)?;
        let bound = UnixSocket::new_stream().map_err(failed)?;
        bound.bind(path).map_err(failed)?;
        let claim = Claim { path: path.to_owned(), _lock: lock };
        // INVARIANT: nobody can connect to a socket before somebody listens, so it is never open to others.
        std::fs::set_permissions(path, Permissions::from_mode(MODE)).map_err(failed)?;
        // What this process made belongs to the user that it runs as.
        let uid = std::fs::metadata(path).map_err(failed)?.uid();
        Ok(Socket { bound, claim, uid })
    }

    /// The user that this process runs as.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// Has others connect. Within a runtime.
    pub(crate) fn listen(self) -> Result<(UnixListener, Claim), ServeError> {
        let Socket { bound, claim, .. } = self;
        match bound.listen(BACKLOG) {
            Ok(listener) => Ok((listener, claim)),
            Err(error) => Err(ServeError::Socket { path: claim.path.clone(), error }),
        }
    }
}

/// Lets the group of the socket's file connect as long as the generation that serves has persons, for ever. The group is that
/// of the host's user, or of the folder if its set-group-ID bit is set.
pub(crate) async fn follow(path: PathBuf, api: Api) {
    let mut mode = MODE;
    loop {
        let wanted = if api.host().persons().is_empty() { MODE } else { MODE_FOR_PERSONS };
        if wanted != mode {
            match std::fs::set_permissions(&path, Permissions::from_mode(wanted)) {
                Ok(()) => mode = wanted,
                Err(error) => tracing::error!("the mode of the socket can't be changed: {error}"),
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The file whose lock says that a socket is in use.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

/// Removes a socket that nobody serves any more.
fn remove_left(path: &Path) -> Result<(), ServeError> {
    let failed = |error| ServeError::Socket { path: path.to_owned(), error };
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
        Ok(metadata) if !metadata.file_type().is_socket() => return Err(ServeError::NotASocket(path.to_owned())),
        Ok(_) => {}
    }
    // Another program's, which doesn't know the lock.
    if UnixStream::connect(path).is_ok() {
        return Err(ServeError::InUse(path.to_owned()));
    }
    std::fs::remove_file(path).map_err(failed)
}

#[cfg(test)]
#[path = "../tests/unit/socket.rs"]
mod tests;
