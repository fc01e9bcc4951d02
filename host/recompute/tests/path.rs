//! The whole path over generated telemetry, and its recomputation.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fs;
use std::io::BufReader;
use std::path::Path;

use common::{ENGINE, demo, generation, judge, options};
use countersign_audit::{ChainWriter, Record, Verified, read, verify};
use countersign_model::{DecisionKind, DigestKey};
use countersign_recompute::{RecomputeError, RecomputeOptions, Recomputed, recompute};
use countersign_store::{AuditLog, Durability, Existing, FileStore, MemoryStore};

fn recomputed(audit: &Path, key: &DigestKey) -> Result<Recomputed, RecomputeError> {
    recompute(&AuditLog::open(audit).unwrap(), key, &ENGINE, &RecomputeOptions::default(), &mut |_, _| ())
}

/// An audited run of the demo in a folder.
fn audited(folder: &Path) -> std::path::PathBuf {
    let audit = folder.join("audit");
    let (bytes, identities) = demo();
    let mut store = FileStore::create(&audit, Existing::Refuse, Durability::Seal).unwrap();
    let (report, output) = judge(bytes, &generation(Some(identities)), &mut store, &options(256, 2));
    assert!(report.summary.findings > 0);
    assert!(
        output.dead_letters.is_empty() && output.notices.is_empty(),
        "{:?} {:?}",
        output.dead_letters,
        output.notices
    );
    assert_eq!(report.summary.decisions.values().sum::<u64>(), output.lines.len() as u64);
    assert!(output.lines.iter().any(|line| line.decision == DecisionKind::Execute));
    store.seal().unwrap();
    let verified = verify(BufReader::new(fs::File::open(&audit).unwrap()), None).unwrap();
    assert_eq!(verified, Verified::Sealed(report.head));
    audit
}

/// Rewrites the file with changed records, in a chain that verifies, as an attacker with write access can.
fn forge(audit: &Path, change: impl Fn(Record) -> Option<Record>) {
    let bytes = fs::read(audit).unwrap();
    let mut chain = ChainWriter::new();
    let mut forged = Vec::new();
    for entry in read(bytes.as_slice()) {
        match entry.unwrap().record {
            Record::Seal(_) => {}
            record => {
                if let Some(record) = change(record) {
                    chain.append(&record, &mut forged).unwrap();
                }
            }
        }
    }
    chain.seal(&mut forged).unwrap();
    assert!(forged != bytes, "nothing was forged");
    fs::write(audit, forged).unwrap();
    verify(BufReader::new(fs::File::open(audit).unwrap()), None).unwrap();
}

#[test]
fn every_finding_and_decision_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let audit = audited(folder.path());
    let result = recomputed(&audit, &DigestKey::public()).unwrap();
    assert_eq!(result.differences, []);
    assert!(result.findings > 0 && result.decisions >= result.findings, "{result:?}");
}

#[test]
fn batches_and_workers_do_not_show() {
    let (bytes, identities) = demo();
    let generation = generation(Some(identities));
    let mut first: Option<(Vec<String>, Vec<u8>)> = None;
    for (batch, workers) in [(256, 1), (1, 2), (7, 1), (1024, 2)] {
        let mut store = MemoryStore::new();
        let (_, output) = judge(bytes.clone(), &generation, &mut store, &options(batch, workers));
        let this = (output.decisions, store.audit().to_vec());
        match &first {
            Some(first) => assert!(*first == this, "batch {batch}, workers {workers}"),
            None => first = Some(this),
        }
    }
}

#[test]
fn a_changed_bundle_is_reported_and_stops_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let audit = audited(folder.path());
    let whole = recomputed(&audit, &DigestKey::public()).unwrap();
    let finding = read(fs::read(&audit).unwrap().as_slice())
        .find_map(|entry| match entry.unwrap().record {
            Record::Finding(finding) => Some(finding),
            _ => None,
        })
        .unwrap();
    let path = folder.path().join("audit.bundles").join(finding.bundle.to_string());
    let mut bundle = fs::read(&path).unwrap();
    let at = bundle.len() / 2;
    bundle[at] ^= 1;
    fs::write(&path, bundle).unwrap();
    let result = recomputed(&audit, &DigestKey::public()).unwrap();
    assert!(result.differences.iter().any(|difference| difference.what == "finding bundle"), "{result:?}");
    assert_eq!((result.findings, result.decisions), (whole.findings, whole.decisions));
}

#[test]
fn a_forged_decision_is_detected_though_the_chain_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let audit = audited(folder.path());
    forge(&audit, |record| match record {
        Record::Decision(mut decision) => {
            decision.decision.kind = DecisionKind::AwaitApproval;
            Some(Record::Decision(decision))
        }
        other => Some(other),
    });
    let result = recomputed(&audit, &DigestKey::public()).unwrap();
    assert!(result.differences.iter().all(|difference| difference.what == "decision"), "{result:?}");
    assert!(!result.differences.is_empty());
}

#[test]
fn a_missing_decision_is_detected_though_the_chain_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let audit = audited(folder.path());
    forge(&audit, |record| (!matches!(record, Record::Decision(_))).then_some(record));
    let result = recomputed(&audit, &DigestKey::public()).unwrap();
    assert_eq!(result.decisions, 0);
    assert!(!result.differences.is_empty());
}

#[test]
fn another_key_is_reported_before_any_rule_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let audit = audited(folder.path());
    let key = DigestKey::private(&[7; 32]).unwrap();
    let error = recomputed(&audit, &key).unwrap_err();
    assert!(matches!(error, RecomputeError::WrongKey { private: false, given: true }), "{error}");
}

#[test]
fn a_file_that_does_not_verify_is_not_recomputed() {
    let folder = tempfile::tempdir().unwrap();
    let audit = audited(folder.path());
    let mut bytes = fs::read(&audit).unwrap();
    bytes.truncate(bytes.len() - 1);
    fs::write(&audit, bytes).unwrap();
    assert!(matches!(
        recomputed(&audit, &DigestKey::public()),
        Err(RecomputeError::Verify(_) | RecomputeError::Unsealed(_))
    ));
}

/// Skipped where the real telemetry is absent.
#[test]
fn real_telemetry_has_no_dead_letters() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/cloudtrail-invictus.ndjson");
    let Ok(bytes) = fs::read(&path) else {
        eprintln!("skipped: no real telemetry at `{}`", path.display());
        return;
    };
    let mut store = MemoryStore::new();
    let (report, output) = judge(bytes, &generation(None), &mut store, &options(256, 2));
    assert_eq!((report.summary.events, report.summary.set_aside), (2_900, 0));
    assert!(output.notices.is_empty(), "{:?}", output.notices);
    assert!(report.summary.findings > 0);
    assert!(output.lines.iter().all(|line| !line.reasons.is_empty()));
}
