//! Recomputation with failing rules among the rules, and with one flipped bit in any bundle of a run.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufReader, Cursor};
use std::path::{Path, PathBuf};

use countersign_audit::{Record, read};
use countersign_formats::format_by_name;
use countersign_model::DigestKey;
use countersign_model::vocabulary::RuleKind;
use countersign_recompute::{RecomputeError, RecomputeOptions, Recomputed, recompute};
use countersign_session::{Replay, SessionOptions, run};
use countersign_store::{AuditLog, Durability, Existing, FileStore, Store};
use countersign_stream::QuarantineThreshold;

use crate::determinism::{Collector, Snapshot, generation, telemetry};
use crate::sessions::Backend;
use crate::support::engine;

/// A run with rules that trap, run out of fuel, and go into quarantine.
fn judge_into(store: &mut dyn Store) {
    let (telemetry, identities) = telemetry();
    let quarantine = QuarantineThreshold { min_accounts: 6, percent: 20 };
    let options = SessionOptions { quarantine, key: DigestKey::public(), ..SessionOptions::default() };
    let records = format_by_name("cloudtrail").unwrap().read(Box::new(Cursor::new(telemetry)), 0);
    let report =
        run(records, &generation(&identities), store, &options, Replay::default(), &mut Collector::default()).unwrap();
    assert!(report.summary.rows_set_aside.values().sum::<u64>() > 0);
    assert!(!report.summary.silenced.is_empty(), "no rule went into quarantine");
}

/// The same in an audit file.
fn audited(folder: &Path) -> PathBuf {
    let audit = folder.join("audit");
    let mut store = FileStore::create(&audit, Existing::Refuse, Durability::Seal).unwrap();
    judge_into(&mut store);
    store.seal().unwrap();
    audit
}

fn recomputed(log: &Path) -> Result<Recomputed, RecomputeError> {
    recompute(
        &AuditLog::open(log).unwrap(),
        &DigestKey::public(),
        engine(),
        &RecomputeOptions::default(),
        &mut |_, _| (),
    )
}

#[test]
fn decisions_beside_failing_rules_are_recorded_and_recomputed_alike_on_every_backend() {
    let mut first = None;
    for (name, mut backend) in Backend::all() {
        let recorded = backend.with(|store| {
            judge_into(store);
            (store.head().unwrap(), Snapshot::of(store))
        });
        assert!(first.get_or_insert_with(|| recorded.clone()) == &recorded, "{name}");
        let Some(path) = backend.finish() else { continue };
        let result = recomputed(&path).unwrap();
        assert_eq!(result.differences, [], "{name}");
        assert!(result.findings > 10 && result.decisions > result.findings, "{name}: {result:?}");
    }
}

#[test]
fn a_rules_bytes_are_recorded_before_its_first_record_and_not_for_idle_rules() {
    let folder = tempfile::tempdir().unwrap();
    let audit = audited(folder.path());
    let (mut rules, mut kept, mut did) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut responses = 0;
    for entry in read(BufReader::new(File::open(&audit).unwrap())) {
        let rule = match entry.unwrap().record {
            Record::Generation(generation) => {
                responses += generation.rules.iter().filter(|rule| rule.kind == RuleKind::Response).count();
                rules.extend(generation.rules.into_iter().map(|rule| rule.identity.id));
                continue;
            }
            Record::Component(component) => {
                assert!(rules.contains(&component.rule) && kept.insert(component.rule));
                continue;
            }
            Record::Finding(finding) => finding.rule,
            Record::SetAside(set_aside) => set_aside.rule,
            Record::Quarantine(quarantine) => quarantine.rule,
            Record::Diagnostic(diagnostic) => diagnostic.rule,
            Record::NotDeterministic(found) => found.rule,
            _ => continue,
        };
        assert!(kept.contains(&rule), "{rule}");
        did.insert(rule);
    }
    assert!(did.len() > 5 && kept.len() < rules.len(), "{did:?} of {rules:?}");
    assert_eq!(kept.difference(&did).count(), responses, "{kept:?}");
}

#[test]
fn one_flipped_bit_in_any_bundle_is_found_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let audit = audited(folder.path());
    let mut blobs: Vec<PathBuf> =
        fs::read_dir(folder.path().join("audit.bundles")).unwrap().map(|entry| entry.unwrap().path()).collect();
    blobs.sort();
    // A sample: each takes a whole recomputation.
    let every = blobs.len() / 12;
    for (number, path) in blobs.iter().step_by(every).enumerate() {
        let whole = fs::read(path).unwrap();
        let mut flipped = whole.clone();
        let at = (number * 7919) % flipped.len();
        flipped[at] ^= 1 << (number % 8);
        fs::write(path, &flipped).unwrap();
        let name = path.file_name().unwrap().to_string_lossy();
        match recomputed(&audit) {
            Ok(result) => {
                let named = |text: &str| text.contains(&*name);
                let reported = result.differences.iter().any(|one| named(&one.expected) || named(&one.got));
                assert!(reported, "{name}: {:?}", result.differences);
            }
            Err(error) => assert!(error.to_string().contains(&*name), "{name}: {error}"),
        }
        fs::write(path, whole).unwrap();
    }
    assert_eq!(recomputed(&audit).unwrap().differences, []);
}
