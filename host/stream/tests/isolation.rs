//! For any rows in any division into calls: the same findings, the same rows set aside, the same state, compared with a
//! rule that is judged row by row.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use countersign_declaration::{Declaration, parse_toml};
use countersign_model::call::{
    AnswerFinding, CallFailure, DetectionAnswer, DetectionCall, Detector, Diagnostic, FailureKind, Level, NO_KEY,
    SlotChanges,
};
use countersign_model::vocabulary::{Severity, SubjectRole};
use countersign_model::{StateEntry, Timestamp};
use countersign_stream::{Clock, LINE_SLOT, Outcome, RuleStream, Sequenced};
use countersign_testing::texts;
use proptest::prelude::*;

const RULE: &str = r#"
id = "example/counts"
version = "1.0.0"
kind = "detection"
description = "Counts the rows of each account, and finds on rows that ask for it."
identity-types = ["human"]
confidence-floor = 50
actions = ["notify"]
signal-classes = ["token"]
event-classes = ["api-activity"]
fields = ["api.operation"]
partition-key = "actor"

[[slot]]
name = "count"
version = 1
max-bytes = 4
max-keys = 3
kept-references = 2
ttl = "10m"
"#;

/// What the rule does on a row, by the operation's name.
const OPERATIONS: &[&str] = &["count", "skip", "find", "find-twice", "note", "fail", "burn", "forget", "keep"];

fn declaration() -> Declaration {
    parse_toml(RULE).unwrap()
}

/// A rule written directly on the call types.
struct Counts {
    /// How many rows a call has fuel for.
    fuel_rows: usize,
    calls: AtomicUsize,
}

impl Detector for Counts {
    fn detect(&self, call: &DetectionCall) -> Result<DetectionAnswer, CallFailure> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let failure = |kind| Err(CallFailure { kind, message: "as the test wants".to_owned() });
        let rows = &call.batch.rows;
        let operations = texts(&call.batch.columns[0].values);
        if operations.iter().any(|operation| operation == "burn") || operations.len() > self.fuel_rows {
            return failure(FailureKind::FuelExhausted);
        }
        if operations.iter().any(|operation| operation == "fail") {
            return failure(FailureKind::Trap);
        }
        let slot = &call.state[0];
        let part = |offsets: &[u32], key: usize| offsets[key] as usize..offsets[key + 1] as usize;
        let before = |key: u32| {
            let blob = &slot.blobs[part(&slot.blob_offsets, key as usize)];
            let kept = slot.kept[part(&slot.kept_offsets, key as usize)].to_vec();
            (blob.try_into().map_or(0, u32::from_le_bytes), kept)
        };
        let mut states: BTreeMap<u32, (u32, Vec<u64>)> = BTreeMap::new();
        let mut answer = DetectionAnswer::default();
        for (row, operation) in operations.iter().enumerate() {
            let (key, row_index) = (rows.keys[row], u32::try_from(row).unwrap());
            let mut none = (0, Vec::new());
            let state = if key == NO_KEY { &mut none } else { states.entry(key).or_insert_with(|| before(key)) };
            if operation != "skip" {
                state.0 += 1;
            }
            let finding = |index: usize| AnswerFinding {
                row: row_index,
                signal_class: "token".to_owned(),
                confidence: 50,
                severity: Severity::Low,
                subject: SubjectRole::Actor,
                evidence: state.1.clone(),
                techniques: Vec::new(),
                message: format!("row {} of its key, finding {index}", state.0),
                evidence_role: None,
            };
            match operation.as_str() {
                "find" => answer.findings.push(finding(0)),
                "find-twice" => answer.findings.extend([finding(0), finding(1)]),
                "note" => answer.diagnostics.push(Diagnostic {
                    row: row_index,
                    level: Level::Information,
                    message: format!("row {} of its key", state.0),
                }),
                "forget" => *state = (0, Vec::new()),
                "keep" => {
                    state.1.push(rows.references[row]);
                    let over = state.1.len().saturating_sub(2);
                    state.1.drain(..over);
                }
                _ => {}
            }
        }
        states.retain(|key, state| *state != before(*key));
        let mut changes = SlotChanges {
            slot: 0,
            keys: Vec::new(),
            blobs: Vec::new(),
            blob_offsets: vec![0],
            kept: Vec::new(),
            kept_offsets: vec![0],
        };
        for (key, (count, kept)) in states {
            changes.keys.push(key);
            if count > 0 {
                changes.blobs.extend(count.to_le_bytes());
                changes.kept.extend(kept);
            }
            changes.blob_offsets.push(u32::try_from(changes.blobs.len()).unwrap());
            changes.kept_offsets.push(u32::try_from(changes.kept.len()).unwrap());
        }
        answer.states.push(changes);
        Ok(answer)
    }

    fn migrate(&self, _: u32, _: u32, _: &[u8]) -> Result<Vec<u8>, CallFailure> {
        Err(CallFailure { kind: FailureKind::InvalidAnswer, message: "no older version".to_owned() })
    }
}

/// The parts of an event: operation, account (none for 0), seconds since the event before.
type Row = (&'static str, u8, i64);

fn sequence(rows: &[Row]) -> Vec<(Option<countersign_stream::Tick>, Sequenced)> {
    let mut clock = Clock::default();
    let mut time = Timestamp(1_700_000_000_000_000);
    (0u64..)
        .zip(rows)
        .map(|(position, (operation, account, seconds))| {
            time = time.plus_micros(seconds * 1_000_000);
            let subject = if *account > 0 { format!("AIDA{account}") } else { String::new() };
            let mut event = countersign_testing::call(position, operation, &subject);
            (event.time, event.ingest_time) = (time, time);
            // Some records claim the id of another.
            event.id = Arc::from(format!("event-{}", position / 3));
            let (tick, placement) = clock.place(&"example".into(), time, time);
            (tick, Sequenced::new(position, Arc::new(event), placement))
        })
        .collect()
}

/// All results, in a comparable form.
#[derive(Debug, Default, PartialEq)]
struct Results {
    findings: Vec<countersign_model::Finding>,
    calls_of_findings: Vec<String>,
    failures: Vec<(u64, FailureKind)>,
    diagnostics: Vec<(u64, u32, String)>,
    state: BTreeMap<String, StateEntry>,
}

impl Results {
    fn take(&mut self, outcome: Outcome) {
        assert!(outcome.disagreements.is_empty() && outcome.begun.is_empty());
        for found in outcome.findings {
            assert_eq!(found.bundle.call.batch.len(), 1);
            self.calls_of_findings.push(format!("{:?}", found.bundle));
            self.findings.push(found.finding);
        }
        self.failures.extend(outcome.failures.iter().map(|failed| (failed.row.position, failed.failure.kind)));
        self.diagnostics.extend(outcome.diagnostics.into_iter().map(|one| (one.row.position, one.index, one.message)));
        for change in outcome.state.into_iter().filter(|change| change.slot != LINE_SLOT) {
            match change.entry {
                Some(entry) => self.state.insert(change.key, entry),
                None => self.state.remove(&change.key),
            };
        }
    }
}

/// Judges rows in batches of the sizes given, cyclically; a tick ends a batch.
fn judge(rows: &[Row], sizes: &[usize], fuel_rows: usize) -> (Results, usize) {
    let rule = Arc::new(Counts { fuel_rows, calls: AtomicUsize::new(0) });
    let mut stream = RuleStream::new(declaration(), rule.clone(), Vec::new(), Vec::new());
    let results = Mutex::new(Results::default());
    let mut waiting: Vec<Sequenced> = Vec::new();
    let mut sizes = sizes.iter().cycle();
    let mut size = *sizes.next().unwrap();
    let flush = |stream: &mut RuleStream, waiting: &mut Vec<Sequenced>| {
        results.lock().unwrap().take(stream.judge(&waiting.iter().collect::<Vec<_>>()));
        waiting.clear();
    };
    for (tick, row) in sequence(rows) {
        if let Some(tick) = tick {
            flush(&mut stream, &mut waiting);
            stream.tick(tick);
        }
        waiting.push(row);
        if waiting.len() >= size {
            flush(&mut stream, &mut waiting);
            size = *sizes.next().unwrap();
        }
    }
    flush(&mut stream, &mut waiting);
    (results.into_inner().unwrap(), rule.calls.load(Ordering::Relaxed))
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (proptest::sample::select(OPERATIONS), 0u8..6, prop_oneof![4 => 0i64..5, 1 => -400i64..900]);
    proptest::collection::vec(row, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_division_into_calls_does_not_show(
        rows in rows(),
        sizes in proptest::collection::vec(1usize..40, 1..5),
        fuel_rows in 1usize..30,
    ) {
        let (alone, _) = judge(&rows, &[1], usize::MAX);
        prop_assert_eq!(&judge(&rows, &sizes, usize::MAX).0, &alone);
        prop_assert_eq!(&judge(&rows, &sizes, fuel_rows).0, &alone);
    }

    #[test]
    fn a_failing_row_has_no_effect(rows in rows(), size in 1usize..40) {
        let fails = |row: &Row| ["fail", "burn"].contains(&row.0);
        let (with, _) = judge(&rows, &[size], usize::MAX);
        let positions: Vec<u64> = (0u64..).zip(&rows).filter(|(_, row)| fails(row)).map(|(position, _)| position).collect();
        let failed: Vec<u64> = with.failures.iter().map(|(position, _)| *position).collect();
        prop_assert_eq!(failed, positions);
        // Rows that are skipped leave positions and times as they are.
        let quiet: Vec<Row> = rows.iter().map(|row| if fails(row) { ("skip", row.1, row.2) } else { *row }).collect();
        let (without, _) = judge(&quiet, &[size], usize::MAX);
        prop_assert_eq!(with.findings, without.findings);
        prop_assert_eq!(with.state, without.state);
    }
}

#[test]
fn calls_stay_few_when_every_row_burns() {
    let rows: Vec<Row> = (0..256).map(|_| ("burn", 1, 0)).collect();
    let (results, calls) = judge(&rows, &[256], usize::MAX);
    assert_eq!(results.failures.len(), 256);
    assert!(calls <= 2 * 256, "{calls}");
}

#[test]
fn one_failing_row_among_many_costs_few_calls() {
    let rows: Vec<Row> = (0..1_024).map(|row| (if row == 700 { "fail" } else { "count" }, 1, 0)).collect();
    let (results, calls) = judge(&rows, &[1_024], usize::MAX);
    assert_eq!(results.failures, [(700, FailureKind::Trap)]);
    assert_eq!(results.state.values().map(|entry| entry.blob.to_vec()).collect::<Vec<_>>(), [1_023u32.to_le_bytes()]);
    assert!(calls <= 21, "{calls}");
}

#[test]
fn a_rule_that_runs_out_of_fuel_gets_fewer_rows_and_then_more() {
    let rows: Vec<Row> = (0..1_024).map(|_| ("count", 1, 0)).collect();
    let (results, calls) = judge(&rows, &[256], 100);
    assert_eq!(results.failures, []);
    // Four calls of 256 rows would be enough without the limit; halves and quarters of them succeed.
    assert!(calls <= 40, "{calls}");
}

#[test]
fn the_number_of_rows_that_fuel_is_enough_for_is_learnt() {
    let rows: Vec<Row> = (0..2_048).map(|_| ("count", 1, 0)).collect();
    let (results, calls) = judge(&rows, &[256], 10);
    assert_eq!(results.failures, []);
    // Row by row at first, then in calls of about as many rows as there is fuel for.
    assert!(calls <= 700, "{calls}");
}
