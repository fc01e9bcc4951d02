//! Moves what is committed from a database's write-ahead log into its file, on a thread of its own: moving syncs both, and a
//! commit that had to do it would take several times as long as others.

use std::ffi::c_int;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use countersign_private::FileError;
use rusqlite::hooks::Wal;
use rusqlite::{Connection, OpenFlags};

use crate::DatabaseError;
use crate::open::{connect, failed};
use crate::schema::Kind;

/// Pages (of 4 KiB) of the write-ahead log from which on they are moved: 4 MiB.
const MOVED_FROM: c_int = 1 << 10;

/// Pages from which on the thread that commits moves the rest too, so that the log begins anew: 12 MiB. While commits go on
/// something is always added as others are moved, and the log would grow for good. A log that is written over is synced in
/// less time than one that grows (see docs/BENCHMARKS.md), so this isn't much larger than the other.
const BEGUN_ANEW_FROM: c_int = 3 << 10;

/// What the thread is to do.
#[derive(Debug, Default)]
struct Wanted {
    moved: bool,
    ended: bool,
}

/// The thread that moves, with a connection of its own. Dropped, it ends.
#[derive(Debug)]
pub(crate) struct Mover {
    wanted: Arc<(Mutex<Wanted>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Mover {
    /// Starts it for a connection that commits.
    pub(crate) fn start(kind: &'static Kind, path: &Path, commits: &mut Connection) -> Result<Mover, DatabaseError> {
        let wanted: Arc<(Mutex<Wanted>, Condvar)> = Arc::default();
        let name = format!("{}-mover", kind.name);
        let of_thread = Arc::clone(&wanted);
        let moving = connect(kind, path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let thread = std::thread::Builder::new().name(name).spawn(move || run(&moving, &of_thread));
        let thread = thread.map_err(FileError::of("start a thread for", path))?;
        let mover = Mover { wanted: Arc::clone(&wanted), thread: Some(thread) };
        let hook = move |log: &mut Wal, pages: c_int| {
            if pages >= MOVED_FROM {
                set(&wanted, |wanted| wanted.moved = true);
            }
            if pages >= BEGUN_ANEW_FROM {
                // What was committed is durable whatever becomes of this.
                drop(log.checkpoint());
            }
            Ok(())
        };
        commits.wal_hook(Some(hook)).map_err(failed(kind, "open", path))?;
        Ok(mover)
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        set(&self.wanted, |wanted| wanted.ended = true);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn set(wanted: &(Mutex<Wanted>, Condvar), change: impl FnOnce(&mut Wanted)) {
    change(&mut wanted.0.lock().unwrap_or_else(PoisonError::into_inner));
    wanted.1.notify_one();
}

fn run(connection: &Connection, (wanted, changed): &(Mutex<Wanted>, Condvar)) {
    loop {
        let guard = wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = |wanted: &mut Wanted| !wanted.moved && !wanted.ended;
        let mut guard = changed.wait_while(guard, idle).unwrap_or_else(PoisonError::into_inner);
        if guard.ended {
            return;
        }
        guard.moved = false;
        drop(guard);
        // What can't be moved now stays where it is durable too, and is moved with what comes next.
        drop(connection.pragma_query(None, "wal_checkpoint", |_| Ok(())));
    }
}

#[cfg(test)]
#[path = "../tests/unit/mover.rs"]
mod tests;
