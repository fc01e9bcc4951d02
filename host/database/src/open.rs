//! Opening a database.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use countersign_private::FileError;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use crate::mover::Mover;
use crate::schema::Kind;
use crate::{DatabaseError, beside};

/// How long a commit waits for another process's write lock, seconds.
pub const BUSY_SECONDS: u64 = 5;

/// The endings of the files that SQLite makes beside the file.
pub const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Prepared statements that are kept: all there are.
const STATEMENTS: usize = 48;

/// Page cache, KiB.
const CACHE_KIB: i64 = 64 << 10;

/// A connection that writes beside the one that commits copies the write-ahead log back into the file when it has so many
/// pages (of 4 KiB): 32 MiB. What is committed is moved by [`Mover`].
const CHECKPOINT_PAGES: i64 = 8 << 10;

/// What the write-ahead log may keep on disk after that, bytes.
const LOG_BYTES: i64 = 64 << 20;

/// A database that is open.
#[derive(Debug)]
pub struct Database {
    /// Of the one that commits. It ends before the connection does, which is the last one then.
    mover: Option<Mover>,
    /// The connection to it.
    pub connection: Connection,
    path: PathBuf,
    kind: &'static Kind,
}

impl Database {
    /// Opens a database for writing, and returns its new epoch. A file that doesn't exist, or is empty, becomes a new one
    /// that only its owner may read and write.
    ///
    /// # Errors
    /// When the file can't be made or opened, is of another kind, is damaged, or a newer version wrote it.
    pub fn open(kind: &'static Kind, path: &Path) -> Result<(Database, i64), DatabaseError> {
        make(path)?;
        regular(path)?;
        let mut connection = connect(kind, path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        kind.check(&connection, path)?;
        close_to_others(path)?;
        if kind.shrinks {
            // INCREMENTAL. It has an effect on a file that is still empty alone.
            set(&connection, &[("auto_vacuum", 2)]).map_err(failed(kind, "open", path))?;
        }
        write_ahead(kind, &connection, path)?;
        let epoch = kind.begin_epoch(&mut connection, path)?;
        let mover = Some(Mover::start(kind, path, &mut connection)?);
        Ok((Database { mover, connection, path: path.to_owned(), kind }, epoch))
    }

    /// Opens a database for writing beside its writer, whose epoch stays: for what may be written beside it, in transactions
    /// that compare the epoch.
    ///
    /// # Errors
    /// When there is no file, it can't be opened, is of another kind or schema, or is damaged.
    pub fn open_beside(kind: &'static Kind, path: &Path) -> Result<Database, DatabaseError> {
        regular(path)?;
        let connection = connect(kind, path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        kind.check_readable(&connection, path)?;
        write_ahead(kind, &connection, path)?;
        Ok(Database { mover: None, connection, path: path.to_owned(), kind })
    }

    /// Opens a database for reading. Nothing is written to it. It sees what is committed, also beside a writer.
    ///
    /// # Errors
    /// When there is no file, it can't be opened, is of another kind, is damaged, or another version wrote it.
    pub fn read(kind: &'static Kind, path: &Path) -> Result<Database, DatabaseError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        regular(path)?;
        let opened = connect(kind, path, flags).and_then(|connection| {
            kind.check_readable(&connection, path)?;
            Ok(connection)
        });
        let connection = match opened {
            // In a folder without write permission the files beside it can't be made. They aren't needed if there is no
            // writer.
            Err(DatabaseError::Refused { source, .. }) if cannot_write(&source) && !has_log(path) => {
                let connection = connect(kind, &immutable(path)?, flags | OpenFlags::SQLITE_OPEN_URI)?;
                kind.check_readable(&connection, path)?;
                connection
            }
            opened => opened?,
        };
        Ok(Database { mover: None, connection, path: path.to_owned(), kind })
    }

    /// Begins a transaction that writes, once no other process does: after [`BUSY_SECONDS`] at most. Dropped, it changes
    /// nothing.
    ///
    /// # Errors
    /// When it can't begin.
    pub fn begin(&self) -> Result<Transaction<'_>, DatabaseError> {
        Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate).map_err(self.failed("write"))
    }

    /// Closes it: of what was committed nothing stays in the file beside it, unless another connection is open.
    ///
    /// # Errors
    /// When that can't be moved.
    pub fn close(self) -> Result<(), DatabaseError> {
        let failed = self.failed("close");
        drop(self.mover);
        self.connection.close().map_err(|(_, error)| failed(error))
    }

    pub(crate) fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What an error of the connection means here. `action` is what was tried, such as `write`.
    pub fn failed(&self, action: &'static str) -> impl FnOnce(rusqlite::Error) -> DatabaseError + use<> {
        failed(self.kind, action, &self.path)
    }

    /// That it has something that can't have been stored so.
    pub fn damaged(&self, what: impl ToString) -> DatabaseError {
        DatabaseError::Damaged { kind: self.kind.name, path: self.path.clone(), what: what.to_string() }
    }
}

/// Makes an empty file unless there is one.
fn make(path: &Path) -> Result<(), DatabaseError> {
    if !countersign_private::check(path).map_err(FileError::of("open", path))? {
        match countersign_private::create_new(path) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(FileError::of("make", path)(error).into()),
        }
    }
    Ok(())
}

/// Closes a database to others, with the files beside it. SQLite gives those that it makes later the same mode. They aren't
/// opened, see the invariant.
fn close_to_others(path: &Path) -> Result<(), DatabaseError> {
    for path in BESIDE.map(|ending| beside(path, ending)).iter().map(PathBuf::as_path).chain([path]) {
        countersign_private::tighten(path).map_err(FileError::of("open", path))?;
    }
    Ok(())
}

/// Refuses what is no regular file, and when there is none.
fn regular(path: &Path) -> Result<(), DatabaseError> {
    for beside in BESIDE.map(|ending| beside(path, ending)) {
        countersign_private::check(&beside).map_err(FileError::of("open", &beside))?;
    }
    match countersign_private::check(path) {
        Ok(true) => Ok(()),
        // The system says it in the words that people know.
        Ok(false) => Ok(path.symlink_metadata().map(|_| ()).map_err(FileError::of("open", path))?),
        Err(error) => Err(FileError::of("open", path)(error).into()),
    }
}

/// The path of a file with all links above it followed, so that SQLite can follow none. It is absolute, and so never
/// taken for one of SQLite's special names.
fn resolved(path: &Path) -> Result<PathBuf, DatabaseError> {
    let failed = || FileError::of("open", path);
    let absolute = std::path::absolute(path).map_err(failed())?;
    match (absolute.parent(), absolute.file_name()) {
        (Some(folder), Some(name)) => Ok(folder.canonicalize().map_err(failed())?.join(name)),
        _ => Ok(absolute),
    }
}

/// Connects to a file that exists.
pub(crate) fn connect(kind: &'static Kind, path: &Path, flags: OpenFlags) -> Result<Connection, DatabaseError> {
    let resolved = if flags.contains(OpenFlags::SQLITE_OPEN_URI) { path.to_owned() } else { resolved(path)? };
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let failed = || failed(kind, "open", path);
    let connection = Connection::open_with_flags(resolved, flags).map_err(failed())?;
    connection.busy_timeout(Duration::from_secs(BUSY_SECONDS)).map_err(failed())?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // No mapping of the file into memory: a file cut short would then end the process instead of a call.
    let values = [("mmap_size", 0), ("cache_size", -CACHE_KIB), ("cell_size_check", 1), ("trusted_schema", 0)];
    set(&connection, &values).map_err(failed())?;
    Ok(connection)
}

/// Sets pragmas. Some of them answer with the new value.
fn set(connection: &Connection, values: &[(&str, i64)]) -> rusqlite::Result<()> {
    values
        .iter()
        .try_for_each(|(name, value)| connection.pragma_update_and_check(None, name, value, |_| Ok(())).or_else(no_row))
}

/// Has what is written go through a write-ahead log that is synced.
fn write_ahead(kind: &'static Kind, connection: &Connection, path: &Path) -> Result<(), DatabaseError> {
    let failed = || failed(kind, "open", path);
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(failed())?;
    if mode != "wal" {
        return Err(DatabaseError::NoWriteAheadLog { path: path.to_owned(), got: mode });
    }
    let synchronous = 2; // FULL
    let values =
        [("synchronous", synchronous), ("wal_autocheckpoint", CHECKPOINT_PAGES), ("journal_size_limit", LOG_BYTES)];
    set(connection, &values).map_err(failed())
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
fn immutable(path: &Path) -> Result<PathBuf, DatabaseError> {
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

/// An error of the database, by what it means here.
pub(crate) fn failed(
    kind: &'static Kind,
    action: &'static str,
    path: &Path,
) -> impl FnOnce(rusqlite::Error) -> DatabaseError + use<> {
    let path = path.to_owned();
    move |source| match (&source, source.sqlite_error_code()) {
        (_, Some(ErrorCode::DatabaseCorrupt)) => {
            DatabaseError::Damaged { kind: kind.name, path, what: source.to_string() }
        }
        (_, Some(ErrorCode::NotADatabase)) => DatabaseError::OtherKind { kind: kind.name, path },
        (_, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)) => {
            DatabaseError::Busy { path, seconds: BUSY_SECONDS }
        }
        (
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::QueryReturnedNoRows,
            _,
        ) => DatabaseError::Damaged { kind: kind.name, path, what: source.to_string() },
        _ => DatabaseError::Refused { action, path, source: Box::new(source) },
    }
}
