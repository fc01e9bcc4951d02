//! A source whose records are forged, a thousand a second of event time, beside a true one: what is found in the true one
//! stays.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use countersign_formats::DeadLetter;
use countersign_generate::{Attack, scenario, write_ndjson};
use countersign_inputs::{Inputs, Reading, Sources};
use countersign_model::vocabulary::ActionClass;
use countersign_model::{ReasonCode, Timestamp};
use countersign_session::{DecisionLine, Notice, Observer, Replay, Session, SessionOptions, Summary, replay};
use countersign_store::MemoryStore;
use serde_json::{Value, json};

use crate::determinism::shipped_generation;
use crate::permissive::patience;

/// Forged records a second of event time.
const PER_SECOND: usize = 1_000;

const SOURCES: &str = r#"
version = 1

[[source]]
name = "trail"
format = "cloudtrail"
tenants = ["aws:*"]

[[source]]
name = "flood"
format = "cloudtrail"
tenants = ["aws:999900001111"]
"#;

/// Attacks within three minutes amid ordinary work.
fn genuine() -> String {
    let attacks = [Attack::StolenAccessKey, Attack::ConsoleLoginWithoutMfa, Attack::CredentialForAnother];
    let begin = scenario(7).ordinary(120, Duration::from_secs(180));
    let laid = attacks.into_iter().zip(0..).fold(begin, |scenario, (attack, number)| {
        scenario.attack_by(number, attack, Duration::from_secs(20 + u64::from(number) * 5))
    });
    let mut bytes = Vec::new();
    write_ndjson(laid.build().records, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn time(record: &Value) -> Timestamp {
    record["eventTime"].as_str().unwrap().parse().unwrap()
}

/// A forged record of a second, made of a genuine one.
fn forged(genuine: &Value, number: usize, now: Timestamp) -> Value {
    let mut record = genuine.clone();
    let mut set = |name: &str, value: Value| record[name] = value;
    if !number.is_multiple_of(8) {
        set("eventTime", json!(now.to_string()));
    }
    if number % 8 > 1 {
        set("eventID", json!(format!("forged-{number}")));
    }
    match number % 8 {
        // The record itself, and its id with another content.
        0 => {}
        1 => set("userAgent", json!("x".repeat(2_048))),
        // Other times: an hour, a week and years ahead, and long ago.
        2 => {
            set("eventTime", json!(now.plus_micros([3_600, 604_800, 1 << 31][number / 8 % 3] * 1_000_000).to_string()))
        }
        3 => set("eventTime", json!("1990-01-01T00:00:00Z")),
        4 => set("errorCode", json!("AccessDenied")),
        // A copy for somebody else, of an act of the same name.
        5 => {
            set("sharedEventID", json!("shared"));
            set("recipientAccountId", json!("999900001111"));
        }
        // Accounts and addresses without end.
        6 => set(
            "userIdentity",
            json!({"type": "IAMUser", "principalId": format!("AIDA{number}"), "accountId": "111122223333"}),
        ),
        _ => set("sourceIPAddress", json!(format!("203.0.{}.{}", number / 256 % 256, number % 256))),
    }
    record
}

fn flood(records: &[Value]) -> String {
    let (first, last) = (time(&records[0]), time(&records[records.len() - 1]));
    let seconds = usize::try_from(last.micros_since(first) / 1_000_000).unwrap();
    let mut text = String::new();
    for number in 0..seconds * PER_SECOND {
        let now = first.plus_micros(i64::try_from(number / PER_SECOND).unwrap() * 1_000_000);
        text.push_str(&forged(&records[number % records.len()], number, now).to_string());
        text.push('\n');
    }
    text
}

/// Decisions, by what they say of the attack.
#[derive(Default)]
struct Decided {
    /// How often each was made.
    lines: BTreeMap<String, usize>,
    /// Those past observing that a source which isn't bound has part in, but not limited for it.
    harmful: Vec<String>,
    notices: Vec<String>,
}

impl Observer for Decided {
    fn decision(&mut self, _: u64, line: &DecisionLine) -> io::Result<()> {
        let DecisionLine { rule, event_id, identity, confidence, message, evidence, decision, action, .. } = line;
        let text =
            format!("{rule} {event_id} {identity:?} {confidence} {message} {evidence:?} {decision:?} {action:?}");
        let forged = evidence.iter().any(|id| id.starts_with("forged-"));
        let limited = line.reasons.iter().any(|reason| reason.code == ReasonCode::SourceNotBound);
        if forged && !limited && action.is_some_and(|action| action.class() > ActionClass::Observe) {
            self.harmful.push(text.clone());
        }
        *self.lines.entry(text).or_default() += 1;
        Ok(())
    }

    fn dead_letter(&mut self, _: u64, _: &DeadLetter) -> io::Result<()> {
        Ok(())
    }

    fn notice(&mut self, _: u64, notice: &Notice) -> io::Result<()> {
        self.notices.push(serde_json::to_string(notice)?);
        Ok(())
    }
}

/// Plays files, each as `NAME=PATH`.
fn played(paths: &[PathBuf]) -> (Decided, Summary, Duration) {
    let sources = Sources::parse(SOURCES).unwrap();
    let mut inputs = Inputs::open(paths, Reading::Sources(&sources)).ok().unwrap();
    assert!(inputs.turn().is_empty() && inputs.turned().next().is_none());
    let count = u32::try_from(inputs.len()).unwrap();
    let options = SessionOptions { patience: patience(&sources), ..SessionOptions::default() };
    let (mut store, mut decided) = (MemoryStore::without_blobs(), Decided::default());
    let generation = shipped_generation(None);
    let started = Instant::now();
    let session = Session::resume(&mut store, generation, options, &mut decided).unwrap();
    let report = replay(session, inputs.records().unwrap(), Replay { inputs: count, until: None }).unwrap();
    (decided, report.summary, started.elapsed())
}

fn named(name: &str, path: &Path) -> PathBuf {
    PathBuf::from(format!("{name}={}", path.display()))
}

#[test]
fn what_is_found_in_a_true_source_stays_beside_a_flood_of_forged_records() {
    let folder = tempfile::tempdir().unwrap();
    let (trail, forged) = (folder.path().join("trail.ndjson"), folder.path().join("flood.ndjson"));
    let text = genuine();
    let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    fs::write(&trail, &text).unwrap();
    fs::write(&forged, flood(&records)).unwrap();

    let (alone, summary, took) = played(&[named("trail", &trail)]);
    let (beside, flooded, took_flooded) = played(&[named("flood", &forged), named("trail", &trail)]);
    let per_record = |took: Duration, summary: &Summary| {
        took.as_secs_f64() * 1e6 / (summary.events + summary.duplicates + summary.set_aside) as f64
    };
    println!(
        "{} records alone: {:.1} µs each; {} beside a flood: {:.1} µs each; {} dead letters, {} redelivered",
        summary.events,
        per_record(took, &summary),
        flooded.events,
        per_record(took_flooded, &flooded),
        flooded.set_aside,
        flooded.duplicates,
    );
    println!("findings alone: {:?}, beside: {:?}", summary.findings_by_rule, flooded.findings_by_rule);
    assert!(summary.findings >= 3, "{:?}", summary.findings_by_rule);
    assert!(flooded.events > 50 * summary.events, "{}", flooded.events);
    for (line, count) in &alone.lines {
        let got = beside.lines.get(line).copied().unwrap_or_default();
        assert!(got >= *count, "lost beside the flood: {line}");
    }
    assert_eq!(beside.harmful, Vec::<String>::new());
    assert_eq!(alone.notices, Vec::<String>::new());
    assert!(flooded.silenced.is_empty(), "{:?}", beside.notices);
}
