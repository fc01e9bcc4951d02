//! A copy is of one moment, whatever is written meanwhile.

use std::os::unix::fs::MetadataExt as _;

use crate::{BESIDE, Database, Kind, beside};

static KIND: Kind = Kind {
    name: "diary",
    application_id: 7,
    steps: &["CREATE TABLE head (epoch INTEGER NOT NULL); INSERT INTO head VALUES (0);
              CREATE TABLE entry (id INTEGER PRIMARY KEY, text BLOB)"],
    shrinks: true,
    update: "",
};

fn count(database: &Database) -> i64 {
    database.connection.query_one("SELECT count(*) FROM entry", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_copy_is_of_one_moment_while_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("diary"), folder.path().join("copy"));
    let (writer, _) = Database::open(&KIND, &path).unwrap();
    let write = |n: usize| {
        for _ in 0..n {
            writer.connection.execute("INSERT INTO entry (text) VALUES (zeroblob(20000))", []).unwrap();
        }
    };
    write(1_000);
    let reader = Database::read(&KIND, &path).unwrap();
    reader.hold().unwrap();
    let mut steps = 0;
    let each = &mut |done, all| {
        assert!(done <= all);
        steps += 1;
        write(5);
    };
    reader.copy_to(&to, each).unwrap();
    assert!(steps > 2, "{steps}");
    assert!(count(&writer) > 1_000);
    assert!(BESIDE.iter().all(|ending| !beside(&to, ending).exists()));
    assert_eq!(std::fs::metadata(&to).unwrap().mode() & 0o7777, 0o600);
    let copy = Database::read(&KIND, &to).unwrap();
    assert_eq!((count(&copy), copy.quick_check().unwrap()), (1_000, Vec::new()));
    // Nothing is written over.
    assert!(reader.copy_to(&to, &mut |_, _| {}).is_err());
    drop(copy);
    // It can be gone on with.
    let (again, epoch) = Database::open(&KIND, &to).unwrap();
    assert_eq!((count(&again), epoch), (1_000, 2));
}

#[test]
fn a_damaged_file_is_not_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("diary");
    let (writer, _) = Database::open(&KIND, &path).unwrap();
    for _ in 0..100 {
        writer.connection.execute("INSERT INTO entry (text) VALUES (zeroblob(3000))", []).unwrap();
    }
    drop(writer);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4_096 * 4_096;
    bytes[middle..middle + 4_096].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let found = Database::read(&KIND, &path).unwrap().quick_check();
    assert!(found.is_err() || !found.unwrap().is_empty());
}
