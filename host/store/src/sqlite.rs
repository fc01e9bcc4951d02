//! The store in one SQLite file, with `FILE-wal` and `FILE-shm` beside it while it is open.
//!
//! A commit is one transaction: it waits for the write lock ([`BUSY_SECONDS`] at most), compares the writer's epoch and
//! the expected end of the log with what is stored, writes, and returns once the write-ahead log is synced
//! (`synchronous = FULL`). Any number of readers read beside it.
//!
//! No lock is held between two commits. Opening for writing raises the epoch, and a commit under an older epoch stores
//! nothing ([`StoreError::Superseded`]): so of two writers the one that was opened first fails at its next commit,
//! whether they are two processes, two handles in one, or a process that was thought dead and went on.
//!
//! INVARIANT: nothing here opens the file other than through SQLite while a connection may exist: closing any other
//! descriptor of it would drop the locks that SQLite holds for the whole process.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use countersign_audit::ChainWriter;
use countersign_model::{Digest, Finding, Intent, StateChange, TimerChange};
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::bundles::beside;
use crate::{Commit, KeyValue, StateKey, Store, StoreError, Stored, TimerKey};

mod pages;
mod row;
mod schema;
#[cfg(test)]
#[path = "../tests/unit/sqlite.rs"]
mod tests;
mod write;

/// How long a commit waits for another process's write lock, seconds.
pub const BUSY_SECONDS: u64 = 5;

/// Prepared statements that are kept: all there are.
const STATEMENTS: usize = 48;

/// Page cache, KiB.
const CACHE_KIB: i64 = 64 << 10;

/// The write-ahead log is copied back into the file when it has so many pages (of 4 KiB): 32 MiB.
const CHECKPOINT_PAGES: i64 = 8 << 10;

/// A segment of the log that has as many bytes gets no more lines: 64 MiB.
const SEGMENT_BYTES: i64 = 64 << 20;

/// The endings of the files that SQLite makes beside the file.
pub(crate) const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What the write-ahead log may keep on disk after that, bytes.
const LOG_BYTES: i64 = 64 << 20;

/// A store in a SQLite file, open for reading. It sees what is committed, also beside a writer.
#[derive(Debug)]
pub struct SqliteReader {
    path: PathBuf,
    connection: Connection,
}

/// A store in a SQLite file, open for writing.
#[derive(Debug)]
pub struct SqliteStore {
    reader: SqliteReader,
    epoch: i64,
    segment_bytes: i64,
    broken: bool,
}

impl SqliteStore {
    /// Opens a store for writing, which supersedes whoever has it open for writing. A file that doesn't exist, or is
    /// empty, becomes a new store that only its owner may read and write.
    ///
    /// # Errors
    /// When the file can't be made or opened, isn't a store, is damaged, or a newer version wrote it.
    pub fn open(path: &Path) -> Result<SqliteStore, StoreError> {
        make(path)?;
        regular(path)?;
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        schema::check(&connection, path)?;
        close_to_others(path)?;
        let failed = || failed("open", path);
        let mode: String =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(failed())?;
        if mode != "wal" {
            return Err(StoreError::NoWriteAheadLog { path: path.to_owned(), got: mode });
        }
        for (name, value) in [
            ("synchronous", 2), // FULL
            ("wal_autocheckpoint", CHECKPOINT_PAGES),
            ("journal_size_limit", LOG_BYTES),
        ] {
            // Some of them answer with the new value.
            connection.pragma_update_and_check(None, name, value, |_| Ok(())).or_else(no_row).map_err(failed())?;
        }
        let epoch = schema::begin_epoch(&mut connection, path)?;
        let reader = SqliteReader { path: path.to_owned(), connection };
        reader.check_end()?;
        Ok(SqliteStore { reader, epoch, segment_bytes: SEGMENT_BYTES, broken: false })
    }

    /// Opens a store for reading. Nothing is written to it.
    ///
    /// # Errors
    /// When there is no file, it can't be opened, isn't a store, is damaged, or another version wrote it.
    pub fn read(path: &Path) -> Result<SqliteReader, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        regular(path)?;
        let opened = connect(path, flags).and_then(|connection| {
            schema::check_readable(&connection, path)?;
            Ok(connection)
        });
        let connection = match opened {
            // In a folder without write permission the files beside it can't be made. They aren't needed if there is no
            // writer.
            Err(StoreError::Database { source, .. }) if cannot_write(&source) && !has_log(path) => {
                let connection = connect(&immutable(path)?, flags | OpenFlags::SQLITE_OPEN_URI)?;
                schema::check_readable(&connection, path)?;
                connection
            }
            opened => opened?,
        };
        let reader = SqliteReader { path: path.to_owned(), connection };
        reader.check_end()?;
        Ok(reader)
    }

    fn whole(&self) -> Result<&SqliteReader, StoreError> {
        if self.broken { Err(StoreError::Broken) } else { Ok(&self.reader) }
    }
}

impl SqliteReader {
    /// Bytes of the log's lines.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn log_bytes(&self) -> Result<u64, StoreError> {
        let bytes: i64 = self
            .connection
            .query_one("SELECT coalesce(sum(bytes), 0) FROM segment", [], |row| row.get(0))
            .map_err(failed("read", &self.path))?;
        Ok(bytes.unsigned_abs())
    }

    /// Refuses a store whose log ends elsewhere than its last commit.
    fn check_end(&self) -> Result<(), StoreError> {
        let snapshot = self.connection.unchecked_transaction().map_err(failed("read", &self.path))?;
        let head = self.head()?;
        let last = head.records().checked_sub(1);
        let line = last.map(|seq| self.lines(seq, 2)).transpose()?;
        let ends = match line.as_deref() {
            None => head == ChainWriter::new(),
            Some([line]) => Digest::of(line) == head.link(),
            Some(_) => false,
        };
        drop(snapshot);
        if ends { Ok(()) } else { Err(damaged(&self.path, "its log doesn't end where its last commit did")) }
    }
}

impl Stored for SqliteStore {
    fn head(&self) -> Result<ChainWriter, StoreError> {
        self.whole()?.head()
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
        let SqliteReader { path, connection } = &mut self.reader;
        let transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
            Ok(transaction) => transaction,
            Err(error) => {
                let error = failed("write", path)(error);
                self.broken = !matches!(error, StoreError::Busy { .. });
                return Err(error);
            }
        };
        let result = write::Writing { transaction: &transaction, path, segment_bytes: self.segment_bytes }
            .write(&commit, self.epoch)
            .and_then(|end| transaction.commit().map(|()| end).map_err(failed("write", path)));
        // After an error of the database's it may be stored or not. All others are found while nothing is.
        self.broken = matches!(
            result,
            Err(StoreError::Database { .. }
                | StoreError::Damaged { .. }
                | StoreError::NotAStore(_)
                | StoreError::Busy { .. })
        );
        result
    }
}

/// Makes an empty file unless there is one.
fn make(path: &Path) -> Result<(), StoreError> {
    if !countersign_private::check(path).map_err(StoreError::io("open", path))? {
        match countersign_private::create_new(path) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(StoreError::io("make", path)(error)),
        }
    }
    Ok(())
}

/// Closes a store to others, with the files beside it. SQLite gives those that it makes later the same mode. They aren't
/// opened, see the invariant.
fn close_to_others(path: &Path) -> Result<(), StoreError> {
    for path in BESIDE.map(|ending| beside(path, ending)).iter().map(PathBuf::as_path).chain([path]) {
        countersign_private::tighten(path).map_err(StoreError::io("open", path))?;
    }
    Ok(())
}

/// Refuses what is no regular file, and when there is none.
fn regular(path: &Path) -> Result<(), StoreError> {
    for beside in BESIDE.map(|ending| beside(path, ending)) {
        countersign_private::check(&beside).map_err(StoreError::io("open", &beside))?;
    }
    match countersign_private::check(path) {
        Ok(true) => Ok(()),
        // The system says it in the words that people know.
        Ok(false) => path.symlink_metadata().map(|_| ()).map_err(StoreError::io("open", path)),
        Err(error) => Err(StoreError::io("open", path)(error)),
    }
}

/// The path of a file with all links above it followed, so that SQLite can be told to follow none. It is absolute, and so
/// never taken for one of SQLite's special names.
fn resolved(path: &Path) -> Result<PathBuf, StoreError> {
    let failed = || StoreError::io("open", path);
    let absolute = std::path::absolute(path).map_err(failed())?;
    match (absolute.parent(), absolute.file_name()) {
        (Some(folder), Some(name)) => Ok(folder.canonicalize().map_err(failed())?.join(name)),
        _ => Ok(absolute),
    }
}

/// Connects to a file that exists.
fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let resolved = if flags.contains(OpenFlags::SQLITE_OPEN_URI) { path.to_owned() } else { resolved(path)? };
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(resolved, flags).map_err(failed("open", path))?;
    let failed = || failed("open", path);
    connection.busy_timeout(Duration::from_secs(BUSY_SECONDS)).map_err(failed())?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // No mapping of the file into memory: a file cut short would then end the process instead of a call.
    for (name, value) in [("mmap_size", 0), ("cache_size", -CACHE_KIB), ("cell_size_check", 1), ("trusted_schema", 0)] {
        connection.pragma_update_and_check(None, name, value, |_| Ok(())).or_else(no_row).map_err(failed())?;
    }
    Ok(connection)
}

/// A pragma that doesn't answer was set all the same.
fn no_row(error: rusqlite::Error) -> rusqlite::Result<()> {
    match error {
        rusqlite::Error::QueryReturnedNoRows => Ok(()),
        error => Err(error),
    }
}

/// Whether the database couldn't write where it wanted to.
fn cannot_write(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

/// Whether something is in the write-ahead log.
fn has_log(path: &Path) -> bool {
    std::fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0)
}

/// The name under which SQLite opens a file that nobody writes, and makes no files beside it.
fn immutable(path: &Path) -> Result<PathBuf, StoreError> {
    let absolute = resolved(path)?;
    let mut name = "file:".to_owned();
    for byte in absolute.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => name.push(char::from(*byte)),
            other => name.push_str(&format!("%{other:02x}")),
        }
    }
    Ok(PathBuf::from(name + "?immutable=1"))
}

fn damaged(path: &Path, what: impl ToString) -> StoreError {
    StoreError::Damaged { path: path.to_owned(), what: what.to_string() }
}

/// An error of the database, by what it means here.
fn failed(action: &'static str, path: &Path) -> impl FnOnce(rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    move |source| match (&source, source.sqlite_error_code()) {
        (_, Some(ErrorCode::DatabaseCorrupt)) => damaged(&path, source),
        (_, Some(ErrorCode::NotADatabase)) => StoreError::NotAStore(path),
        (_, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)) => {
            StoreError::Busy { path, seconds: BUSY_SECONDS }
        }
        (
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::QueryReturnedNoRows,
            _,
        ) => damaged(&path, source),
        _ => StoreError::Database { action, path, source: Box::new(source) },
    }
}
