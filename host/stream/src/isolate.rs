//! Calls, and what happens when one fails: from the same state again, split down to the row, and only that row is set
//! aside. On a finding the one-row calls are made: they are authoritative, and the sentinel against a rule that
//! answers differently when asked again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_model::call::{
    AnswerFinding, CallFailure, DetectionAnswer, DetectionCall, Diagnostic, FailureKind, NO_KEY,
};
use countersign_model::vocabulary::SignalClass;
use countersign_model::{Evidence, Finding, StateEntry, Timestamp};

use crate::Sequenced;
use crate::outcome::{Bundle, Disagreement, Found, Outcome, RowDiagnostic, RowFailure};
use crate::rule::{Prepared, Row, RuleStream};
use crate::subject::evidence_role;
use crate::validate::{invalid, part, validate};

/// After so many splits for want of fuel the rows go one by one: at most 2 N calls for N rows.
const SPLITS_BY_HALF: u32 = 3;

/// The judging of some rows.
pub(crate) struct Run<'r> {
    rule: &'r mut RuleStream,
    outcome: Outcome,
}

/// New state of one key of one slot, references resolved to events.
struct Change {
    key: u32,
    slot: usize,
    entry: Option<StateEntry>,
}

/// An answer that keeps the contract, with the state it leads to.
struct Checked {
    answer: DetectionAnswer,
    changes: Vec<Change>,
}

impl<'r> Run<'r> {
    pub(crate) fn new(rule: &'r mut RuleStream) -> Run<'r> {
        Run { rule, outcome: Outcome::default() }
    }

    pub(crate) fn finish(self) -> Outcome {
        self.outcome
    }

    /// Judges all rows, in calls of as many rows as the rule's fuel was seen to carry.
    pub(crate) fn all(&mut self, rows: &[Row<'_>]) {
        let mut rest = rows;
        while !rest.is_empty() && self.outcome.stopped.is_none() {
            let (now, later) = rest.split_at(rest.len().min(self.rule.rows_per_call.max(1)));
            self.some(now, 0);
            rest = later;
            self.rule.rows_per_call = self.rule.rows_per_call.saturating_mul(2);
        }
    }

    fn some(&mut self, rows: &[Row<'_>], splits: u32) {
        if rows.is_empty() || self.outcome.stopped.is_some() {
            return;
        }
        let prepared = self.rule.prepare(rows);
        let failure = match self.call(rows, &prepared) {
            Ok(checked) => return self.accept(rows, &prepared, checked),
            Err(failure) => failure,
        };
        match (rows, failure.kind) {
            ([row], FailureKind::Deadline) => {
                self.outcome.stopped = Some(RowFailure { row: row.sequenced.clone(), failure });
            }
            ([row], _) => self.set_aside(row, failure),
            (_, FailureKind::Deadline) => rows.chunks(1).for_each(|row| self.some(row, splits)),
            (_, FailureKind::FuelExhausted) if splits >= SPLITS_BY_HALF => {
                rows.chunks(1).for_each(|row| self.some(row, splits));
            }
            (_, kind) => {
                if kind == FailureKind::FuelExhausted {
                    self.rule.rows_per_call = (rows.len() / 4).max(1);
                }
                let (first, second) = rows.split_at(rows.len() / 2);
                self.some(first, splits + 1);
                self.some(second, splits + 1);
            }
        }
    }

    fn set_aside(&mut self, row: &Row<'_>, failure: CallFailure) {
        self.outcome.failures.push(RowFailure { row: row.sequenced.clone(), failure });
    }

    /// One call, its answer checked in full.
    fn call(&self, rows: &[Row<'_>], prepared: &Prepared) -> Result<Checked, CallFailure> {
        let answer = self.rule.detector.detect(&prepared.call)?;
        let sequenced: Vec<&Sequenced> = rows.iter().map(|row| row.sequenced).collect();
        validate(&self.rule.declaration, &sequenced, &prepared.call, prepared.keys.len(), &answer)?;
        let shown = Shown::of(&prepared.call, &answer);
        let changes = self.changes(rows, prepared, &answer, &shown)?;
        self.references(rows, prepared, &answer, &shown)?;
        Ok(Checked { answer, changes })
    }

    /// Takes a batch's answer: keys without findings as they are, keys with findings by one-row calls.
    fn accept(&mut self, rows: &[Row<'_>], prepared: &Prepared, checked: Checked) {
        let Checked { answer, changes } = checked;
        self.outcome.timers += answer.timers.len() as u64;
        let key_of = |row: usize| prepared.call.batch.rows.keys.get(row).copied().unwrap_or(NO_KEY);
        let key_text = |key: u32| prepared.keys.get(key as usize);

        // Which keys, and which rows without a key, have findings.
        let mut again_keys: BTreeSet<u32> = BTreeSet::new();
        let mut again_rows: BTreeSet<usize> = BTreeSet::new();
        for finding in &answer.findings {
            match key_of(finding.row as usize) {
                NO_KEY => again_rows.insert(finding.row as usize),
                key => again_keys.insert(key),
            };
        }

        let (batch_changes, changes): (Vec<_>, Vec<_>) =
            changes.into_iter().partition(|change| again_keys.contains(&change.key));
        for change in changes {
            if let Some(text) = key_text(change.key) {
                self.rule.state.set(change.slot, text, change.entry);
            }
        }
        for (row, diagnostics) in by_row(&answer.diagnostics) {
            if !again_keys.contains(&key_of(row)) && !again_rows.contains(&row) {
                self.diagnose(rows.get(row), &diagnostics);
            }
        }

        let positions: Vec<u64> = rows.iter().map(|row| row.sequenced.position).collect();
        for row in again_rows {
            let said: Vec<_> = answer.findings.iter().filter(|finding| finding.row as usize == row).collect();
            if let Some(row) = rows.get(row) {
                self.again(&[row], &said, &positions, None);
            }
        }
        for key in again_keys {
            let places: Vec<usize> = (0..rows.len()).filter(|row| key_of(*row) == key).collect();
            let key_rows: Vec<&Row<'_>> = places.iter().filter_map(|row| rows.get(*row)).collect();
            let said: Vec<_> = answer.findings.iter().filter(|finding| key_of(finding.row as usize) == key).collect();
            let key_changes: Vec<&Change> = batch_changes.iter().filter(|change| change.key == key).collect();
            self.again(&key_rows, &said, &positions, key_text(key).map(|text| (text, key_changes)));
        }
    }

    /// The one-row calls of one key's rows, or of one row without a key, from the batch's first state.
    fn again(
        &mut self,
        rows: &[&Row<'_>],
        said: &[&AnswerFinding],
        batch_positions: &[u64],
        batch: Option<(&Arc<str>, Vec<&Change>)>,
    ) {
        let mut found_again: Vec<(u64, AnswerFinding)> = Vec::new();
        let mut failed = false;
        let before = batch.as_ref().map(|(key, _)| self.entries(key));
        for row in rows {
            if self.outcome.stopped.is_some() {
                return;
            }
            let single = std::slice::from_ref(*row);
            let prepared = self.rule.prepare(single);
            let Checked { answer, changes } = match self.call(single, &prepared) {
                Ok(checked) => checked,
                Err(failure) if failure.kind == FailureKind::Deadline => {
                    self.outcome.stopped = Some(RowFailure { row: row.sequenced.clone(), failure });
                    return;
                }
                Err(failure) => {
                    failed = true;
                    self.set_aside(row, failure);
                    continue;
                }
            };
            found_again.extend(answer.findings.iter().map(|finding| (row.sequenced.position, finding.clone())));
            let found = self.findings(row, &prepared, &answer);
            self.diagnose(Some(row), &answer.diagnostics.iter().collect::<Vec<_>>());
            for change in changes {
                if let Some(key) = &row.key {
                    self.rule.state.set(change.slot, key, change.entry);
                }
            }
            let bundle = Arc::new(Bundle { call: prepared.call, answer });
            self.outcome.found.extend(found.into_iter().map(|finding| Found {
                finding,
                row: row.sequenced.clone(),
                bundle: Arc::clone(&bundle),
            }));
        }

        let same_findings = !failed && same_findings(said, batch_positions, &found_again);
        let same_state = batch.is_none_or(|(key, changes)| {
            let mut expected = before.unwrap_or_default();
            for change in changes {
                if let Some(place) = expected.get_mut(change.slot) {
                    place.clone_from(&change.entry);
                }
            }
            let same = |(a, b): (&Option<StateEntry>, &Option<StateEntry>)| match (a, b) {
                (Some(a), Some(b)) => a.blob == b.blob && a.kept == b.kept,
                (a, b) => a.is_none() && b.is_none(),
            };
            failed || expected.iter().zip(&self.entries(key)).all(same)
        });
        let what = match (same_findings, same_state) {
            (true, true) => return,
            (false, _) => "findings",
            (true, false) => "state",
        };
        if let Some(row) = rows.last() {
            self.outcome.disagreements.push(Disagreement { row: row.sequenced.clone(), what });
        }
    }

    fn entries(&self, key: &str) -> Vec<Option<StateEntry>> {
        (0..self.rule.state.slots().len()).map(|slot| self.rule.state.get(slot, key).cloned()).collect()
    }

    fn diagnose(&mut self, row: Option<&Row<'_>>, diagnostics: &[&Diagnostic]) {
        let Some(row) = row else { return };
        self.outcome.diagnostics.extend(diagnostics.iter().zip(0..).map(|(diagnostic, index)| RowDiagnostic {
            position: row.sequenced.position,
            event_id: Arc::clone(&row.sequenced.event.id),
            index,
            level: diagnostic.level,
            message: diagnostic.message.clone(),
        }));
    }

    /// The findings of a one-row call, tied to their events.
    fn findings(&self, row: &Row<'_>, prepared: &Prepared, answer: &DetectionAnswer) -> Vec<Finding> {
        let event = &row.sequenced.event;
        let own = prepared.call.batch.rows.references.first().copied().unwrap_or_default();
        answer
            .findings
            .iter()
            .zip(0..)
            .filter_map(|(finding, index)| {
                let host_role = evidence_role(finding.subject, event);
                let mut evidence = vec![evidence_of(own, row.sequenced)];
                for reference in &finding.evidence {
                    if evidence.iter().all(|known| known.reference != *reference) {
                        let kept = row.key.as_ref().and_then(|key| self.rule.state.kept(key, *reference));
                        evidence.extend(kept.cloned());
                    }
                }
                Some(Finding {
                    rule: self.rule.declaration.id.clone(),
                    position: row.sequenced.position,
                    index,
                    event_id: event.id.to_string(),
                    event_time: event.time,
                    signal_class: SignalClass::from_id(&finding.signal_class)?,
                    confidence: finding.confidence,
                    severity: finding.severity,
                    role: finding.subject,
                    evidence_role: finding.evidence_role.map_or(host_role, |role| role.min(host_role)),
                    evidence,
                    techniques: finding.techniques.clone(),
                    message: finding.message.clone(),
                    context: self.rule.context_state(),
                })
            })
            .collect()
    }

    /// The new entries that the answer leads to.
    fn changes(
        &self,
        rows: &[Row<'_>],
        prepared: &Prepared,
        answer: &DetectionAnswer,
        shown: &Shown,
    ) -> Result<Vec<Change>, CallFailure> {
        let mut changes = Vec::with_capacity(answer.states.iter().map(|slot| slot.keys.len()).sum());
        if answer.states.is_empty() {
            return Ok(changes);
        }
        for slot_changes in &answer.states {
            let slot = slot_changes.slot as usize;
            let version = self.rule.declaration.slots.get(slot).map_or(1, |slot| slot.version);
            for (index, key) in slot_changes.keys.iter().enumerate() {
                let blob = part(&slot_changes.blobs, &slot_changes.blob_offsets, index);
                let kept = part(&slot_changes.kept, &slot_changes.kept_offsets, index);
                let text = prepared.keys.get(*key as usize);
                let kept: Vec<Evidence> = kept
                    .iter()
                    .map(|reference| self.resolve(rows, shown, *key, text, *reference))
                    .collect::<Result<_, _>>()?;
                let entry = (!blob.is_empty()).then(|| StateEntry {
                    version,
                    blob: blob.to_vec(),
                    kept,
                    // Set where the entry is.
                    changed: Timestamp::default(),
                });
                changes.push(Change { key: *key, slot, entry });
            }
        }
        Ok(changes)
    }

    /// Checks that every reference of a finding is one that the rule was shown for that key.
    fn references(
        &self,
        rows: &[Row<'_>],
        prepared: &Prepared,
        answer: &DetectionAnswer,
        shown: &Shown,
    ) -> Result<(), CallFailure> {
        for finding in &answer.findings {
            let key = prepared.call.batch.rows.keys.get(finding.row as usize).copied().unwrap_or(NO_KEY);
            let text = prepared.keys.get(key as usize);
            let own = prepared.call.batch.rows.references.get(finding.row as usize);
            for reference in finding.evidence.iter().filter(|reference| Some(*reference) != own) {
                self.resolve(rows, shown, key, text, *reference)?;
            }
        }
        Ok(())
    }

    /// The event of a reference: a row of the same key in this call, or one kept with the key.
    fn resolve(
        &self,
        rows: &[Row<'_>],
        shown: &Shown,
        key: u32,
        text: Option<&Arc<str>>,
        reference: u64,
    ) -> Result<Evidence, CallFailure> {
        if key != NO_KEY {
            if let Some(row) = shown.row(key, reference).and_then(|row| rows.get(row)) {
                return Ok(evidence_of(reference, row.sequenced));
            }
            if let Some(kept) = text.and_then(|text| self.rule.state.kept(text, reference)) {
                return Ok(kept.clone());
            }
        }
        invalid(format!("reference {reference:016x} is neither the row's own nor kept with its key"))
    }
}

/// The references of a call's rows, by key; empty when the answer names none.
struct Shown(BTreeMap<(u32, u64), usize>);

impl Shown {
    fn of(call: &DetectionCall, answer: &DetectionAnswer) -> Shown {
        if answer.findings.is_empty() && answer.states.iter().all(|slot| slot.kept.is_empty()) {
            return Shown(BTreeMap::new());
        }
        let rows = &call.batch.rows;
        Shown(rows.keys.iter().copied().zip(rows.references.iter().copied()).zip(0..).collect())
    }

    fn row(&self, key: u32, reference: u64) -> Option<usize> {
        self.0.get(&(key, reference)).copied()
    }
}

fn evidence_of(reference: u64, row: &Sequenced) -> Evidence {
    Evidence { reference, event_id: row.event.id.to_string(), event_time: row.event.time, raw: row.event.raw.digest }
}

fn by_row(diagnostics: &[Diagnostic]) -> BTreeMap<usize, Vec<&Diagnostic>> {
    let mut rows: BTreeMap<usize, Vec<&Diagnostic>> = BTreeMap::new();
    for diagnostic in diagnostics {
        rows.entry(diagnostic.row as usize).or_default().push(diagnostic);
    }
    rows
}

/// Whether a batch and the one-row calls said the same, row by row. The evidence may differ: a batch can cite rows
/// of its own that a single call was never shown.
fn same_findings(said: &[&AnswerFinding], batch_positions: &[u64], again: &[(u64, AnswerFinding)]) -> bool {
    let plain = |position: u64, finding: &AnswerFinding| {
        (position, AnswerFinding { row: 0, evidence: Vec::new(), ..finding.clone() })
    };
    let mut said: Vec<_> = said
        .iter()
        .map(|finding| plain(batch_positions.get(finding.row as usize).copied().unwrap_or_default(), finding))
        .collect();
    said.sort_by_key(|(position, _)| *position);
    let again: Vec<_> = again.iter().map(|(position, finding)| plain(*position, finding)).collect();
    said == again
}
