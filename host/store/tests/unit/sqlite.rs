//! The SQLite store where the disk is full, another process is in the way, or the schema is another.

use std::time::Duration;

use countersign_database::rusqlite::{self, Connection};

use super::SqliteStore;
use crate::common::{Step, content, header, memory, record, state};
use crate::{Snapshot, Store, StoreError, Stored};

fn commit(store: &mut SqliteStore, step: &Step) -> Result<crate::ChainWriter, StoreError> {
    let commit = step.after(store);
    store.commit(commit)
}

fn first() -> Step {
    Step {
        records: vec![header(), record(1)],
        state: vec![state("a/b", "s", "k", Some(1))],
        memory: vec![memory("session", b"", Some(b"1"))],
        ..Step::default()
    }
}

fn pragma(connection: &Connection, name: &str) -> i64 {
    connection.pragma_query_value(None, name, |row| row.get(0)).unwrap()
}

#[test]
fn a_full_disk_leaves_what_was_committed_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut store = SqliteStore::open(&path).unwrap();
    commit(&mut store, &first()).unwrap();
    let before = content(&store, 9);
    let pages = pragma(&store.reader.0.connection, "page_count");
    store.reader.0.connection.pragma_update_and_check(None, "max_page_count", pages + 2, |_| Ok(())).unwrap();
    let large = Step { memory: vec![memory("session", b"", Some(&[1; 100_000]))], ..first() };
    let large = Step { records: vec![record(2)], ..large };
    let error = commit(&mut store, &large).unwrap_err();
    assert_eq!(error.to_string(), format!("can't write `{}`: database or disk is full", path.display()));
    // Nobody goes on with a store in doubt.
    assert!(matches!(store.commit(crate::Commit::empty(crate::ChainWriter::new())), Err(StoreError::Broken)));
    assert!(matches!(store.head(), Err(StoreError::Broken)));
    drop(store);
    let mut store = SqliteStore::open(&path).unwrap();
    assert_eq!(content(&store, 9), before);
    commit(&mut store, &large).unwrap();
}

#[test]
fn a_write_lock_is_waited_for_and_then_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut store = SqliteStore::open(&path).unwrap();
    commit(&mut store, &first()).unwrap();
    let mut other = Connection::open(&path).unwrap();
    let lock = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    store.reader.0.connection.busy_timeout(Duration::from_millis(20)).unwrap();
    let next = Step { records: vec![record(2)], ..Step::default() };
    let error = commit(&mut store, &next).unwrap_err();
    assert!(error.to_string().contains("to be free within 5 s"), "{error}");
    // Nothing was begun, so the store can be used further.
    drop(lock);
    assert_eq!(commit(&mut store, &next).unwrap().records(), 3);
}

#[test]
fn segments_roll_and_do_not_show_in_the_lines() {
    let folder = tempfile::tempdir().unwrap();
    let (mut one, mut many) = (
        SqliteStore::open(&folder.path().join("one")).unwrap(),
        SqliteStore::open(&folder.path().join("many")).unwrap(),
    );
    many.segment_bytes = 500;
    for round in 0..4 {
        let mut step = Step { records: (0..round * 2).map(record).collect(), ..Step::default() };
        if round == 0 {
            step.records.push(header());
        }
        commit(&mut one, &step).unwrap();
        commit(&mut many, &step).unwrap();
    }
    assert_eq!(content(&one, 3), content(&many, 3));
    let segments = |store: &SqliteStore| -> Vec<(i64, i64, [u8; 32], i64)> {
        let mut statement = store.reader.0.connection.prepare("SELECT * FROM segment ORDER BY number").unwrap();
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        statement.query_map([], row).unwrap().collect::<Result<_, _>>().unwrap()
    };
    assert_eq!(segments(&one).len(), 1);
    let found = segments(&many);
    assert!(found.len() > 3);
    let lines = many.lines(0, 99).unwrap();
    let mut total = 0;
    for (place, (number, first, link, bytes)) in found.iter().enumerate() {
        assert_eq!(*number, place as i64 + 1);
        let next = found.get(place + 1).map_or(lines.len(), |next| next.1 as usize);
        let own = &lines[*first as usize..next];
        assert_eq!(own.concat().len() as i64, *bytes);
        assert!(place + 1 == found.len() || *bytes >= 500);
        let before = first.checked_sub(1).and_then(|before| lines.get(before as usize));
        assert_eq!(before.map_or([0; 32], |line| countersign_model::Digest::of(line).0), *link);
        total += bytes;
    }
    assert_eq!(many.reader.log_bytes().unwrap(), total as u64);
}

#[test]
fn pages_are_read_by_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store")).unwrap();
    for sql in super::pages::STATEMENTS {
        let mut statement = store.reader.0.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        for parameter in 1..=statement.parameter_count() {
            statement.raw_bind_parameter(parameter, 1).unwrap();
        }
        let mut plan = String::new();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().unwrap() {
            plan += &row.get::<_, String>(3).unwrap();
        }
        assert!(!plan.contains("TEMP B-TREE"), "{sql}: {plan}");
        assert_eq!(plan.starts_with("SEARCH"), sql.contains("WHERE"), "{sql}: {plan}");
    }
}

#[test]
fn a_fork_has_what_was_there_when_it_began_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut store = SqliteStore::open(&path).unwrap();
    commit(&mut store, &first()).unwrap();
    let before = content(&store, 9);
    let snapshot = Snapshot::of(SqliteStore::read(&path).unwrap()).unwrap();
    // What is committed meanwhile isn't in it.
    let later = Step { records: vec![record(2)], state: vec![state("a/b", "s", "k", Some(7))], ..Step::default() };
    commit(&mut store, &later).unwrap();
    let after = content(&store, 9);
    assert_ne!(after, before);
    let mut fork = snapshot.fork().unwrap();
    assert_eq!(content(&fork, 9), before);
    // It goes on by itself: the end of its log is what the store's was after the same.
    let step = later.after(&fork);
    assert_eq!(fork.commit(step).unwrap(), store.head().unwrap());
    assert_eq!(content(&store, 9), after);
    snapshot.release();
    assert_eq!(fork.state(None, 9).unwrap().len(), 0);
    assert!(matches!(snapshot.fork(), Err(StoreError::Broken)));
}
