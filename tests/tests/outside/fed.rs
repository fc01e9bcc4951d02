//! A rule that sets timers and one that its findings feed, in the sandbox: their results don't depend on how the work is
//! divided, are recomputed from the audit file, and have the authority of both rules.

use std::io::Cursor;
use std::sync::Arc;

use countersign_admission::sections;
use countersign_audit::Record;
use countersign_casework::bundle::FindingBundle;
use countersign_declaration::Subscription;
use countersign_formats::format_by_name;
use countersign_generation::{Generation, LoadFault, LoadReason, RuleFile, Settings, SubscriptionFault};
use countersign_model::DigestKey;
use countersign_model::vocabulary::{Action, SignalClass};
use countersign_policy::{DEFAULT_POLICY, Directory, Policy, SourceFile, Trust};
use countersign_recompute::{RecomputeOptions, recompute};
use countersign_session::{Replay, SessionOptions, run};
use countersign_store::{AuditLog, Durability, Existing, FileStore, MemoryStore, Stored as _};

use crate::determinism::{Collector, judge};
use crate::handmade::{DECLARATION, FINDING, HONEST, Parts, component, module};
use crate::support::{NEVER, admitted, bytes, engine, shipped};

const MINUTE: i64 = 60;

/// 2024-05-01T08:00:00Z.
const BEGIN: i64 = 1_714_550_400;

/// A console sign-in, or a call that moves the clock, so many seconds after the beginning.
pub(crate) fn record(second: i64, user: u32, what: &str) -> String {
    let time = countersign_model::Timestamp((BEGIN + second) * 1_000_000);
    let (source, name, kind, outcome) = match what {
        "clock" => ("s3.amazonaws.com", "ListBuckets", "AwsApiCall", String::new()),
        _ => {
            let outcome = format!(r#","responseElements":{{"ConsoleLogin":"{what}"}}"#);
            ("signin.amazonaws.com", "ConsoleLogin", "AwsConsoleSignIn", outcome)
        }
    };
    let error = if what == "Failure" { r#","errorMessage":"Failed authentication""# } else { "" };
    format!(
        r#"{{"eventVersion":"1.10","userIdentity":{{"type":"IAMUser","principalId":"AIDAEXAMPLE{user:04}","arn":"arn:aws:iam::111122223333:user/u{user}","accountId":"111122223333","userName":"u{user}"}},"eventTime":"{time}","eventSource":"{source}","eventName":"{name}","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.{user}"{error}{outcome},"eventID":"{second}-{user}","eventType":"{kind}","recipientAccountId":"111122223333"}}"#
    )
}

/// Twenty people fail to sign in, twice each; some succeed afterwards. The same an hour later, and once at the very end.
/// Some records come late.
pub(crate) fn telemetry() -> Vec<u8> {
    let mut records = Vec::new();
    for hour in [0, 60 * MINUTE] {
        for user in 1..=20 {
            let at = hour + i64::from(user) * 7;
            records.push((at, user, "Failure"));
            records.push((at + 30, user, "Failure"));
            if user % 3 == 0 {
                records.push((at + 45, user, "Success"));
            }
        }
    }
    records.extend((0..100).map(|minute| (minute * MINUTE + 1, 99, "clock")));
    records.push((100 * MINUTE, 7, "Failure"));
    records.sort_unstable();
    // One of 0:30 comes eight minutes late, when its timer's time has not come yet, and one twenty, when it has.
    let mut moved = |second: i64, user: u32, to: i64| {
        let place = records.iter().position(|one| (one.0, one.1) == (second, user)).unwrap();
        let one = records.remove(place);
        let place = records.iter().position(|one| one.0 >= to).unwrap();
        records.insert(place, one);
    };
    moved(4 * 7 + 30, 4, 9 * MINUTE);
    moved(5 * 7 + 30, 5, 20 * MINUTE);
    let lines: Vec<String> = records.into_iter().map(|(second, user, what)| record(second, user, what)).collect();
    (lines.join("\n") + "\n").into_bytes()
}

pub(crate) fn load(rules: &[(&str, &[u8])], policy: &str) -> (Arc<Generation>, Vec<LoadFault>) {
    load_under(countersign_tests::TRUST, rules, policy)
}

/// The same under a `trust.toml`.
pub(crate) fn load_under(trust: &str, rules: &[(&str, &[u8])], policy: &str) -> (Arc<Generation>, Vec<LoadFault>) {
    let rules = rules.iter().map(|(name, bytes)| RuleFile { name: (*name).to_owned(), bytes: bytes.to_vec() });
    let policy = format!("{DEFAULT_POLICY}{policy}");
    let settings = Settings {
        trust: SourceFile::parse("trust", trust, Trust::parse).unwrap(),
        policy: SourceFile::parse("policy", policy, Policy::parse).unwrap(),
        directory: Some(SourceFile::parse("identities", "", Directory::parse).unwrap()),
        ..Settings::shipped().unwrap()
    };
    Generation::load(engine(), rules.collect(), settings)
}

/// The two rules, another feeder without findings here, and a response rule.
pub(crate) fn generation(policy: &str) -> Arc<Generation> {
    let rules = [
        ("example/uses-findings", bytes("uses-findings")),
        ("example/uses-a-timer", bytes("uses-a-timer")),
        ("countersign/burst-of-denied-calls", shipped("burst-of-denied-calls")),
        ("countersign/graduated-containment", shipped("graduated-containment")),
    ];
    let (generation, faults) = load(&rules, policy);
    assert!(faults.is_empty(), "{faults:?}");
    generation
}

/// The findings of a rule in an audit file: the occasion and the event.
fn found(audit: &[u8], rule: &str) -> Vec<(String, String)> {
    countersign_audit::read(audit)
        .filter_map(|entry| match entry.unwrap().record {
            countersign_audit::Record::Finding(finding) if finding.rule.as_str() == rule => {
                Some((finding.occasion.to_string(), finding.event_id))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn timers_and_findings_do_not_depend_on_batches_or_workers() {
    let (telemetry, generation) = (telemetry(), generation(""));
    let first = judge(&telemetry, &generation, 256, 1, NEVER);
    let silences = found(&first.audit, "example/uses-a-timer");
    let repeated = found(&first.audit, "example/uses-findings");
    // People who succeeded after failing aren't found; the others are, once an hour, and the second time by the other rule.
    assert!(silences.len() >= 28 && silences.iter().all(|(occasion, _)| occasion.starts_with("the timer `silence`")));
    assert!(repeated.len() >= 13, "{repeated:?}");
    assert!(repeated.iter().all(|(occasion, _)| occasion.starts_with("finding ") && occasion.contains("uses-a-timer")));
    // The one at the very end is pending, and stored.
    assert!(first.summary.contains(r#""pending_timers":{"example/uses-a-timer":1}"#), "{}", first.summary);
    assert_eq!(first.snapshot.timers.len(), 1, "{:?}", first.snapshot.timers);
    for (batch, workers) in [(1, 1), (1, 2), (7, 1), (7, 2), (256, 2)] {
        let other = judge(&telemetry, &generation, batch, workers, NEVER);
        let which = format!("batch {batch}, workers {workers}");
        assert_eq!((&first.output, &first.summary), (&other.output, &other.summary), "{which}");
        assert!(first.audit == other.audit && first.snapshot == other.snapshot, "{which}");
    }
}

#[test]
fn findings_on_timers_and_of_subscribers_are_recomputed() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit");
    let options = SessionOptions { key: DigestKey::public(), quarantine: NEVER, ..SessionOptions::default() };
    let records = format_by_name("cloudtrail").unwrap().read(Box::new(Cursor::new(telemetry())), 0);
    let mut store = FileStore::create(&audit, Existing::Refuse, Durability::Seal).unwrap();
    let report =
        run(records, &generation(""), &mut store, &options, Replay::default(), &mut Collector::default()).unwrap();
    store.seal().unwrap();
    drop(store);
    let result = recompute(
        &AuditLog::open(&audit).unwrap(),
        &DigestKey::public(),
        engine(),
        &RecomputeOptions::default(),
        &mut |_, _| (),
    )
    .unwrap();
    assert_eq!(result.differences, []);
    assert_eq!(result.findings, report.summary.findings);
    assert!(result.findings > 40, "{result:?}");
}

/// A rule has no more authority, and no more confidence, than those that feed it.
#[test]
fn a_rule_is_limited_by_its_feeders() {
    let generation = generation("\n[rule.\"example/uses-a-timer\"]\ncap = 20\n");
    let rule = generation.rule(&"example/uses-findings".parse().unwrap()).unwrap();
    let lineage: Vec<&str> = rule.authority.lineage.iter().map(|rule| rule.as_str()).collect();
    assert_eq!(lineage, ["countersign/burst-of-denied-calls", "example/uses-a-timer"]);
    assert!(rule.authority.actions.contains(&Action::RevokeSessions), "it declares what its feeder doesn't");
    let results = judge(&telemetry(), &generation, 256, 1, NEVER);
    let lines: Vec<serde_json::Value> = results
        .output
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &serde_json::Value| line["rule"] == "example/uses-findings" && line["type"] == "decision")
        .collect();
    assert!(lines.len() >= 13);
    for line in lines {
        assert_eq!(line["confidence"], 20, "{line}");
        assert_ne!(line["action"], "revoke-sessions", "{line}");
    }
}

#[test]
fn a_subscription_that_cannot_be_served_is_refused_and_the_others_load() {
    let rules = [
        ("a.wasm", bytes("uses-findings")),
        ("b.wasm", bytes("uses-a-timer")),
        ("c.wasm", shipped("graduated-containment")),
    ];
    let (generation, faults) = load(&rules, "");
    let ids: Vec<&str> = generation.detections.iter().map(|rule| rule.identity.id.as_str()).collect();
    assert_eq!((ids, generation.responses.len()), (vec!["example/uses-a-timer"], 1));
    let [fault] = faults.as_slice() else { panic!("{faults:?}") };
    let LoadReason::Subscriptions(reasons) = &fault.reason else { panic!("{fault}") };
    assert!(matches!(reasons.as_slice(), [SubscriptionFault::Unknown(_)]), "{reasons:?}");
    assert_eq!(
        fault.to_string(),
        "a.wasm: what it subscribes to can't be served\n  subscribes to `countersign/burst-of-denied-calls`, which \
         isn't loaded: load it too, or correct the id"
    );
    // Nor if the operator has switched it off.
    let all = [rules[0], rules[1], ("d.wasm", shipped("burst-of-denied-calls"))];
    let (_, faults) = load(&all, "\n[rule.\"countersign/burst-of-denied-calls\"]\nenabled = false\n");
    assert!(faults[0].to_string().ends_with("which the policy switches off"), "{}", faults[0]);
}

/// A rule that contradicts itself is suspect, and so are the findings that it feeds.
#[test]
fn a_suspect_rule_makes_those_that_it_feeds_suspect() {
    let subscriber = admitted(bytes("uses-findings"));
    let mut declaration = subscriber.declaration().clone();
    declaration.subscribes =
        vec![Subscription { rule: "hostile/raw".parse().unwrap(), classes: vec![SignalClass::Privilege] }];
    let subscriber = sections::attach(subscriber.component(), &declaration, subscriber.data()).unwrap();
    // Finds something on the first row of every batch.
    let feeder = module(Parts { evaluate: "i32.const 128", more: FINDING, ..HONEST });
    let declared = DECLARATION.replace("\n[limits]", "partition-key = \"actor\"\n\n[limits]");
    let feeder = component(feeder, &declared);
    let rules = [("feeder", &*feeder), ("subscriber", &*subscriber)];
    let (generation, faults) = load(&rules, "");
    assert!(faults.is_empty(), "{faults:?}");
    let telemetry: String = (0..6).map(|second| record(second, 1, "clock") + "\n").collect();
    let records = format_by_name("cloudtrail").unwrap().read(Box::new(Cursor::new(telemetry)), 0);
    let mut store = MemoryStore::new();
    run(records, &generation, &mut store, &SessionOptions::default(), Replay::default(), &mut Collector::default())
        .unwrap();
    let mut suspect = 0;
    let mut contradicts = false;
    for entry in countersign_audit::read(store.audit()) {
        match entry.unwrap().record {
            Record::NotDeterministic(found) => contradicts |= found.rule.as_str() == "hostile/raw",
            Record::Finding(finding) if finding.rule.as_str() == "example/uses-findings" => {
                let bundle = FindingBundle::read(&finding, |name| store.blob(name).unwrap().ok_or("no such blob"));
                assert!(bundle.unwrap().rule_suspect);
                suspect += 1;
            }
            _ => {}
        }
    }
    assert!(contradicts && suspect >= 4, "{contradicts}, {suspect}");
}
