//! `audit export`: a store as the audit file that a run without a stop writes.

use std::collections::BTreeMap;
use std::fs;

use countersign_store::{Commit, MemoryChange, SqliteStore, Store, Stored};
use serde_json::{Value, json};

use crate::support::{Folder, keys};

const REPLAY: &str = "replay --source cloudtrail --only-rules rules --identities identities.toml --json events.ndjson";

/// A finished run in `run.db`.
fn stored() -> Folder {
    let folder = Folder::new();
    folder.prepare("");
    folder.cli(&format!("{REPLAY} --store run.db")).exits(0);
    folder
}

/// Makes the run of a store one that isn't finished: what a session remembers says so.
pub(crate) fn unfinish(folder: &Folder, name: &str) {
    let mut store = SqliteStore::open(&folder.path(name)).unwrap();
    let (key, value) = store.memory("session", None, 1).unwrap().remove(0);
    let mut session: Value = serde_json::from_slice(&value).unwrap();
    assert_eq!(session["finished"], true);
    session["finished"] = json!(false);
    let value = Some(session.to_string().into_bytes());
    let memory = [MemoryChange { space: "session", key, value }];
    let expected = store.head().unwrap();
    store.commit(Commit { memory: &memory, ..Commit::empty(expected) }).unwrap();
}

/// A file and the blobs beside it.
fn files(folder: &Folder, audit: &str) -> BTreeMap<String, Vec<u8>> {
    let blobs = fs::read_dir(folder.path(&format!("{audit}.bundles"))).unwrap().map(|blob| {
        let path = blob.unwrap().path();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap())
    });
    let audit = fs::read(folder.path(audit)).unwrap();
    blobs.chain([("audit".to_owned(), audit)]).collect()
}

#[test]
fn an_export_is_byte_for_byte_what_a_replay_into_files_writes() {
    let folder = stored();
    let ran = folder.cli(&format!("{REPLAY} --audit run.audit")).exits(0);
    let head = ran.json().last().unwrap()["head"].clone();
    let line = folder.cli("audit export --store run.db --out exported.audit --json").exits(0).json().remove(0);
    assert_eq!(files(&folder, "exported.audit"), files(&folder, "run.audit"));
    let expected = ["type", "store", "file", "records", "blobs", "sealed", "head", "replaced"];
    assert_eq!(keys(&line), expected.into());
    assert_eq!((&line["head"], &line["sealed"], &line["replaced"]), (&head, &json!(true), &Value::Null));
    assert_eq!(line["records"], folder.read("run.audit").lines().count() - 1);
    assert_eq!(line["blobs"], files(&folder, "run.audit").len() - 1);
    let shown = folder.cli("audit export --store run.db --out again.audit").exits(0).stdout;
    assert!(shown.starts_with("exported  again.audit\n") && shown.contains(head.as_str().unwrap()), "{shown}");
    folder.cli("audit verify exported.audit").exits(0);
    folder.cli("audit recompute exported.audit").exits(0);
}

#[test]
fn what_is_there_is_replaced_only_when_asked_to_and_only_by_a_whole_export() {
    let folder = stored();
    folder.cli("audit export --store run.db --out run.audit").exits(0);
    let before = files(&folder, "run.audit");
    let ran = folder.cli("audit export --store run.db --out run.audit").exits(2);
    for part in ["a finished audit file of", "blobs in `run.audit.bundles`", "`--replace`"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    let ran = folder.cli("audit export --store run.db --out run.audit --replace --json").exits(0);
    assert!(ran.stderr.contains("`--replace` removes a finished audit file of"), "{}", ran.stderr);
    let line = ran.json().remove(0);
    assert_eq!((&line["replaced"]["records"], &line["replaced"]["sealed"]), (&line["records"], &json!(true)));
    assert_eq!(files(&folder, "run.audit"), before);

    // Something else than an audit file is never replaced, the store least of all.
    folder.write("mine", "something of mine\n");
    for out in ["mine", "run.db"] {
        let ran = folder.cli(&format!("audit export --store run.db --out {out} --replace")).exits(2);
        assert!(ran.stderr.contains("name another file"), "{}", ran.stderr);
    }
    assert_eq!(folder.read("mine"), "something of mine\n");
    folder.cli("audit verify run.db").exits(0);
}

#[test]
fn a_run_that_is_not_finished_is_exported_only_as_such() {
    let folder = stored();
    unfinish(&folder, "run.db");
    let ran = folder.cli("audit export --store run.db --out run.audit").exits(1);
    for part in ["`run.db`", "`--unfinished`", "`countersign replay --store`"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    assert!(!folder.path("run.audit").exists());

    let line = folder.cli("audit export --store run.db --out run.audit --unfinished --json").exits(0).json().remove(0);
    assert_eq!((&line["sealed"], &line["head"]), (&json!(false), &Value::Null));
    assert_eq!(line["records"], folder.read("run.audit").lines().count());
    let line = folder.cli("audit verify run.audit --json").exits(1).json().remove(0);
    assert_eq!(line["interrupted"], true);
    let ran = folder.cli("audit export --store run.db --out run.audit --unfinished --replace").exits(0);
    assert!(ran.stderr.contains("an interrupted audit file"), "{}", ran.stderr);
    assert!(ran.stdout.contains("which isn't sealed"), "{}", ran.stdout);

    // The same replay finishes it.
    folder.cli(&format!("{REPLAY} --store run.db")).exits(0);
    folder.cli("audit export --store run.db --out run.audit --replace").exits(0);
    folder.cli("audit verify run.audit").exits(0);
}

#[test]
fn what_is_no_store_with_a_run_is_refused() {
    let folder = Folder::new();
    drop(SqliteStore::open(&folder.path("empty.db")).unwrap());
    folder.write("x", "x");
    for (store, part) in [("empty.db", "without a record"), ("x", "expected a store"), ("missing", "can't read")] {
        let ran = folder.cli(&format!("audit export --store {store} --out run.audit")).exits(2);
        assert!(ran.stderr.contains(part) && ran.stderr.contains(store), "{}", ran.stderr);
    }
    assert!(!folder.path("run.audit").exists());
}
