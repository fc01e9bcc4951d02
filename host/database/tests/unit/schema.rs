//! Steps from one schema to the next.

use std::path::Path;

use rusqlite::Connection;

use super::Kind;
use crate::{Database, DatabaseError};

const FIRST: &str = "CREATE TABLE head (epoch INTEGER NOT NULL) STRICT; INSERT INTO head VALUES (0)";
const SECOND: &str = "ALTER TABLE head ADD COLUMN note TEXT";

const fn kind(steps: &'static [&'static str]) -> Kind {
    Kind { name: "diary", application_id: 7, steps, shrinks: false, update: "write in it" }
}

static ONE: Kind = kind(&[FIRST]);
static TWO: Kind = kind(&[FIRST, SECOND]);
static FAILING: Kind = kind(&[FIRST, SECOND, "CREATE TABLE head (x)"]);
static OTHER: Kind = Kind { name: "ledger", application_id: 8, steps: &[FIRST], shrinks: false, update: "" };

fn version(path: &Path) -> i64 {
    let connection = Connection::open(path).unwrap();
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[test]
fn steps_bring_an_older_schema_up_to_date_or_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("diary");
    assert_eq!(Database::open(&ONE, &path).unwrap().1, 1);
    let error = Database::open(&FAILING, &path).unwrap_err();
    assert!(matches!(error, DatabaseError::Refused { .. }), "{error}");
    assert_eq!(version(&path), 1);
    // A reader takes no steps.
    let error = Database::read(&TWO, &path).unwrap_err();
    assert_eq!(error.to_string(), format!("expected a diary of schema 2 at `{}`, got 1: write in it", path.display()));
    assert_eq!(Database::open(&TWO, &path).unwrap().1, 2);
    assert_eq!(Database::open(&TWO, &path).unwrap().1, 3);
    assert_eq!(version(&path), 2);
    Database::read(&TWO, &path).unwrap();
    for result in [Database::open(&ONE, &path).map(|_| ()), Database::read(&ONE, &path).map(|_| ())] {
        assert_eq!(
            result.unwrap_err().to_string(),
            format!(
                "expected a diary of schema at most 1 at `{}`, got 2: use the countersign version that wrote it, or a \
                 newer one",
                path.display()
            )
        );
    }
    for result in [Database::open(&OTHER, &path).map(|_| ()), Database::read(&OTHER, &path).map(|_| ())] {
        let error = result.unwrap_err();
        assert!(matches!(error, DatabaseError::OtherKind { kind: "ledger", .. }), "{error}");
    }
}
