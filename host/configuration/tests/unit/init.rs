//! Tests of the files that `init` makes: they are valid as they stand.

use countersign_document::Document;
use countersign_inputs::Sources;
use countersign_policy::{Directory, Policy, Trust};

use super::*;
use crate::{Origin, Written, keys};

fn text(name: &str) -> String {
    files(false).into_iter().find(|file| file.name == name).unwrap().text
}

fn read(text: &str) -> Configuration {
    let written = Written { name: "countersign.toml", folder: "conf".as_ref(), text };
    Configuration::read(Some(written), &Overrides::default(), &|_| None).unwrap()
}

#[test]
fn only_what_is_needed_is_set() {
    let configuration = read(&text(CONFIGURATION));
    let set: Vec<(String, String)> = configuration
        .shown()
        .into_iter()
        .filter(|shown| shown.origin != Origin::Default)
        .map(|shown| (shown.key.place(), shown.value.to_string()))
        .collect();
    let set: Vec<(&str, &str)> = set.iter().map(|(place, value)| (place.as_str(), value.as_str())).collect();
    assert_eq!(
        set,
        [
            ("state", "\"conf/state\""),
            ("files.rules", "[\"conf/rules\"]"),
            ("files.trust", "\"conf/trust.toml\""),
            ("files.policy", "\"conf/policy.toml\""),
            ("files.identities", "\"conf/identities.toml\""),
            ("files.sources", "\"conf/sources.toml\""),
        ]
    );
}

#[test]
fn every_key_is_there_and_the_defaults_behind_a_mark_change_nothing() {
    let written = text(CONFIGURATION);
    // A comment that isn't a sentence is a key.
    let mut all = String::new();
    for line in written.lines() {
        let key = line
            .strip_prefix("# ")
            .filter(|rest| keys().iter().any(|key| rest.starts_with(&format!("{} = ", key.name))));
        all.push_str(key.unwrap_or(line));
        all.push('\n');
    }
    let whole = read(&all);
    let defaults = read("version = 1\n");
    for (shown, default) in whole.shown().into_iter().zip(defaults.shown()) {
        let place = shown.key.place();
        assert_eq!(shown.origin.kind(), "file", "{place}");
        let set = SET.iter().any(|(set, _)| *set == place);
        // The socket is below the state folder by default, and a path of the file where it is named.
        if !set && !default.value.is_null() && place != "api.socket" {
            assert_eq!(shown.value, default.value, "{place}");
        }
    }
}

#[test]
fn the_operators_files_are_valid_and_say_no_more_than_what_ships() {
    let policy = Policy::parse(&text("policy.toml")).unwrap();
    assert_eq!(policy.to_canonical(), Policy::shipped().unwrap().to_canonical());
    assert_eq!(Trust::parse(&text("trust.toml")).unwrap(), Trust::shipped().unwrap());
    assert!(Directory::parse(&text("identities.toml")).unwrap().identities().is_empty());
    assert_eq!(Sources::parse(&text("sources.toml")).unwrap().iter().count(), 0);
}

/// A text whose commented lines of TOML count, without the prose around them.
fn uncommented(text: &str) -> String {
    let toml = |line: &&str| line.starts_with('[') || line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
    let lines = text.lines().map(|line| line.strip_prefix("# ").filter(toml).unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_examples_are_valid_too() {
    Document::parse(&uncommented(&text("sources.toml")), 1 << 20).unwrap();
    assert_eq!(Sources::parse(&uncommented(&text("sources.toml"))).unwrap().iter().count(), 4);
    assert_eq!(Directory::parse(&uncommented(&text("identities.toml"))).unwrap().identities().len(), 2);
    let trust = Trust::parse(&uncommented(&text("trust.toml"))).unwrap();
    assert!(trust.publisher("acme").is_some() && trust.publisher("local").is_some());
}

#[test]
fn where_the_unit_serves_the_state_is_systemds() {
    let of_unit = files(true).into_iter().find(|file| file.name == CONFIGURATION).unwrap();
    assert_eq!(read(&of_unit.text).state.value.to_str(), Some("/var/lib/countersign"));
    assert!(of_unit.text.contains("\n# socket = \"/var/lib/countersign/api.sock\"\n"));
    assert!(of_unit.text.lines().all(|line| line.len() <= MAX_COLUMNS));
    let unit = text(UNIT);
    assert!(unit.contains("\nStateDirectory=countersign\n"));
    assert!(unit.contains(&format!(" run --config {UNIT_FOLDER}/{CONFIGURATION}\n")));
}
