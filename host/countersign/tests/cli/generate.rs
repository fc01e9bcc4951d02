//! `generate`: the same options give the same bytes, and labels name what is there.

use std::collections::BTreeSet;

use countersign_model::Timestamp;
use serde_json::Value;

use crate::support::{Folder, ndjson};

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let folder = Folder::new();
    let said = |words: &str| folder.cli(words).exits(0).stdout;
    let first = said("generate --events 200");
    assert_eq!(first, said("generate --events 200 --preset demo --seed 1"));
    assert_ne!(first, said("generate --events 200 --seed 2"));
    folder.generate("--events 200");
    assert_eq!(first, folder.read("events.ndjson"));
    let (identities, labels) = (folder.read("identities.toml"), folder.read("labels.ndjson"));
    folder.generate("--events 200");
    assert_eq!((identities, labels), (folder.read("identities.toml"), folder.read("labels.ndjson")));
}

#[test]
fn labels_name_records_that_are_there() {
    let folder = Folder::new();
    folder.generate("--preset all-attacks");
    let ids: BTreeSet<String> = ndjson(&folder.read("events.ndjson"))
        .iter()
        .map(|record| record["eventID"].as_str().unwrap().to_owned())
        .collect();
    let labels = ndjson(&folder.read("labels.ndjson"));
    assert_eq!(labels.iter().filter(|label| label["attack"] == true).count(), 9);
    for label in &labels {
        assert_eq!(label["type"], "label");
        let events = label["events"].as_array().unwrap();
        assert!(!events.is_empty() && events.iter().all(|event| ids.contains(event.as_str().unwrap())), "{label}");
    }
}

#[test]
fn records_can_come_as_one_object_and_untidily() {
    let folder = Folder::new();
    let object: Value = serde_json::from_str(&folder.cli("generate --events 700 --records").exits(0).stdout).unwrap();
    let lines = folder.cli("generate --events 700").exits(0).json();
    assert_eq!(object["Records"].as_array().unwrap(), &lines);

    let untidy =
        folder.cli("generate --events 700 --bad 100 --duplicate 100 --late 50 --receipt-times").exits(0).stdout;
    let times: Vec<Timestamp> = untidy
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|record| record["countersign.ingestTime"].as_str()?.parse().ok())
        .collect();
    assert!(times.is_sorted() && times.len() > lines.len(), "{}", times.len());
    assert!(untidy.lines().count() > times.len(), "no damaged copies");
}
