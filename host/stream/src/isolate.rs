//! Calls, and how a failure is isolated: the call is repeated from the same state with fewer rows, down to one, and only
//! the row that fails alone is set aside. A row that misses the deadline twice stops the rule for its source for a while.
//! Rows with findings are called again one by one (`recheck`).

mod recheck;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_model::call::{CallFailure, DetectionAnswer, Diagnostic, FailureKind, NO_KEY};
use countersign_model::{SourceId, StateEntry, Timestamp};

use crate::Sequenced;
use crate::citable::Citable;
use crate::holds::is_held;
use crate::outcome::{Outcome, RowDiagnostic, RowFailure, RowHold};
use crate::rule::{Prepared, Row, RuleStream};
use crate::spent::{diagnostics_bytes, most_diagnostics_bytes};
use crate::timers::TimerSetting;
use crate::validate::{MAX_DIAGNOSTICS_PER_ROW, MAX_MESSAGE_BYTES, part, validate};
use recheck::Recheck;

/// After so many splits for lack of fuel the rows are called one by one: at most 2 N calls for N rows.
const MAX_SPLITS_BY_HALF: u32 = 3;

/// The most that the diagnostics of one row take, bytes.
const MAX_ROW_DIAGNOSTICS: u64 = most_diagnostics_bytes(MAX_DIAGNOSTICS_PER_ROW, MAX_MESSAGE_BYTES);

/// Judges some rows of a rule and collects their outcome.
pub(crate) struct Judging<'r> {
    rule: &'r mut RuleStream,
    outcome: Outcome,
    /// How many rows were held.
    held: u64,
}

/// New state of one key of one slot, references resolved to events.
struct Change {
    key: u32,
    slot: usize,
    entry: Option<StateEntry>,
}

/// Rows that are called again together: those of a key, or one without a key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Key(u32),
    Row(usize),
}

impl Group {
    fn of_row(keys: &[u32], row: usize) -> Group {
        keys.get(row).filter(|key| **key != NO_KEY).map_or(Group::Row(row), |key| Group::Key(*key))
    }
}

/// An answer that keeps the contract, with the state and timers that it leads to.
struct Checked {
    answer: DetectionAnswer,
    changes: Vec<Change>,
    settings: Vec<TimerSetting>,
}

impl<'r> Judging<'r> {
    pub(crate) fn new(rule: &'r mut RuleStream) -> Judging<'r> {
        Judging { rule, outcome: Outcome::default(), held: 0 }
    }

    /// The outcome of so many rows.
    pub(crate) fn finish(mut self, rows: &[Row<'_>]) -> Outcome {
        self.outcome.held = self.held;
        self.outcome.delivered = (rows.len() as u64).saturating_sub(self.held);
        self.outcome
    }

    /// Judges all rows, in calls of as many rows as the rule's fuel has proved enough for.
    pub(crate) fn judge_all(&mut self, rows: &[Row<'_>]) {
        let mut rest = rows;
        while !rest.is_empty() {
            let rows = rest.get(..self.rule.rows_per_call.max(1)).unwrap_or(rest);
            let (now, later) = rest.split_at(self.rule.rows_that_fit(rows).min(rest.len()));
            self.judge_or_split(now, 0, false);
            self.rule.keep_within();
            rest = later;
            self.rule.rows_per_call = self.rule.rows_per_call.saturating_mul(2);
        }
    }

    /// Judges rows in one call; if it fails, in several. `missed` says that a call with these rows, and maybe others,
    /// has missed the deadline before.
    fn judge_or_split(&mut self, rows: &[Row<'_>], splits: u32, missed: bool) {
        // Rows before these have been judged, rows after them haven't: what is held now is what is held at their place.
        let admitted: Vec<Row<'_>>;
        let rows = if self.rule.holds.hold_any() {
            admitted = self.admitted(rows);
            admitted.as_slice()
        } else {
            rows
        };
        if rows.is_empty() {
            return;
        }
        let prepared = self.rule.prepare(rows);
        let failure = match self.call(rows, &prepared) {
            Ok(checked) if self.diagnostics_fit(rows, &prepared, &checked.answer) => {
                return self.apply_answer(rows, &prepared, checked);
            }
            Ok(_) => None,
            Err(failure) => Some(failure),
        };
        let Some(failure) = failure else {
            let (first, second) = rows.split_at(rows.len() / 2);
            self.judge_or_split(first, splits, missed);
            return self.judge_or_split(second, splits, missed);
        };
        match (rows, failure.kind) {
            (_, FailureKind::Deadline) if !missed => {
                rows.chunks(1).for_each(|row| self.judge_or_split(row, splits, true));
            }
            ([row], _) => self.set_aside(row, failure),
            (_, FailureKind::FuelExhausted) if splits >= MAX_SPLITS_BY_HALF => {
                rows.chunks(1).for_each(|row| self.judge_or_split(row, splits, missed));
            }
            (_, kind) => {
                if kind == FailureKind::FuelExhausted {
                    self.rule.rows_per_call = (rows.len() / 4).max(1);
                }
                let (first, second) = rows.split_at(rows.len() / 2);
                self.judge_or_split(first, splits + 1, missed);
                self.judge_or_split(second, splits + 1, missed);
            }
        }
    }

    /// Sets aside a row that failed alone. One that missed the deadline twice stops the rule for its source instead.
    fn set_aside(&mut self, row: &Row<'_>, failure: CallFailure) {
        let holds = &mut self.rule.holds;
        let begun = match failure.kind {
            FailureKind::Deadline => Some(holds.miss_deadline(row.sequenced, failure.message)),
            kind => {
                self.outcome.failures.push(RowFailure { row: row.sequenced.clone(), failure });
                // What was too much for the record of the time is no fault of the rule's code; and it shows only when a
                // batch's answer is applied, when rows after it may have been judged.
                if kind == FailureKind::TooLarge { None } else { holds.fail(row.sequenced, kind) }
            }
        };
        if let Some(begun) = begun {
            // A timer waits for what its rule now doesn't see: it would fire after the hold for rows that did come.
            self.rule.timers.drop_set_by(|event| is_held(std::slice::from_ref(&begun.hold), event));
            self.outcome.begun.push(RowHold { row: row.sequenced.clone(), begun });
        }
    }

    /// The rows of these that aren't held.
    fn admitted<'a>(&mut self, rows: &[Row<'a>]) -> Vec<Row<'a>> {
        let (admitted, held): (Vec<_>, Vec<_>) =
            rows.iter().cloned().partition(|row| self.rule.holds.admits(row.sequenced));
        self.held += held.len() as u64;
        admitted
    }

    /// Makes one call and checks its answer in full.
    fn call(&self, rows: &[Row<'_>], prepared: &Prepared) -> Result<Checked, CallFailure> {
        let answer = self.rule.detector.detect(&prepared.call)?;
        let sequenced: Vec<&Sequenced> = rows.iter().map(|row| row.sequenced).collect();
        validate(&self.rule.declaration, &sequenced, &prepared.call, prepared.keys.len(), &answer)?;
        let mut citable = Citable::new(&self.rule.state, rows, prepared, &answer);
        let changes = self.changes(&answer, &mut citable)?;
        check_references(prepared, &answer, &mut citable)?;
        let settings = self.rule.timers.settings(prepared, &answer.timers)?;
        if let [row] = rows {
            let bytes = diagnostics_bytes(&answer.diagnostics);
            self.rule.spending.check_diagnostics(&row.sequenced.event.source, bytes, &self.rule.kept)?;
        }
        Ok(Checked { answer, changes, settings })
    }

    /// Applies a batch's answer: keys without findings as they are, keys with findings and those in the sample by one-row
    /// calls from the state before the batch, in the order of the rows.
    fn apply_answer(&mut self, rows: &[Row<'_>], prepared: &Prepared, checked: Checked) {
        let Checked { answer, changes, settings } = checked;
        let keys = &prepared.call.batch.rows.keys;
        let group_of = |row: usize| Group::of_row(keys, row);
        let mut groups: BTreeMap<Group, Recheck<'_>> = BTreeMap::new();
        for finding in &answer.findings {
            groups.entry(group_of(finding.row as usize)).or_default().batch_findings.push(finding);
        }
        // A row that came alone was judged alone.
        for (place, _) in rows.iter().enumerate().filter(|(_, row)| row.sampled && rows.len() > 1) {
            groups.entry(group_of(place)).or_default();
        }
        // Before anything else is applied: keys don't depend on each other.
        if let Some((place, failure)) = self.recheck(rows, keys, &mut groups) {
            return self.judge_around(rows, place, failure, |place| groups.contains_key(&group_of(place)));
        }

        for change in changes {
            let Some(text) = prepared.keys.get(change.key as usize) else { continue };
            match groups.get_mut(&Group::Key(change.key)) {
                Some(group) => group.changes.push(change),
                None => self.rule.state.set(change.slot, text, change.entry),
            }
        }
        for setting in settings {
            match (groups.get_mut(&group_of(setting.row)), rows.get(setting.row)) {
                (Some(group), _) => group.settings.push(setting),
                (None, Some(row)) => self.rule.timers.set(row, setting),
                (None, None) => {}
            }
        }
        for (row, diagnostics) in diagnostics_by_row(&answer.diagnostics) {
            if !groups.contains_key(&group_of(row)) {
                self.add_diagnostics(rows.get(row), &diagnostics);
            }
        }
        for (_, row) in rows.iter().enumerate().filter(|(place, _)| !groups.contains_key(&group_of(*place))) {
            self.note_row(row);
        }
        for group in groups.into_values() {
            self.compare_with_batch(rows, group);
        }
        rows.iter().for_each(|row| self.rule.holds.pass(row.sequenced));
    }

    /// Goes on where a row of a batch missed the deadline twice in its one-row calls: rows of its source after it are held,
    /// so nothing more of the batch's answer is used. Of the rows before it those that `called` names were called already.
    fn judge_around(&mut self, rows: &[Row<'_>], place: usize, failure: CallFailure, called: impl Fn(usize) -> bool) {
        let Some(((row, after), before)) = rows.get(place..).and_then(<[Row<'_>]>::split_first).zip(rows.get(..place))
        else {
            return;
        };
        let left: Vec<Row<'_>> =
            before.iter().enumerate().filter(|(place, _)| !called(*place)).map(|(_, row)| row.clone()).collect();
        self.judge_or_split(&left, 0, false);
        before.iter().for_each(|row| self.rule.holds.pass(row.sequenced));
        self.set_aside(row, failure);
        self.judge_or_split(after, 0, false);
    }

    /// Whether no row's diagnostics can be too much, in whatever order they are added, those of the one-row calls included
    /// that the answer leads to. Of one row that was checked with its call.
    fn diagnostics_fit(&self, rows: &[Row<'_>], prepared: &Prepared, answer: &DetectionAnswer) -> bool {
        if rows.len() == 1 {
            return true;
        }
        let keys = &prepared.call.batch.rows.keys;
        let again: BTreeSet<Group> = answer.findings.iter().map(|one| Group::of_row(keys, one.row as usize)).collect();
        let is_again = |place: usize| {
            rows.get(place).is_some_and(|row| row.sampled) || again.contains(&Group::of_row(keys, place))
        };
        let mut by_source: BTreeMap<&SourceId, u64> = BTreeMap::new();
        for diagnostic in answer.diagnostics.iter().filter(|one| !is_again(one.row as usize)) {
            let Some(row) = rows.get(diagnostic.row as usize) else { continue };
            *by_source.entry(&row.sequenced.event.source).or_default() += diagnostics_bytes([diagnostic]);
        }
        for (_, row) in rows.iter().enumerate().filter(|(place, _)| is_again(*place)) {
            *by_source.entry(&row.sequenced.event.source).or_default() += MAX_ROW_DIAGNOSTICS;
        }
        let mut after = self.rule.spending.clone();
        by_source.iter().for_each(|(source, bytes)| after.add_diagnostics(source, *bytes));
        by_source.keys().all(|source| after.fits_diagnostics(source, &self.rule.kept))
    }

    /// Notes under a row's key that it was judged.
    fn note_row(&mut self, row: &Row<'_>) {
        if let Some(key) = &row.key {
            self.rule.state.note_row(key, row.sequenced);
        }
    }

    fn entries(&self, key: &str) -> Vec<Option<StateEntry>> {
        (0..self.rule.state.slots().len()).map(|slot| self.rule.state.get(slot, key).cloned()).collect()
    }

    fn add_diagnostics(&mut self, row: Option<&Row<'_>>, diagnostics: &[&Diagnostic]) {
        let Some(row) = row else { return };
        let bytes = diagnostics_bytes(diagnostics.iter().copied());
        if bytes > 0 {
            self.rule.spending.add_diagnostics(&row.sequenced.event.source, bytes);
        }
        self.outcome.diagnostics.extend(diagnostics.iter().zip(0..).map(|(diagnostic, index)| RowDiagnostic {
            row: row.sequenced.clone(),
            index,
            level: diagnostic.level,
            message: diagnostic.message.clone(),
        }));
    }

    /// The new entries that the answer leads to.
    fn changes(&self, answer: &DetectionAnswer, citable: &mut Citable<'_>) -> Result<Vec<Change>, CallFailure> {
        let mut changes = Vec::with_capacity(answer.states.iter().map(|slot| slot.keys.len()).sum());
        for slot_changes in &answer.states {
            let slot = slot_changes.slot as usize;
            let version = self.rule.declaration.slots.get(slot).map_or(1, |slot| slot.version);
            for (index, key) in slot_changes.keys.iter().enumerate() {
                let blob = part(&slot_changes.blobs, &slot_changes.blob_offsets, index);
                let kept = part(&slot_changes.kept, &slot_changes.kept_offsets, index);
                let kept = kept.iter().map(|reference| Ok(citable.find(*key, *reference)?.evidence(*reference)));
                let entry = StateEntry {
                    version,
                    blob: Arc::from(blob),
                    kept: kept.collect::<Result<_, CallFailure>>()?,
                    // Set when the entry is stored.
                    changed: Timestamp::default(),
                };
                changes.push(Change { key: *key, slot, entry: (!blob.is_empty()).then_some(entry) });
            }
        }
        Ok(changes)
    }
}

/// Checks that every reference of a finding is one that the rule was shown for that key.
fn check_references(
    prepared: &Prepared,
    answer: &DetectionAnswer,
    citable: &mut Citable<'_>,
) -> Result<(), CallFailure> {
    let rows = &prepared.call.batch.rows;
    for finding in &answer.findings {
        let key = rows.keys.get(finding.row as usize).copied().unwrap_or(NO_KEY);
        let own = rows.references.get(finding.row as usize);
        for reference in finding.evidence.iter().filter(|reference| Some(*reference) != own) {
            citable.find(key, *reference)?;
        }
    }
    Ok(())
}

fn diagnostics_by_row(diagnostics: &[Diagnostic]) -> BTreeMap<usize, Vec<&Diagnostic>> {
    let mut rows: BTreeMap<usize, Vec<&Diagnostic>> = BTreeMap::new();
    for diagnostic in diagnostics {
        rows.entry(diagnostic.row as usize).or_default().push(diagnostic);
    }
    rows
}

#[cfg(test)]
#[path = "../tests/unit/lines.rs"]
mod lines;
#[cfg(test)]
#[path = "../tests/unit/isolate.rs"]
mod tests;
