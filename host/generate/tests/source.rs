//! The generated telemetry as the source reads it: every record becomes an event, labels name real events, and what is
//! broken on purpose becomes a dead letter.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use countersign_formats::{Record, format_by_name};
use countersign_generate::{Delivered, Delivery, Disorder, Preset, Telemetry, write_ndjson};
use countersign_model::{Account, Event};

#[expect(clippy::unwrap_used, clippy::panic, reason = "a helper of tests")]
fn events(preset: Preset) -> (countersign_generate::Generated, Vec<Event>) {
    let mut bytes = Vec::new();
    write_ndjson(preset.scenario(Telemetry::CloudTrail, 1, None).build().records, &mut bytes).unwrap();
    let records = format_by_name("cloudtrail").unwrap().read(Box::new(Cursor::new(bytes)), 0);
    let events = records
        .map(|record| match record {
            Record::Event { event, .. } => *event,
            Record::DeadLetter(letter) => panic!("{letter:?}"),
        })
        .collect();
    (preset.scenario(Telemetry::CloudTrail, 1, None).build(), events)
}

#[test]
fn every_record_becomes_an_event_with_an_id_of_its_own() {
    for preset in [Preset::Demo, Preset::AllAttacks, Preset::QuietDay] {
        let (_, events) = events(preset);
        let ids: BTreeSet<_> = events.iter().map(|event| (&event.tenant, &event.id)).collect();
        assert_eq!(ids.len(), events.len(), "{}", preset.id());
    }
}

#[test]
fn labels_name_events_of_their_accounts() {
    for preset in [Preset::Demo, Preset::AllAttacks, Preset::QuietDay] {
        let (generated, events) = events(preset);
        let by_id: BTreeMap<&str, &Event> = events.iter().map(|event| (&*event.id, event)).collect();
        for label in &generated.labels {
            let accounts: BTreeSet<Account> = label
                .events
                .iter()
                .map(|id| by_id.get(id.as_str()).unwrap_or_else(|| panic!("{}: no event `{id}`", label.name)))
                .filter_map(|event| event.actor.account.clone())
                .collect();
            assert!(accounts.contains(&label.account), "{}: {} is not among {accounts:?}", label.name, label.account);
            let expected = label.expected.iter().flat_map(|expected| &expected.events);
            assert!(expected.clone().all(|id| label.events.contains(id)), "{}", label.name);
        }
    }
}

#[test]
fn the_directory_knows_most_callers() {
    let (generated, events) = events(Preset::Demo);
    let directory = countersign_policy::Directory::parse(&generated.identities_toml).unwrap();
    let known = events.iter().filter_map(|event| event.actor.account.as_ref());
    let (known, unknown): (Vec<_>, Vec<_>) =
        known.partition(|account| directory.resolve(account, None, false).directory_id.is_some());
    assert!(known.len() > unknown.len(), "{} known, {} unknown", known.len(), unknown.len());
}

#[test]
fn what_is_broken_on_purpose_becomes_a_dead_letter_and_nothing_else_does() {
    let disorder = Disorder { bad: 20, duplicate: 10, ..Disorder::default() };
    let delivered: Vec<Delivered> =
        Preset::Demo.scenario(Telemetry::CloudTrail, 1, None).disorder(disorder).build().records.collect();
    let bad = delivered.iter().filter(|record| matches!(record.delivery, Delivery::Bad(_))).count();
    assert!(bad > 0);
    let mut bytes = Vec::new();
    write_ndjson(delivered, &mut bytes).unwrap();
    let records = format_by_name("cloudtrail").unwrap().read(Box::new(Cursor::new(bytes)), 0);
    let dead = records.filter(|record| matches!(record, Record::DeadLetter(_))).count();
    assert_eq!(dead, bad);
}
