//! Context tables through the sandbox and the whole path: a guest gets all three kinds, in any batch; an audit file is
//! recomputed without the database; another file makes another generation.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use countersign_context::{Context, ContextFiles};
use countersign_formats::format_by_name;
use countersign_generation::{Generation, RuleFile, Settings};
use countersign_model::vocabulary::FieldId;
use countersign_model::{ContextState, DigestKey, Value};
use countersign_recompute::{RecomputeOptions, recompute};
use countersign_session::{Replay, SessionOptions, run};
use countersign_store::{AuditLog, Durability, Existing, FileStore};
use countersign_stream::Sequenced;

use crate::determinism::Collector;
use crate::support::{Judge, bytes, engine, event, found, guest, seen, settings};

pub(crate) const GEO: &str = "version = 1\nas-of = 2024-04-28\n[[location]]\nnetworks = [\"203.0.113.0/24\"]\ncountry = \"KP\"\n\
                   asn = 64496\n[[location]]\nnetworks = [\"198.51.100.0/24\"]\ncountry = \"SE\"\n";
const EGRESS: &str = "version = 1\nas-of = 2024-04-20\n[[egress]]\nname = \"a partner's proxy\"\nkind = \"partner\"\n\
                      networks = [\"203.0.113.64/26\"]\n";
const ROLES: &str = "version = 1\nas-of = 2024-04-20\n[[host]]\nhost = \"dc01\"\nroles = [\"domain-controller\"]\n";

pub(crate) fn files(geo: &str) -> ContextFiles {
    let mut files = ContextFiles::default();
    for (table, text) in [("geo", geo), ("egress", EGRESS), ("domain-roles", ROLES)] {
        files.add(table, table, text.into()).unwrap();
    }
    files
}

/// A row from an address, seconds after the beginning.
fn from(judge: &mut Judge, number: u64, address: &str) -> Sequenced {
    let mut row = judge.rows(&[("ConsoleLogin", "ALICE")]).remove(0);
    let mut event = event(number, ("ConsoleLogin", "ALICE"));
    event.class = countersign_model::vocabulary::EventClass::Authentication;
    if !address.is_empty() {
        event.fields.set(FieldId::SrcEndpointIp, Value::Address(address.parse().unwrap()));
    }
    if address.starts_with("192.") {
        event.fields.set(FieldId::SrcEndpointLocationCountry, Value::Text("NO".into()));
        event.fields.set(FieldId::SrcEndpointAutonomousSystemNumber, Value::Unsigned(64_500));
    }
    row.event = Arc::new(event);
    row
}

#[test]
fn a_guest_gets_tables_of_all_three_kinds_in_any_batch() {
    let judged = |size: usize| {
        let mut judge = Judge::new(guest("uses-context"));
        judge.stream = judge.stream.with_context(Arc::new(Context::new(files(GEO), None)));
        let addresses = ["203.0.113.7", "198.51.100.7", "203.0.113.70", "", "192.0.2.1", "203.0.113.7"];
        let rows: Vec<Sequenced> =
            addresses.iter().zip(0..).map(|(address, number)| from(&mut judge, number, address)).collect();
        rows.chunks(size).map(|rows| judge.stream.judge(&rows.iter().collect::<Vec<_>>())).collect::<Vec<_>>()
    };
    let whole = judged(6).remove(0);
    let beside = "beside 1 domain controllers";
    assert_eq!(
        found(&whole),
        [
            (0, &*format!("a call from KP (203.0.113.7) through no declared egress, {beside}")),
            (1, &*format!("a call from SE (198.51.100.7) through no declared egress, {beside}")),
            (2, &*format!("a call from KP (203.0.113.70) through a partner's proxy, {beside}")),
            (4, &*format!("a call from NO (192.0.2.1) through no declared egress, {beside}")),
            (5, &*format!("a call from KP (203.0.113.7) through no declared egress, {beside}")),
        ]
    );
    // The second's network isn't fully known: its ASN is missing. The others' are complete.
    use ContextState::{Complete, Missing};
    let states: Vec<_> = whole.findings.iter().map(|found| found.finding.context).collect();
    assert_eq!(states, [Complete, Missing, Complete, Complete, Complete]);
    assert_eq!(whole.disagreements.len(), 0);
    for size in [1, 2] {
        let mut all = judged(size);
        let mut first = all.remove(0);
        first.findings.extend(all.into_iter().flat_map(|outcome| outcome.findings));
        assert_eq!(seen(&first), seen(&whole), "in batches of {size}");
    }
}

fn generation(context: ContextFiles) -> Arc<Generation> {
    let rules = vec![RuleFile { name: "uses-context".to_owned(), bytes: bytes("uses-context").to_vec() }];
    let settings = Settings { context, ..settings() };
    let (generation, faults) = Generation::load(engine(), rules, settings);
    assert!(faults.is_empty(), "{faults:?}");
    generation
}

/// The sign-ins of a run from two networks, as an audit file.
fn audited(audit: &Path, context: ContextFiles, batch: usize) -> String {
    let record = |number: usize| {
        let address = ["203.0.113.7", "198.51.100.7", "203.0.113.70"][number % 3];
        format!(
            "{{\"eventVersion\":\"1.10\",\"userIdentity\":{{\"type\":\"IAMUser\",\"principalId\":\"AIDAEXAMPLE\",\
             \"accountId\":\"111122223333\",\"userName\":\"alice\"}},\"eventTime\":\"2024-05-01T09:00:{number:02}Z\",\
             \"eventSource\":\"signin.amazonaws.com\",\"eventName\":\"ConsoleLogin\",\"awsRegion\":\"us-east-1\",\
             \"sourceIPAddress\":\"{address}\",\"responseElements\":{{\"ConsoleLogin\":\"Success\"}},\
             \"eventID\":\"event-{number}\",\"eventType\":\"AwsConsoleSignIn\",\"recipientAccountId\":\"111122223333\"}}\n"
        )
    };
    let telemetry: String = (0..12).map(record).collect();
    let records = format_by_name("cloudtrail").unwrap().read(Box::new(Cursor::new(telemetry.into_bytes())), 0);
    let mut store = FileStore::create(audit, Existing::Refuse, Durability::Seal).unwrap();
    let options = SessionOptions { batch, workers: 1, key: DigestKey::public(), ..SessionOptions::default() };
    let report =
        run(records, &generation(context), &mut store, &options, Replay::default(), &mut Collector::default()).unwrap();
    assert_eq!((report.summary.events, report.summary.findings), (12, 12));
    store.seal().unwrap();
    fs::read_to_string(audit).unwrap()
}

#[test]
fn findings_with_context_are_recomputed_and_another_file_is_another_generation() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let first = audited(&path("first"), files(GEO), 256);
    assert_eq!(audited(&path("row by row"), files(GEO), 1), first);
    let generation = first.lines().nth(1).unwrap();
    for table in ["geo", "egress", "domain-roles"] {
        assert!(generation.contains(&format!("\"table\":\"{table}\"")), "{generation}");
    }
    let again = recompute(
        &AuditLog::open(&path("first")).unwrap(),
        &DigestKey::public(),
        engine(),
        &RecomputeOptions::default(),
        &mut |_, _| (),
    )
    .unwrap();
    assert_eq!((again.differences.len(), again.findings), (0, 12), "{:?}", again.differences);

    // The same locations with another date: nothing else differs, but the generation does.
    let other = audited(&path("other"), files(&GEO.replace("04-28", "04-29")), 256);
    assert_ne!(other.lines().nth(1), Some(generation));
    // Older than the rule's `max-age`: missing for every finding.
    let stale = audited(&path("stale"), files(&GEO.replace("2024-04-28", "2024-04-01")), 256);
    let missing = |audit: &str| audit.matches("\"context\":\"missing\"").count();
    assert_eq!((missing(&first), missing(&stale)), (4, 12));
}
