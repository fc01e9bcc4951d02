//! An audit file of commit 9f64855, which named neither the version of the gate nor the format of blobs: it verifies, and
//! recomputes with nothing but differences by version. What no version explains is found in it all the same.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "common/log.rs"]
mod log;

use std::fs::File;
use std::io::BufReader;

use countersign_audit::record::{DecisionRecord, FindingRecord};
use countersign_audit::{Record, Verified, verify};
use countersign_model::vocabulary::Action;
use countersign_model::{Decision, DecisionKind, Digest};
use countersign_recompute::{Cause, OtherVersion, RecomputeOptions, Versioned, recompute};
use countersign_store::AuditLog;
use log::{ENGINE, KEY, MemoryLog, old_file, shown};

/// Its head, as it was printed when it was written.
const HEAD: &str = "2e84325c47eef0f533c846bbf9a2bba6a57461b8ae9414290e14a3d108cdb813";

/// What differs by version: containment whose reach no row of its capability table says, and what nobody is there to answer,
/// so that response rules are offered less.
const BY_VERSION: &str = "\
line 6, decision: gate-version
line 11, call of a response rule: gate-version
line 11, proposals: gate-version
line 11, how many decisions on a finding: gate-version
line 12, decision: gate-version
line 13, decision: gate-version
line 14, decision: gate-version
line 17, call of a response rule: gate-version
line 17, proposals: gate-version
line 17, how many decisions on a finding: gate-version
line 18, decision: gate-version
line 19, decision: gate-version
line 20, decision: gate-version
line 21, decision: gate-version
line 25, decision: gate-version";

#[test]
fn it_verifies() {
    let head: Digest = HEAD.parse().unwrap();
    let verified = verify(BufReader::new(File::open(old_file()).unwrap()), Some(head)).unwrap();
    assert!(matches!(verified, Verified::Sealed(found) if found.digest == head && found.records == 34), "{verified:?}");
}

#[test]
fn it_differs_by_version_only_and_every_difference_is_explained() {
    let result =
        recompute(&AuditLog::open(&old_file()).unwrap(), &KEY, &ENGINE, &RecomputeOptions::default(), &mut |_, _| ())
            .unwrap();
    assert_eq!((result.findings, result.decisions), (5, 21));
    let gate = OtherVersion {
        line: 2,
        generation: 1,
        what: Versioned::Gate,
        recorded: "1".to_owned(),
        running: countersign_gate::VERSION.to_string(),
    };
    assert_eq!(result.versions, [gate]);
    assert_eq!(shown(&result.differences), BY_VERSION);
    assert_eq!((result.tampered(), result.by_version()), (0, 15));
    let explanations: Vec<(u64, &str)> = result
        .differences
        .iter()
        .map(|difference| (difference.line, difference.explanation.as_deref().unwrap()))
        .collect();
    let beginnings = [
        (6, "`downgrade` of `require-reauthentication` both times; reasons now that there weren't"),
        (18, "`execute` of `disable-credential` then, `await-approval` of `disable-credential` now; reasons now"),
        (25, "`await-approval` of `restrict-access` both times; reasons now"),
    ];
    for (line, beginning) in beginnings {
        let (_, explanation) = explanations.iter().find(|(known, _)| *known == line).unwrap();
        assert!(explanation.starts_with(beginning), "{explanation}");
    }
    for (_, explanation) in explanations {
        let changed = ["`estimate-high`", "version 1 of the gate", "decided as containment"];
        assert!(changed.iter().all(|change| explanation.contains(change)), "{explanation}");
    }
}

/// Changes one record of a kind, and returns what differs then and didn't before.
fn forged(change: impl Fn(&mut MemoryLog)) -> String {
    let mut log = MemoryLog::of_file(&old_file());
    change(&mut log);
    let differences = log.recompute().differences;
    let others: Vec<_> =
        differences.into_iter().filter(|one| !BY_VERSION.contains(&shown(std::slice::from_ref(one)))).collect();
    shown(&others)
}

fn decision(log: &mut MemoryLog, wanted: impl Fn(&Decision) -> bool) -> &mut DecisionRecord {
    log.records
        .iter_mut()
        .find_map(|record| match record {
            Record::Decision(decision) if wanted(&decision.decision) => Some(&mut **decision),
            _ => None,
        })
        .unwrap()
}

fn finding(log: &mut MemoryLog) -> &mut FindingRecord {
    log.records
        .iter_mut()
        .find_map(|record| match record {
            Record::Finding(finding) => Some(finding),
            _ => None,
        })
        .unwrap()
}

#[test]
fn what_no_version_explains_is_tampering_in_an_old_file_too() {
    let tampering = [
        (forged(|log| finding(log).confidence -= 1), "finding record"),
        (forged(|log| finding(log).generation = 2), "finding record"),
        (forged(|log| decision(log, |_| true).generation = 2), "decision record"),
        (forged(|log| decision(log, |_| true).event_id.push('x')), "decision record"),
        (forged(|log| drop(decision(log, |_| true).responses.pop())), "responses of a decision"),
        (forged(|log| decision(log, |_| true).decision.anchor = 1), "anchor"),
        (
            forged(|log| log.records.retain(|record| !matches!(record, Record::Decision(_)))),
            "how many decisions on a finding",
        ),
    ];
    for (differences, what) in tampering {
        assert!(differences.contains(&format!("{what}: tampering")), "{what}: {differences}");
    }
    for what in ["finding bundle", "response bundle", "gate inputs"] {
        let differences = forged(|log| {
            let name = match what {
                "finding bundle" => finding(log).bundle,
                "response bundle" => decision(log, |_| true).responses[0].bundle,
                _ => decision(log, |_| true).inputs,
            };
            let blob = log.blobs.get_mut(&name).unwrap();
            let middle = blob.len() / 2;
            blob[middle] ^= 1;
        });
        assert!(differences.contains(&format!("{what}: tampering")), "{what}: {differences}");
    }
}

/// A blob in JSON of the same meaning under its own name: the file's format has one form of it.
#[test]
fn a_blob_that_is_written_otherwise_is_tampering() {
    let differences = forged(|log| {
        let name = finding(log).bundle;
        let mut spaced = log.blobs[&name].clone();
        spaced.insert(1, b' ');
        finding(log).bundle = log.blob(spaced);
    });
    assert!(differences.contains("finding bundle: tampering"), "{differences}");
}

/// Why `--accept-versions` is the caller's word: the file says that an older gate decided, and may lie.
#[test]
fn a_decision_that_an_older_gate_may_have_made_is_by_version() {
    let differences = forged(|log| {
        let execute = |decision: &Decision| decision.kind == DecisionKind::Execute;
        decision(log, |decision| execute(decision) && decision.action == Some(Action::Notify)).decision.floor = 1;
    });
    assert!(differences.ends_with(&format!("decision: {}", Cause::GateVersion)), "{differences}");
}
