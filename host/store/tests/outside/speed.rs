//! What commits cost, to be read by people.

use std::path::Path;
use std::time::Instant;

use countersign_model::DigestKey;
use countersign_store::{Blob, Durability, Existing, FileStore, HeadStore, MemoryChange, SqliteStore, Store};

use crate::common::{Step, finding, header, intent, memory, record, state, timer};

const COMMITS: u64 = 1_000;

/// A busy chunk: 300 changes of state among 20,000 keys, 20 records, two of them findings with their bundles.
fn step(number: u64) -> Step {
    let mut records: Vec<_> = (0..20).map(|place| record(number * 20 + place)).collect();
    if number == 0 {
        records.insert(0, header());
    }
    let key = |place: u64| format!("aws:111122223333:AIDA{:016}", (number * 300 + place) * 7_919 % 20_000);
    let change = |place: u64| {
        let mut change = state("countersign/some-rule", "seen", &key(place), Some(place as u8));
        if let Some(entry) = &mut change.entry {
            entry.blob = [place as u8; 120].into();
        }
        change
    };
    let bundle = |place: u64| Blob::new(&DigestKey::public(), (number * 2 + place).to_be_bytes().repeat(500));
    let horizon =
        |place: u64| -> MemoryChange { memory("horizon", &(number * 10 + place).to_be_bytes(), Some(&[1; 16])) };
    Step {
        records,
        blobs: vec![bundle(0), bundle(1)],
        findings: vec![finding(number), finding(number)],
        intents: vec![intent(number)],
        tick: number.is_multiple_of(4),
        baselines: (0..100).map(change).collect(),
        state: (0..300).map(change).collect(),
        timers: (0..10).map(|place| timer("countersign/some-rule", &key(place), "silence", Some(1))).collect(),
        memory: (0..10).map(horizon).collect(),
    }
}

fn measure(name: &str, folder: &Path, store: &mut dyn Store, steps: &[Step]) {
    let (begin, mut slowest) = (Instant::now(), 0.0f64);
    for step in steps {
        let commit = step.after(store);
        let begin = Instant::now();
        store.commit(commit).unwrap();
        slowest = slowest.max(begin.elapsed().as_secs_f64());
    }
    let seconds = begin.elapsed().as_secs_f64();
    let bytes: u64 = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    println!(
        "{name:24} {:6.2} ms a commit, slowest {:6.1} ms, {} MB",
        seconds * 1e3 / steps.len() as f64,
        slowest * 1e3,
        bytes / 1_000_000
    );
}

#[test]
#[ignore = "measures, and checks nothing"]
fn what_commits_cost() {
    let steps: Vec<Step> = (0..COMMITS).map(step).collect();
    let places = [("disk", tempfile::tempdir().unwrap()), ("memory", crate::common::fast_folder())];
    for (place, folder) in &places {
        let inner = |name: &str| {
            let folder = folder.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            folder
        };
        let files = |name: &str, durability| {
            let folder = inner(name);
            let mut store = FileStore::create(&folder.join("a"), Existing::Refuse, durability).unwrap();
            measure(&format!("{place}: {name}"), &folder, &mut store, &steps);
        };
        files("files, unsynced", Durability::Seal);
        files("files, synced", Durability::Commit);
        let folder = inner("sqlite");
        let mut store = SqliteStore::open(&folder.join("a")).unwrap();
        measure(&format!("{place}: sqlite"), &folder, &mut store, &steps);
    }
    measure("end only", places[0].1.path(), &mut HeadStore::new(), &steps);
}
