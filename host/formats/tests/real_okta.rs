//! Sample logs of other people's detections: every Okta one becomes an event, with the class, time, id and actor that
//! plain JSON says, read without a line of the normaliser's.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy takes for other code"
)]

#[path = "summary/mod.rs"]
mod summary;

use std::collections::BTreeMap;
use std::path::PathBuf;

use countersign_formats::Okta;
use countersign_model::Event;
use countersign_model::vocabulary::FieldId;
use serde_json::Value;
use summary::event_of;

/// The sample logs and the name of each one's test; none where the file is absent.
fn logs() -> Option<Vec<(String, Value)>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/panther-cases.ndjson");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is absent", path.display());
        return None;
    };
    let cases = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut logs = Vec::new();
    for case in cases.filter(|case| case["source"] == "okta") {
        for test in case["tests"].as_array().unwrap() {
            logs.push((format!("{} / {}", case["rule_id"], test["name"]), test["log"].clone()));
        }
    }
    Some(logs)
}

/// A member by its name in lower case.
fn top<'v>(log: &'v Value, name: &str) -> &'v Value {
    log.as_object()
        .unwrap()
        .iter()
        .find(|(known, _)| known.to_lowercase() == name)
        .map_or(&Value::Null, |(_, value)| value)
}

fn expected_class(event_type: &str) -> u32 {
    let begins = |beginnings: &[&str]| beginnings.iter().any(|beginning| event_type.starts_with(beginning));
    if begins(&["user.session.impersonation."]) {
        3003
    } else if begins(&["user.session.", "user.authentication.", "policy.evaluate_sign_on", "app.oauth2."]) {
        3002
    } else if begins(&["user.account.privilege.", "group.privilege."]) {
        3005
    } else if begins(&["user.account.", "user.mfa.factor.", "system.api_token."]) {
        3001
    } else if begins(&["application.lifecycle.", "system.idp."]) {
        3004
    } else {
        6003
    }
}

#[test]
fn every_sample_log_becomes_the_event_that_it_says() {
    let Some(logs) = logs() else { return };
    assert_eq!(logs.len(), 43);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, log) in &logs {
        let event: Box<Event> = event_of(&Okta, &log.to_string());
        let event_type = top(log, "eventtype").as_str().unwrap();
        assert_eq!(event.fields.text(FieldId::MetadataEventCode), Some(event_type), "{name}");
        assert_eq!(event.class.uid(), expected_class(event_type), "{name}: {event_type}");
        match top(log, "published").as_str() {
            Some(published) => {
                let seconds = published.replace(' ', "T");
                assert!(event.time.to_string().starts_with(&seconds[..19]), "{name}: {published} {}", event.time);
            }
            None => assert_eq!(event.time.micros(), 0, "{name}"),
        }
        match top(log, "uuid").as_str() {
            Some(uuid) => assert_eq!(&*event.id, uuid, "{name}"),
            None => assert!(event.id.starts_with("sha256-"), "{name}"),
        }
        let actor = top(log, "actor");
        let account = event.actor.account.as_ref().map(ToString::to_string);
        if actor["type"] == "IP address" {
            assert_eq!(account, None, "{name}");
        } else {
            assert_eq!(account, Some(format!("okta:org:{}", actor["id"].as_str().unwrap())), "{name}");
        }
        let failed = matches!(top(log, "outcome")["result"].as_str(), Some("FAILURE" | "DENY" | "CHALLENGE"));
        assert!(!(event.class.uid() == 3002 && failed && event.actor.authenticated), "{name}");
        let geolocation = &top(log, "client")["geographicalContext"]["geolocation"];
        for (field, member) in [(FieldId::SrcEndpointLocationLat, "lat"), (FieldId::SrcEndpointLocationLong, "lon")] {
            let expected = geolocation[member].as_f64().map(countersign_model::Value::Float);
            assert_eq!(event.fields.get(field), expected.as_ref(), "{name}");
        }
        for (what, field) in [
            ("coordinates", FieldId::SrcEndpointLocationLat),
            ("network", FieldId::SrcEndpointAutonomousSystemNumber),
            ("session", FieldId::ActorSessionUid),
            ("system", FieldId::DeviceOsName),
            ("device", FieldId::DeviceUid),
        ] {
            *counts.entry(what).or_default() += usize::from(event.fields.get(field).is_some());
        }
    }
    println!("{} sample logs; with {counts:?}", logs.len());
    assert_eq!(counts["coordinates"], 28);
}
