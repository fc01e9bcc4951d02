//! Which events change places, and which mustn't.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use countersign_declaration::parse_toml;
use countersign_formats::format_by_name;

use super::*;

/// API calls by an actor, at a second of one hour.
fn records(calls: &[(&str, u32)]) -> Vec<Record> {
    let line = |(number, (actor, second)): (usize, &(&str, u32))| {
        let (minute, second) = (second / 60, second % 60);
        format!(
            r#"{{"eventVersion":"1.08","eventID":"e-{number}","eventTime":"2026-03-02T09:{minute:02}:{second:02}Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","recipientAccountId":"111122223333","userIdentity":{{"type":"IAMUser","principalId":"{actor}","accountId":"111122223333","arn":"arn:aws:iam::111122223333:user/{actor}"}}}}"#
        )
    };
    let text: Vec<String> = calls.iter().enumerate().map(line).collect();
    let bytes = std::io::Cursor::new(text.join("\n").into_bytes());
    format_by_name("cloudtrail").unwrap().read(Box::new(bytes), 0).collect()
}

fn declaration(key: &str) -> Declaration {
    let text = format!(
        "id = \"example/rule\"\nversion = \"1.0.0\"\nkind = \"detection\"\ndescription = \"For a test.\"\n\
         identity-types = [\"human\"]\nconfidence-floor = 50\nactions = [\"notify\"]\nsignal-classes = [\"token\"]\n\
         event-classes = [\"api-activity\"]\nfields = [\"api.operation\"]\npartition-key = \"{key}\"\n"
    );
    parse_toml(&text).unwrap_or_else(|refusals| panic!("{refusals:#?}"))
}

/// The ids of each order, by their numbers.
fn ids(orders: &[Order]) -> Vec<String> {
    let id = |record: &Record| match record {
        Record::Event { event, .. } => event.id.trim_start_matches("e-").to_owned(),
        Record::DeadLetter(letter) => panic!("{letter:?}"),
    };
    orders.iter().map(|order| order.records.iter().map(id).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn events_of_one_key_stay_in_order_and_others_change_places() {
    let calls = [("A", 0), ("A", 1), ("B", 2), ("A", 3), ("B", 4), ("C", 5)];
    let orders = orders(&records(&calls), [declaration("actor")].iter());
    let shown = ids(&orders);
    assert_eq!(shown[0], "0 5 2 4 1 3", "the first moves as far forward as it can");
    assert_eq!(orders[0].shown, "`e-5` before `e-1`, 4 events moved");
    assert!(shown.len() > 2, "{shown:?}");
    for order in &shown {
        let at = |id: &str| order.split(' ').position(|other| other == id).unwrap();
        assert!(at("0") == 0 && at("1") < at("3") && at("2") < at("4"), "{order}");
    }
}

#[test]
fn no_event_crosses_a_tick_or_becomes_late() {
    // Events 3 and 6 bring ticks; 5 is late, and wouldn't be late before 3.
    let calls = [("A", 400), ("B", 401), ("C", 402), ("D", 470), ("E", 471), ("F", 100), ("G", 540), ("H", 541)];
    let given = records(&calls);
    let before = Sequence::of(&given);
    assert_eq!((before.ticks.len(), before.events[&(0, 5)]), (2, (1, true)));
    let shown = ids(&orders(&given, [declaration("actor")].iter()));
    assert_eq!(shown, ["0 2 1 3 4 5 6 7"]);
}

#[test]
fn events_with_one_key_for_any_rule_are_related_and_keyless_ones_are_not() {
    let calls = [("A", 0), ("B", 1), ("C", 2)];
    let by = |keys: &[&str]| {
        let rules: Vec<Declaration> = keys.iter().map(|key| declaration(key)).collect();
        orders(&records(&calls), rules.iter()).len()
    };
    assert_eq!(by(&["actor"]), 1);
    assert_eq!(by(&["actor", "tenant"]), 0, "they have one tenant");
    // None of the calls has a source address, so none has a key.
    assert_eq!(by(&["source-ip"]), 1);
}
