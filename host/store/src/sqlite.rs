//! The store in one SQLite file, with `FILE-wal` and `FILE-shm` beside it while it is open.
//!
//! A commit is one transaction: it waits for the write lock ([`BUSY_SECONDS`] at most), compares the writer's epoch and
//! the expected end of the log with what is stored, writes, and returns once it is on the disk.
//!
//! No lock is held between two commits. Opening for writing raises the epoch, and a commit under an older epoch stores
//! nothing ([`StoreError::Superseded`]): so of two writers the one that was opened first fails at its next commit,
//! whether they are two processes, two handles in one, or a process that was thought dead and went on.

use std::path::Path;

use countersign_audit::ChainWriter;
use countersign_database::{Database, Kind};
use countersign_model::{Digest, Finding, Intent, StateChange, TimerChange};

use crate::{Beginning, Commit, KeyValue, StateKey, Store, StoreError, Stored, TimerKey};

mod keeper;
mod kept;
mod pages;
mod row;
#[cfg(test)]
#[path = "../tests/unit/sqlite.rs"]
mod tests;
mod write;

pub use countersign_database::BUSY_SECONDS;
pub use keeper::LogKeeper;
pub use kept::StoredCheckpoint;

/// What a store is.
static STORE: Kind = Kind {
    name: "store",
    application_id: i32::from_be_bytes(*b"CSGN"),
    steps: &[include_str!("sqlite/schema/1.sql"), include_str!("sqlite/schema/2.sql")],
    shrinks: true,
    update: "run `replay --store` or `countersign run` with it once, which brings it up to date",
};

/// A store in a SQLite file, open for reading. It sees what is committed, also beside a writer.
#[derive(Debug)]
pub struct SqliteReader(Database);

/// How much state a rule has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Keys that it keeps something for.
    pub keys: u64,
    /// Bytes of what it keeps.
    pub bytes: u64,
}

/// A store in a SQLite file, open for writing.
#[derive(Debug)]
pub struct SqliteStore {
    reader: SqliteReader,
    epoch: i64,
    broken: bool,
}

impl SqliteStore {
    /// Opens a store for writing, which supersedes another writer that has it open. A file that doesn't exist, or is
    /// empty, becomes a new store that only its owner may read and write.
    ///
    /// # Errors
    /// When the file can't be made or opened, isn't a store, is damaged, or a newer version wrote it.
    pub fn open(path: &Path) -> Result<SqliteStore, StoreError> {
        let (database, epoch) = Database::open(&STORE, path)?;
        let reader = SqliteReader(database);
        reader.check_end()?;
        Ok(SqliteStore { reader, epoch, broken: false })
    }

    /// Opens a store for reading. Nothing is written to it.
    ///
    /// # Errors
    /// When there is no file, it can't be opened, isn't a store, is damaged, or another version wrote it.
    pub fn read(path: &Path) -> Result<SqliteReader, StoreError> {
        let reader = SqliteReader(Database::read(&STORE, path)?);
        reader.check_end()?;
        Ok(reader)
    }

    /// Closes it, so that nothing lies beside its file unless somebody else has it open.
    ///
    /// # Errors
    /// When what is committed can't be moved into the file: it lies beside it.
    pub fn close(self) -> Result<(), StoreError> {
        Ok(self.reader.0.close()?)
    }

    /// Under which epoch it was opened, see [`LogKeeper::open`].
    #[must_use]
    pub fn epoch(&self) -> i64 {
        self.epoch
    }

    fn whole(&self) -> Result<&SqliteReader, StoreError> {
        if self.broken { Err(StoreError::Broken) } else { Ok(&self.reader) }
    }
}

impl SqliteReader {
    /// Bytes of the log's lines that are kept.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn log_bytes(&self) -> Result<u64, StoreError> {
        let bytes: i64 = self
            .0
            .connection
            .query_one("SELECT bytes FROM head", [], |row| row.get(0))
            .map_err(self.0.failed("read"))?;
        Ok(bytes.unsigned_abs())
    }

    /// Refuses a store whose log ends elsewhere than its last commit.
    fn check_end(&self) -> Result<(), StoreError> {
        let snapshot = self.0.connection.unchecked_transaction().map_err(self.0.failed("read"))?;
        let head = self.head()?;
        let last = head.records().checked_sub(1);
        let line = last.map(|seq| self.lines(seq, 2)).transpose()?;
        let ends = match line.as_deref() {
            None => head == ChainWriter::new(),
            Some([line]) => Digest::of(line) == head.link(),
            Some(_) => false,
        };
        drop(snapshot);
        if ends { Ok(()) } else { Err(self.0.damaged("its log doesn't end where its last commit did").into()) }
    }
}

impl Stored for SqliteStore {
    fn head(&self) -> Result<ChainWriter, StoreError> {
        self.whole()?.head()
    }

    fn beginning(&self) -> Result<Option<Beginning>, StoreError> {
        self.whole()?.beginning()
    }

    fn lines(&self, from: u64, limit: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        self.whole()?.lines(from, limit)
    }

    fn blob(&self, name: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.whole()?.blob(name)
    }

    fn findings(&self, from: u64, limit: usize) -> Result<Vec<Finding>, StoreError> {
        self.whole()?.findings(from, limit)
    }

    fn intents(&self, from: u64, limit: usize) -> Result<Vec<Intent>, StoreError> {
        self.whole()?.intents(from, limit)
    }

    fn state(&self, after: Option<&StateKey>, limit: usize) -> Result<Vec<StateChange>, StoreError> {
        self.whole()?.state(after, limit)
    }

    fn baselines(&self, after: Option<&StateKey>, limit: usize) -> Result<Vec<StateChange>, StoreError> {
        self.whole()?.baselines(after, limit)
    }

    fn timers(&self, after: Option<&TimerKey>, limit: usize) -> Result<Vec<TimerChange>, StoreError> {
        self.whole()?.timers(after, limit)
    }

    fn memory(&self, space: &str, after: Option<&[u8]>, limit: usize) -> Result<Vec<KeyValue>, StoreError> {
        self.whole()?.memory(space, after, limit)
    }
}

impl Store for SqliteStore {
    fn commit(&mut self, commit: Commit<'_>) -> Result<ChainWriter, StoreError> {
        self.whole()?;
        let database = &self.reader.0;
        let transaction = match database.begin() {
            Ok(transaction) => transaction,
            Err(error) => {
                self.broken = !error.stored_nothing();
                return Err(error.into());
            }
        };
        let result = write::Writing { database, transaction: &transaction }
            .write(&commit, self.epoch)
            .and_then(|end| Ok(transaction.commit().map(|()| end).map_err(database.failed("write"))?));
        // After an error of the database's it may be stored or not. All others are found while nothing is.
        self.broken = matches!(result, Err(StoreError::Database(_)));
        result
    }
}
