//! Copying a database while it is written, and looking whether one is whole.

use std::path::Path;
use std::time::Duration;

use countersign_private::FileError;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::open::{Database, failed};
use crate::{BUSY_SECONDS, DatabaseError};

/// Pages (of 4 KiB) that one step copies, and how long is waited after it: writers have the disk in between.
const STEP: (i32, Duration) = (1_024, Duration::from_millis(4));

/// Faults of a database that are listed at most.
const MAX_FAULTS: usize = 20;

impl Database {
    /// Has all that is read through this connection be as of now, until it is closed. What is written meanwhile stays in the
    /// write-ahead log for so long.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn hold(&self) -> Result<(), DatabaseError> {
        self.connection.execute_batch("BEGIN; SELECT epoch FROM head;").map_err(self.failed("read"))
    }

    /// Copies the database, as this connection sees it, to a file that doesn't exist. The copy is one file, synced, that only
    /// its owner may read. `each` gets how many pages are copied, and of how many. [`Database::hold`] comes first where
    /// others write.
    ///
    /// # Errors
    /// When it can't be read, there is something at `to`, or it can't be written.
    pub fn copy_to(&self, to: &Path, each: &mut dyn FnMut(u64, u64)) -> Result<(), DatabaseError> {
        drop(countersign_private::create_new(to).map_err(FileError::of("make", to))?);
        let kind = self.kind();
        let failed = || failed(kind, "write", to);
        let connect = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            Connection::open_with_flags(to, flags | OpenFlags::SQLITE_OPEN_NOFOLLOW)
        };
        let mut copy = connect().map_err(failed())?;
        let backup = Backup::new(&self.connection, &mut copy).map_err(failed())?;
        let (pages, pause) = STEP;
        let mut waited = Duration::ZERO;
        loop {
            match backup.step(pages).map_err(failed())? {
                StepResult::Done => break,
                StepResult::More => waited = Duration::ZERO,
                _ if waited.as_secs() >= BUSY_SECONDS => {
                    return Err(DatabaseError::Busy { path: self.path().to_owned(), seconds: BUSY_SECONDS });
                }
                _ => waited += pause,
            }
            let progress = backup.progress();
            let number = |pages: i32| u64::from(pages.unsigned_abs());
            each(number(progress.pagecount - progress.remaining), number(progress.pagecount));
            std::thread::sleep(pause);
        }
        drop(backup);
        copy.close().map_err(|(_, error)| failed()(error))?;
        // It has the mode of what it was copied from; without a write-ahead log it is one file.
        let copy = connect().map_err(failed())?;
        copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(())).map_err(failed())?;
        copy.close().map_err(|(_, error)| failed()(error))?;
        // No connection exists any more.
        let file = countersign_private::read(to).map_err(FileError::of("open", to))?;
        file.sync_all().map_err(FileError::of("sync", to))?;
        Ok(())
    }

    /// Looks whether the file is whole (`PRAGMA quick_check`), and returns what is wrong with it; nothing if it is.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn quick_check(&self) -> Result<Vec<String>, DatabaseError> {
        let mut statement =
            self.connection.prepare(&format!("PRAGMA quick_check({MAX_FAULTS})")).map_err(self.failed("read"))?;
        let rows =
            statement.query_map([], |row| row.get::<_, String>(0)).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut faults = rows.map_err(self.failed("read"))?;
        faults.retain(|fault| fault != "ok");
        Ok(faults)
    }
}

#[cfg(test)]
#[path = "../tests/unit/copy.rs"]
mod tests;
