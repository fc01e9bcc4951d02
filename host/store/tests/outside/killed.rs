//! A process that commits in a loop is killed at any moment: what it reported as committed is there, and nothing by half.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use countersign_audit::Verified;
use countersign_store::{
    AuditLog, Durability, Existing, FileStore, Overtaken, Recovered, SqliteStore, Store, StoreError, Stored,
};

use crate::common::{Step, blob, finding, header, memory, record, state};

const FOLDER: &str = "COUNTERSIGN_TEST_KILLED";

/// The commit with a number; `session` in memory counts them.
fn step(number: u64) -> Step {
    let records = if number == 0 { vec![header()] } else { (0..3).map(|_| record(number)).collect() };
    Step {
        records,
        blobs: vec![blob(number)],
        findings: vec![finding(number)],
        state: (0..30).map(|key| state("a/b", "s", &format!("k{}", (number * 7 + key) % 100), Some(1))).collect(),
        memory: vec![memory("session", b"", Some(&(number + 1).to_be_bytes()))],
        ..Step::default()
    }
}

fn commits<S: Stored + ?Sized>(store: &S) -> u64 {
    let session = store.memory("session", None, 1).unwrap();
    session.first().map_or(0, |(_, value)| u64::from_be_bytes(value.as_slice().try_into().unwrap()))
}

fn open(folder: &Path) -> Box<dyn Store> {
    if folder.ends_with("sqlite") {
        return Box::new(SqliteStore::open(&folder.join("store")).unwrap());
    }
    match FileStore::recover(&folder.join("store"), Durability::Commit) {
        Ok(Recovered::Unfinished(store)) => store,
        _ => Box::new(FileStore::create(&folder.join("store"), Existing::Refuse, Durability::Commit).unwrap()),
    }
}

/// Run as a process of its own.
#[test]
fn writer_of_another_process() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let mut store = open(Path::new(&folder));
    let mut out = std::io::stdout();
    writeln!(out, "\ncommits {}", commits(&*store)).unwrap();
    loop {
        let step = step(commits(&*store));
        let commit = step.after(&*store);
        store.commit(commit).unwrap();
        writeln!(out, "commits {}", commits(&*store)).unwrap();
        out.flush().unwrap();
        // Otherwise another writer would hardly ever find the store free.
        std::thread::sleep(Duration::from_millis(3));
    }
}

fn spawn(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::writer_of_another_process", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The commits that the process reports, one after another.
fn reports(child: &mut Child) -> impl Iterator<Item = u64> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("commits ")?.parse().ok())
}

#[test]
fn what_was_reported_is_there_after_a_kill() {
    for name in ["sqlite", "files"] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        let mut found = 0;
        for round in 0..12u64 {
            let mut child = spawn(&folder);
            let mut reports = reports(&mut child);
            assert_eq!(reports.next(), Some(found));
            let reported = reports.by_ref().take(1 + round as usize % 4).last().unwrap();
            std::thread::sleep(Duration::from_micros(round * 613));
            child.kill().unwrap();
            child.wait().unwrap();
            // What was reported in the meantime counts as well.
            let reported = reports.last().unwrap_or(reported);
            // Reading needs no writer to repair anything first.
            let log = AuditLog::open(&folder.join("store")).unwrap();
            let verified = log.verify(log.lines().unwrap(), None).unwrap();
            assert!(matches!(verified, Verified::Unsealed(left) if left.end.records() > 3 * (reported - 1)));
            drop(log);
            let store = open(&folder);
            found = commits(&*store);
            assert!(found == reported || found == reported + 1, "{name}: {found} of {reported}");
            let records = 1 + 3 * (found - 1);
            assert_eq!(store.head().unwrap().records(), records);
            assert_eq!(store.findings(0, 999).unwrap().len() as u64, found);
            for number in 0..found {
                assert_eq!(store.blob(&blob(number).name()).unwrap().as_deref(), Some(blob(number).bytes()));
            }
            drop(store);
            let log = AuditLog::open(&folder.join("store")).unwrap();
            let verified = log.verify(log.lines().unwrap(), None).unwrap();
            assert!(matches!(verified, Verified::Unsealed(end) if end.end.records() == records));
        }
    }
}

#[test]
fn a_writer_in_another_process_supersedes_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("sqlite");
    std::fs::create_dir(&folder).unwrap();
    let mut store = open(&folder);
    let first = step(0);
    let commit = first.after(&*store);
    store.commit(commit).unwrap();
    let mut child = spawn(&folder);
    let mut reports = reports(&mut child);
    assert_eq!(reports.next(), Some(1));
    let before = store.head().unwrap();
    let late = step(commits(&*store));
    let commit = late.after(&*store);
    let error = store.commit(commit).unwrap_err();
    assert!(matches!(error, StoreError::Superseded(Overtaken::Epoch { .. })), "{error}");
    // The other isn't disturbed.
    assert!(reports.nth(3) >= Some(4));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(store.head().unwrap().records() > before.records());
}
