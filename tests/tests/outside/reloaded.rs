//! Reloaded under load: a generation a second over a steady stream. Every event is judged once, by one generation, a batch never
//! by two, and state goes on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use countersign_admission::sections;
use countersign_daemon::{Host, Material, MaterialFile, Role};
use countersign_model::Place;
use countersign_store::SqliteStore;
use serde_json::Value;

use crate::determinism::Snapshot;
use crate::fed;
use crate::served::{LONG, SOURCES, file, folder, lines, log, send, start, undisturbed};
use crate::support::{admitted, bytes};

/// Records of a batch, and how often one comes.
const BATCH: usize = 4;
const EVERY: Duration = Duration::from_millis(20);

/// The partition keys.
const USERS: u32 = 3;

/// A rule that finds every event, and says how many of its key it has seen; in two versions.
fn material(version: u64, comment: u64) -> Material {
    let guest = admitted(bytes("burns-fuel"));
    let mut declaration = guest.declaration().clone();
    declaration.id = "local/every".parse().unwrap();
    declaration.version = semver::Version::new(0, version, 0);
    let bytes = sections::attach(guest.component(), &declaration, guest.data()).unwrap();
    let rule = MaterialFile { role: Role::Rule, name: "every.wasm".to_owned(), bytes };
    let policy = format!("version = 1\n# {comment}\n[rule.\"local/every\"]\nparameters = {{ work = 0 }}\n");
    Material { shipped_rules: false, files: vec![rule, file(Role::Sources, SOURCES), file(Role::Policy, &policy)] }
}

/// How long it takes, in swaps: a minute, or as many seconds as the environment says.
fn swaps() -> u64 {
    let said = std::env::var("COUNTERSIGN_SWAPS").ok();
    said.map_or(60, |said| said.parse().unwrap())
}

/// Sends batches until it is to stop. How many.
fn stream(host: &Host, stop: &AtomicBool) -> usize {
    let (began, mut sent) = (Instant::now(), 0);
    while !stop.load(Ordering::Acquire) {
        let record = |number: usize| fed::record(number as i64, 1 + number as u32 % USERS, "clock") + "\n";
        let batch: String = (sent * BATCH..(sent + 1) * BATCH).map(record).collect();
        send(host, None, batch.as_bytes());
        sent += 1;
        thread::sleep((EVERY * sent as u32).saturating_sub(began.elapsed()));
    }
    sent
}

/// The longest times in which nothing was judged, while there was something to judge: in all, and between two commits
/// without a swap, which is the longest batch.
fn longest(host: &Host, stop: &AtomicBool) -> (Duration, Duration) {
    let (mut pause, mut batch) = (Duration::ZERO, Duration::ZERO);
    let (mut since, mut before) = (Instant::now(), None);
    while !stop.load(Ordering::Acquire) {
        let status = host.status();
        let place = status.judged.place;
        pause = pause.max(since.elapsed());
        if place != before {
            if place.zip(before).is_some_and(|(now, before): (Place, Place)| now.host == before.host) {
                batch = batch.max(since.elapsed());
            }
            (before, since) = (place, Instant::now());
        } else if place.is_some_and(|place| place.batch > status.recorder.last) {
            since = Instant::now();
        }
        thread::sleep(Duration::from_millis(1));
    }
    (pause, batch)
}

#[test]
fn a_generation_a_second_loses_nothing_and_judges_nothing_twice() {
    let (_folder, state) = folder();
    let first = material(1, 0);
    let host = start(&state, &first);
    assert!(host.wait_serving(LONG));
    let stop = AtomicBool::new(false);
    let (sent, (pause, batch)) = thread::scope(|scope| {
        let streaming = scope.spawn(|| stream(&host, &stop));
        let watching = scope.spawn(|| longest(&host, &stop));
        let began = Instant::now();
        for swap in 1..=swaps() {
            thread::sleep((Duration::from_secs(1) * swap as u32).saturating_sub(began.elapsed()));
            host.apply(&material(swap % 3, swap), "test".to_owned(), None).unwrap_or_else(|error| panic!("{error}"));
        }
        stop.store(true, Ordering::Release);
        (streaming.join().unwrap(), watching.join().unwrap())
    });
    assert!(host.wait_judged(LONG), "{:?}", host.status());
    host.stop();
    let log = log(&state);
    let number = |event_id: &str| event_id.split_once('-').unwrap().0.parse::<usize>().unwrap();
    let mut judged: BTreeMap<usize, u64> = BTreeMap::new();
    for line in &log {
        let value: Value = serde_json::from_str(line).unwrap();
        if value["type"] == "finding" {
            let generation = value["generation"].as_u64().unwrap();
            assert_eq!(judged.insert(number(value["event_id"].as_str().unwrap()), generation), None, "{line}");
        }
    }
    // State goes on: rows of a key are counted without a gap.
    let mut rows = [0; USERS as usize];
    for finding in Snapshot::of(&SqliteStore::read(&state.join("store.db")).unwrap()).findings {
        let row = &mut rows[number(&finding.event_id) % USERS as usize];
        *row += 1;
        assert!(finding.message.starts_with(&format!("row {row} of its key")), "{finding:?}");
    }
    assert_eq!(judged.len(), sent * BATCH);
    let generations = log.iter().filter(|line| line.contains(r#""type":"generation""#)).count();
    assert_eq!(generations as u64, swaps() + 1);
    let mut by_generation: BTreeMap<u64, usize> = BTreeMap::new();
    for batch in 0..sent {
        let mut generations: Vec<u64> = (0..BATCH).map(|place| judged[&(batch * BATCH + place)]).collect();
        generations.dedup();
        assert_eq!(generations.len(), 1, "batch {batch}");
        *by_generation.entry(generations[0]).or_default() += 1;
    }
    assert!(by_generation.len() as u64 > swaps() / 2, "{by_generation:?}");
    println!(
        "{} swaps over {} events in {sent} batches: longest time with something to judge and nothing \
         judged {} ms, longest batch without a swap {} ms",
        swaps(),
        sent * BATCH,
        pause.as_millis(),
        batch.as_millis()
    );
    assert!(log == lines(&undisturbed(&state)), "the logs differ");
}
