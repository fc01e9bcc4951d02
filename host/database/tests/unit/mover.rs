//! What is committed comes into the file without the thread that commits, and the write-ahead log stays bounded.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::params;

use crate::{Database, Kind, beside};

static KIND: Kind = Kind {
    name: "notebook",
    application_id: 0x6e6f7465,
    steps: &[
        "CREATE TABLE head (epoch INTEGER NOT NULL); INSERT INTO head VALUES (0); CREATE TABLE note (bytes BLOB);",
    ],
    shrinks: false,
    update: "open it",
};

/// Commits so many notes of 256 KiB, one a transaction.
fn commit(database: &Database, notes: u32) {
    for number in 0..notes {
        let bytes = vec![number.to_le_bytes()[0]; 256 << 10];
        database.connection.execute("INSERT INTO note VALUES (?1)", params![bytes]).unwrap();
    }
}

fn length(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}

#[test]
fn what_is_committed_comes_into_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let (database, _) = Database::open(&KIND, &path).unwrap();
    commit(&database, 4);
    assert!(length(&path) < 1 << 20, "a little is left where it is: {}", length(&path));
    // 8 MiB: less than the thread that commits would move.
    commit(&database, 28);
    let began = Instant::now();
    while length(&path) < 4 << 20 && began.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(length(&path) >= 4 << 20, "{}", length(&path));
}

#[test]
fn the_log_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let (database, _) = Database::open(&KIND, &path).unwrap();
    commit(&database, 256);
    let log = length(&beside(&path, "-wal"));
    assert!(log < 32 << 20, "{log} bytes after 64 MiB");
    database.close().unwrap();
    assert!(!beside(&path, "-wal").exists() && !beside(&path, "-shm").exists());
    let read = Database::read(&KIND, &path).unwrap();
    let notes: i64 = read.connection.query_one("SELECT count(*) FROM note", [], |row| row.get(0)).unwrap();
    assert_eq!(notes, 256);
}

#[test]
fn who_reads_on_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let (database, _) = Database::open(&KIND, &path).unwrap();
    commit(&database, 2);
    let reader = Database::read(&KIND, &path).unwrap();
    reader.hold().unwrap();
    commit(&database, 80);
    let notes = |database: &Database| -> i64 {
        database.connection.query_one("SELECT count(*) FROM note", [], |row| row.get(0)).unwrap()
    };
    assert_eq!((notes(&reader), notes(&database)), (2, 82));
}
