//! Real telemetry of Windows: every record becomes an event, and accounts agree with rules written anew here from the
//! definitions, over plain JSON values, without a line of the normaliser's.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, which clippy takes for other code")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use countersign_formats::{Auto, Format, Record, WindowsSecurity};
use countersign_model::vocabulary::FieldId;
use countersign_model::{Event, Value as Field};
use serde_json::Value;

fn data() -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/windows-security.ndjson");
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: {} is absent", path.display());
    None
}

fn events(source: &dyn Format, path: &std::path::Path) -> Vec<(Box<Event>, bool)> {
    source
        .read(Box::new(std::fs::File::open(path).unwrap()), 0)
        .map(|record| match record {
            Record::Event { event, has_receipt_time, .. } => (event, has_receipt_time),
            Record::DeadLetter(letter) => panic!("dead letter: {letter:?}"),
        })
        .collect()
}

fn raw(path: &std::path::Path) -> Vec<Value> {
    let bytes = std::fs::read(path).unwrap();
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

/// The actor's account by the definitions: whose SID, of which tenant.
fn by_the_definitions(record: &Value) -> Option<String> {
    let id = record["EventID"].as_u64().unwrap();
    let sid = match id {
        4624 | 4625 | 4634 => &record["TargetUserSid"],
        4648 | 4662 | 4672 | 4742 => &record["SubjectUserSid"],
        4768 => &record["TargetSid"],
        // They name accounts without a SID, or none at all.
        4769 | 4770 | 4776 | 412 | 501 => return None,
        other => panic!("no rule for {other}"),
    };
    let sid = sid.as_str()?;
    let host = record["Hostname"].as_str()?.to_lowercase();
    if sid.starts_with("S-1-5-21-") {
        return Some(format!("windows:{}:{sid}", sid.rsplit_once('-')?.0));
    }
    let of_the_machine = matches!(sid, "S-1-5-18" | "S-1-5-19" | "S-1-5-20")
        || ["S-1-5-90-", "S-1-5-96-"].iter().any(|prefix| sid.starts_with(prefix));
    of_the_machine.then(|| format!("windows:{host}:{sid}"))
}

#[test]
fn the_real_file_comes_out_as_the_definitions_say() {
    let Some(path) = data() else { return };
    let (events, raw) = (events(&WindowsSecurity, &path), raw(&path));
    assert_eq!((events.len(), raw.len()), (2_443, 2_443));

    let mut kinds: BTreeMap<(u64, u32), usize> = BTreeMap::new();
    let mut resolved: BTreeMap<bool, usize> = BTreeMap::new();
    for (place, ((event, has_receipt_time), raw)) in events.iter().zip(&raw).enumerate() {
        let account = event.actor.account.as_ref().map(ToString::to_string);
        assert_eq!(account, by_the_definitions(raw), "record {place}: {raw}");
        *resolved.entry(account.is_some()).or_default() += 1;
        *kinds.entry((raw["EventID"].as_u64().unwrap(), event.class.uid())).or_default() += 1;
        assert!(!event.actor.authenticated || account.is_some());
        assert!(!event.actor.authenticated || raw["EventID"] != 4625);

        // `TimeCreated` is right; `EventTime` is local time of a collector that is hours behind.
        match raw["TimeCreated"].as_str() {
            Some(created) => {
                assert_eq!(
                    event.time,
                    format!("{}Z", created.trim_end_matches('Z').replace(' ', "T")).parse().unwrap()
                );
                assert!(!has_receipt_time, "{raw}");
            }
            None => {
                let received: countersign_model::Timestamp = raw["@timestamp"].as_str().unwrap().parse().unwrap();
                let lag = received.micros_since(event.time);
                assert!(*has_receipt_time && event.ingest_time == received);
                assert!((0..15 * 60 * 1_000_000).contains(&lag), "record {place}: {lag}");
            }
        }
        for (field, value) in event.fields.iter() {
            assert_ne!(*value, Field::WrongType, "record {place}: {}", field.path);
        }
    }
    println!("events by number and class: {kinds:?}; resolved: {resolved:?}");
    let counts: Vec<(u64, usize)> = kinds.into_iter().map(|((id, _), count)| (id, count)).collect();
    let expected = [
        (412, 1),
        (501, 2),
        (4624, 870),
        (4625, 20),
        (4634, 601),
        (4648, 47),
        (4662, 36),
        (4672, 755),
        (4742, 1),
        (4768, 9),
        (4769, 61),
        (4770, 12),
        (4776, 28),
    ];
    assert_eq!(counts, expected);

    let ids: std::collections::BTreeSet<(&str, &str)> =
        events.iter().map(|(event, _)| (&*event.tenant, &*event.id)).collect();
    assert_eq!(ids.len(), events.len(), "ids are unique, also those of two records of the same bytes");
}

#[test]
fn replication_and_the_federation_service_can_be_told() {
    let Some(path) = data() else { return };
    let events = events(&WindowsSecurity, &path);
    let asked = |event: &Event, guid: &str| matches!(event.fields.get(FieldId::WinObjectProperties), Some(Field::TextList(guids)) if guids.iter().any(|known| &**known == guid));
    let changes = events.iter().filter(|(event, _)| asked(event, "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2")).count();
    let all = events.iter().filter(|(event, _)| asked(event, "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2")).count();
    assert_eq!((changes, all), (5, 1));
    let federation: Vec<&str> = events
        .iter()
        .filter(|(event, _)| event.fields.text(FieldId::MetadataProductName) == Some("AD FS Auditing"))
        .inspect(|(event, _)| {
            assert_eq!(event.fields.text(FieldId::DeviceHostname), Some("ADFS01.blacksmith.local"));
            assert!(event.actor.account.is_none());
        })
        .filter_map(|(event, _)| event.fields.text(FieldId::MetadataEventCode))
        .collect();
    assert_eq!(federation.len(), 3);
    assert_eq!(federation.iter().filter(|code| **code == "412").count(), 1);
}

#[test]
fn auto_gives_the_very_same_events() {
    let Some(path) = data() else { return };
    let (named, recognised) = (events(&WindowsSecurity, &path), events(&Auto, &path));
    assert_eq!(named.len(), recognised.len());
    for (named, recognised) in named.iter().zip(&recognised) {
        assert_eq!(format!("{named:?}"), format!("{recognised:?}"));
    }
}
