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
