//! Real telemetry, where available: what the shipped rules find in it and what they don't, and its recomputation.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign_audit::{Record as Entry, read};
use countersign_formats::{Records, format_by_name};
use countersign_generate::{Preset, Telemetry, write_ndjson};
use countersign_generation::Generation;
use countersign_model::{DigestKey, Timestamp};
use countersign_recompute::{RecomputeOptions, recompute};
use countersign_session::{Replay, SessionOptions, Summary, run};
use countersign_store::{AuditLog, MemoryStore};
use serde_json::Value;

use crate::determinism::{Collector, shipped_generation};
use crate::sessions::Backend;
use crate::support::engine;

/// A file of the shared data; none, with a note, where it is absent.
fn data(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: {} is absent", path.display());
    None
}

/// A finding's rule, event and confidence.
type FindingSummary = (String, String, u8);

fn judge(records: Records, generation: &Arc<Generation>, until: Option<Timestamp>) -> (Summary, Vec<FindingSummary>) {
    let mut store = MemoryStore::new();
    let options = SessionOptions::default();
    let replay = Replay { inputs: 1, until };
    let report = run(records, generation, &mut store, &options, replay, &mut Collector::default()).unwrap();
    let found = read(store.audit()).filter_map(|entry| match entry.unwrap().record {
        Entry::Finding(finding) => Some((finding.rule.name().to_owned(), finding.event_id, finding.confidence)),
        _ => None,
    });
    (report.summary, found.collect())
}

#[test]
fn the_attacks_in_the_windows_file_are_found_and_nothing_else() {
    let Some(path) = data("windows-security.ndjson") else { return };
    let generation = shipped_generation(None);
    for name in ["windows-security", "auto"] {
        let (summary, found) =
            judge(format_by_name(name).unwrap().read(Box::new(File::open(&path).unwrap()), 0), &generation, None);
        assert_eq!((summary.set_aside, summary.rows_set_aside.len()), (0, 0), "{name}");
        let mut by_rule: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
        found.iter().for_each(|(rule, _, confidence)| by_rule.entry(rule).or_default().push(*confidence));
        let replicated = by_rule.remove("dcsync").unwrap_or_default();
        let exported = by_rule.remove("ad-fs-signing-material-exported").unwrap_or_default();
        assert!(!replicated.is_empty() && !exported.is_empty(), "{name}: {found:?}");
        // At most one false finding per thousand events; each is printed.
        let others: usize = by_rule.values().map(Vec::len).sum();
        println!("{name}: {} events; dcsync {replicated:?}, AD FS {exported:?}; others {by_rule:?}", summary.events);
        assert!(others as u64 * 1_000 <= summary.events, "{name}: {by_rule:?}");
    }
}

/// Third-party detections with the meaning of one of these rules, and the rule.
const SAME_MEANING: &[(&str, &str)] = &[
    ("Okta.User.MFA.Reset.All", "mfa-factor-reset-without-enrolment"),
    ("Okta.User.MFA.Reset.Single", "mfa-factor-reset-without-enrolment"),
];

#[test]
fn third_party_okta_scenarios_normalise_and_those_with_the_meaning_of_a_rule_agree() {
    let Some(path) = data("panther-cases.ndjson") else { return };
    let generation = shipped_generation(None);
    let text = std::fs::read_to_string(path).unwrap();
    let (mut scenarios, mut agreed) = (0, 0);
    for case in text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        if case["source"] != "okta" {
            continue;
        }
        let rule = SAME_MEANING.iter().find(|(id, _)| case["rule_id"] == *id).map(|(_, rule)| *rule);
        for test in case["tests"].as_array().unwrap() {
            let which = format!("{} / {}", case["rule_id"], test["name"]);
            let bytes = serde_json::to_vec(&test["log"]).unwrap();
            let records = format_by_name("okta").unwrap().read(Box::new(Cursor::new(bytes)), 0);
            // Time passes, so that rules that wait for something absent find.
            let until = Some(Timestamp(4_000_000_000_000_000));
            let (summary, found) = judge(records, &generation, until);
            assert_eq!((summary.events, summary.set_aside), (1, 0), "{which}");
            scenarios += 1;
            if let Some(rule) = rule {
                let mine = found.iter().any(|(by, ..)| by == rule);
                assert_eq!(Some(mine), test["expected"].as_bool(), "{which}: {found:?}");
                agreed += 1;
            }
        }
    }
    println!("{scenarios} scenarios normalise; {agreed} have the meaning of a rule, and agree");
    assert!(scenarios > 0 && agreed > 0);
}

#[test]
fn findings_in_real_and_generated_telemetry_are_recomputed_to_the_same_bytes() {
    let generated = Preset::AllAttacks.scenario(Telemetry::Okta, 5, None).build();
    let identities = generated.identities_toml.clone();
    let mut okta = Vec::new();
    write_ndjson(generated.records, &mut okta).unwrap();
    let real = [("cloudtrail", "cloudtrail-invictus.ndjson"), ("windows-security", "windows-security.ndjson")];
    let mut inputs = vec![("okta", okta)];
    inputs.extend(real.iter().filter_map(|(name, file)| Some((*name, fs::read(data(file)?).unwrap()))));
    let generation = shipped_generation(Some(&identities));
    // Years lie between the three, so a run each.
    for (name, bytes) in inputs {
        let mut heads = BTreeSet::new();
        for (backend_name, mut backend) in Backend::all() {
            let which = format!("{name} in {backend_name}");
            let records = format_by_name(name).unwrap().read(Box::new(Cursor::new(bytes.clone())), 0);
            let options = SessionOptions::default();
            let report = backend.with(|store| {
                run(records, &generation, store, &options, Replay::default(), &mut Collector::default()).unwrap()
            });
            heads.insert(report.head.digest);
            let Some(path) = backend.finish() else { continue };
            let log = AuditLog::open(&path).unwrap();
            let again =
                recompute(&log, &DigestKey::public(), engine(), &RecomputeOptions::default(), &mut |_, _| ()).unwrap();
            assert_eq!(again.differences, [], "{which}");
            assert_eq!(again.findings, report.summary.findings, "{which}");
            assert!(again.findings > 0 && again.decisions >= again.findings, "{which}: {again:?}");
        }
        assert_eq!(heads.len(), 1, "{name}: the logs differ");
    }
}
