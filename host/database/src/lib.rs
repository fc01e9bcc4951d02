//! The SQLite files of the host: how one is made, recognised by its kind, brought to the newest schema, and opened by one
//! writer and any number of readers. `FILE-wal` and `FILE-shm` are beside it while it is open.
//!
//! A commit returns once the write-ahead log is synced (`synchronous = FULL`). Opening for writing raises an *epoch*; a writer
//! compares it in each of its transactions, so that of two writers the one that was opened first stores nothing more.
//!
//! INVARIANT: nothing opens such a file other than through SQLite while a connection may exist: closing any other descriptor
//! of it would drop the locks that SQLite holds for the whole process.

mod copy;
mod error;
mod mover;
mod open;
mod schema;

pub use error::DatabaseError;
pub use open::{BESIDE, BUSY_SECONDS, Database};
pub use rusqlite;
pub use schema::Kind;

/// The path of a file that belongs to another: its name with an ending.
#[must_use]
pub fn beside(path: &std::path::Path, ending: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
