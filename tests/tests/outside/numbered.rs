//! Numbered: a generation has one number, in what is applied, what serves, the list of generations and the audit log, whatever
//! else a host puts on record, and also where it starts again by other options.

use std::path::Path;

use countersign_daemon::{Host, HostOptions, Material, Reload, Role, UnwellBounds, generations_of_recorder};
use countersign_policy::DEFAULT_POLICY;
use countersign_session::SessionOptions;
use serde_json::Value;

use crate::served::{LONG, SOURCES, file, folder, log, now, send};
use crate::support::engine;

fn material(comment: &str) -> Material {
    let policy = format!("{DEFAULT_POLICY}\n# {comment}\n");
    Material { shipped_rules: false, files: vec![file(Role::Sources, SOURCES), file(Role::Policy, &policy)] }
}

fn start(state: &Path, max_gap: i64) -> Host {
    let options = HostOptions {
        state: state.to_owned(),
        folder: state.to_owned(),
        engine: engine().clone(),
        session: SessionOptions { workers: 1, max_gap, ..SessionOptions::default() },
        max_bytes: 1 << 30,
        keep: i64::MAX / 2,
        keep_audit: None,
        clock: now,
        reload: Reload::default(),
        unwell: UnwellBounds::default(),
    };
    let host = Host::start(options, || Ok(material("first"))).unwrap_or_else(|error| panic!("{error}"));
    assert!(host.wait_serving(LONG));
    host
}

#[test]
fn a_generation_has_one_number_wherever_it_is_shown() {
    let (_folder, state) = folder();
    let host = start(&state, SessionOptions::MAX_GAP);
    let by = || "test".to_owned();
    send(&host, None, b"{}\n");
    let second = host.apply(&material("second"), by(), None).unwrap();
    assert!(host.wait_generation(second, LONG));
    let third = host.roll_back(1, by(), None, false).unwrap().generation;
    assert!(host.wait_generation(third, LONG));
    assert_eq!((second, third), (2, 3));
    host.stop();
    drop(host);
    // What is judged by other options is another record of the same generation.
    let host = start(&state, 2 * SessionOptions::MAX_GAP);
    assert_eq!(host.status().judged.generation, Some(3));
    send(&host, None, b"{}\n");
    let fourth = host.apply(&material("fourth"), by(), None).unwrap();
    assert!(host.wait_generation(fourth, LONG) && host.wait_judged(LONG));
    assert_eq!((fourth, host.status().judged.generation), (4, Some(4)));
    let numbers: Vec<u64> = host.generations().unwrap().iter().map(|one| one.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert_eq!(host.material(2).unwrap().unwrap().manifest(), material("second").manifest());
    assert!(host.material(0).unwrap().is_none() && host.material(5).unwrap().is_none());
    host.stop();
    // A host that ended tells the same.
    let left: Vec<u64> =
        generations_of_recorder(&state.join("recorder.db")).unwrap().iter().map(|one| one.number).collect();
    assert_eq!(left, numbers);
    let lines = log(&state);
    let records = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let on_record: Vec<u64> = records
        .filter(|record| record["type"] == "generation")
        .map(|record| record["number"].as_u64().unwrap())
        .collect();
    assert_eq!(on_record, [1, 2, 3, 3, 4]);
}
