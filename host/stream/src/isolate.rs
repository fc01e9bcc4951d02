//! Calls, and what happens when one fails: from the same state again, split down to the row, and only that row is set
//! aside. On a finding the one-row calls are made: they are authoritative, and the sentinel against a rule that
//! answers differently when asked again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_model::call::{
    AnswerFinding, CallFailure, DetectionAnswer, DetectionCall, Diagnostic, FailureKind, NO_KEY,
};
use countersign_model::vocabulary::SignalClass;
use countersign_model::{ContextState, Finding, StateEntry, Timestamp};

use crate::Sequenced;
use crate::outcome::{Bundle, Disagreement, Found, Outcome, RowDiagnostic, RowFailure};
use crate::rule::{Prepared, Row, RuleStream};
use crate::shown::{Shown, evidence_of};
use crate::subject::evidence_role;
use crate::timers::{OfKey, Setting, apply};
use crate::validate::{part, validate};

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

/// Rows that are judged again together: those of a key, or one without a key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Key(u32),
    Row(usize),
}

impl Group {
    fn of(keys: &[u32], row: usize) -> Group {
        keys.get(row).filter(|key| **key != NO_KEY).map_or(Group::Row(row), |key| Group::Key(*key))
    }
}

/// What a batch said about a group, and what its one-row calls came to.
#[derive(Default)]
struct Again<'a> {
    said: Vec<&'a AnswerFinding>,
    changes: Vec<Change>,
    /// What the batch did to the key's timers.
    settings: Vec<Setting>,
    /// The key's state before the batch, slot by slot.
    before: Vec<Option<StateEntry>>,
    /// The key's timers before the batch.
    timers: OfKey,
    /// The one-row calls that didn't fail, by the row's place in the batch.
    bundles: Vec<(usize, Arc<Bundle>)>,
    failed: bool,
    /// The last row that was judged again.
    last: Option<&'a Row<'a>>,
}

/// An answer that keeps the contract, with the state it leads to.
struct Checked {
    answer: DetectionAnswer,
    changes: Vec<Change>,
    settings: Vec<Setting>,
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
            self.some(now, 0, false);
            rest = later;
            self.rule.rows_per_call = self.rule.rows_per_call.saturating_mul(2);
        }
    }

    /// Judges some rows. `missed` says that a call with these rows, and maybe others, missed the deadline already.
    fn some(&mut self, rows: &[Row<'_>], splits: u32, missed: bool) {
        if rows.is_empty() || self.outcome.stopped.is_some() {
            return;
        }
        let prepared = self.rule.prepare(rows);
        let failure = match self.call(rows, &prepared) {
            Ok(checked) => return self.accept(rows, &prepared, checked),
            Err(failure) => failure,
        };
        match (rows, failure.kind) {
            (_, FailureKind::Deadline) if !missed => rows.chunks(1).for_each(|row| self.some(row, splits, true)),
            ([row], _) => self.lone(row, failure),
            (_, FailureKind::FuelExhausted) if splits >= SPLITS_BY_HALF => {
                rows.chunks(1).for_each(|row| self.some(row, splits, missed));
            }
            (_, kind) => {
                if kind == FailureKind::FuelExhausted {
                    self.rule.rows_per_call = (rows.len() / 4).max(1);
                }
                let (first, second) = rows.split_at(rows.len() / 2);
                self.some(first, splits + 1, missed);
                self.some(second, splits + 1, missed);
            }
        }
    }

    /// What a row comes to that failed alone: it is set aside, or stops the rule if it missed the deadline twice.
    fn lone(&mut self, row: &Row<'_>, failure: CallFailure) {
        let failed = RowFailure { row: row.sequenced.clone(), failure };
        match failed.failure.kind {
            FailureKind::Deadline => self.outcome.stopped = Some(failed),
            _ => self.outcome.failures.push(failed),
        }
    }

    /// One call, its answer checked in full.
    fn call(&self, rows: &[Row<'_>], prepared: &Prepared) -> Result<Checked, CallFailure> {
        let answer = self.rule.detector.detect(&prepared.call)?;
        let sequenced: Vec<&Sequenced> = rows.iter().map(|row| row.sequenced).collect();
        validate(&self.rule.declaration, &sequenced, &prepared.call, prepared.keys.len(), &answer)?;
        let mut shown = Shown::of(&self.rule.state, rows, prepared, &answer);
        let changes = self.changes(&answer, &mut shown)?;
        references(prepared, &answer, &mut shown)?;
        let settings = self.rule.timers.settings(prepared, &answer.timers)?;
        Ok(Checked { answer, changes, settings })
    }

    /// Takes a batch's answer: keys without findings as they are, keys with findings by one-row calls from the batch's
    /// first state, in the order of the rows.
    fn accept(&mut self, rows: &[Row<'_>], prepared: &Prepared, checked: Checked) {
        let Checked { answer, changes, settings } = checked;
        let keys = &prepared.call.batch.rows.keys;
        let group_of = |row: usize| Group::of(keys, row);
        let mut groups: BTreeMap<Group, Again<'_>> = BTreeMap::new();
        for finding in &answer.findings {
            groups.entry(group_of(finding.row as usize)).or_default().said.push(finding);
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
        for (row, diagnostics) in by_row(&answer.diagnostics) {
            if !groups.contains_key(&group_of(row)) {
                self.diagnose(rows.get(row), &diagnostics);
            }
        }
        if groups.is_empty() {
            return;
        }

        for (place, row) in rows.iter().enumerate() {
            let Some(group) = groups.get_mut(&group_of(place)) else { continue };
            if group.last.is_none() {
                group.before = row.key.as_deref().map(|key| self.entries(key)).unwrap_or_default();
                group.timers = row.key.as_deref().map(|key| self.rule.timers.of_key(key)).unwrap_or_default();
            }
            group.last = Some(row);
            match self.again(row) {
                Ok(bundle) => group.bundles.push((place, bundle)),
                Err(failure) => {
                    group.failed = true;
                    self.lone(row, failure);
                }
            }
            // What comes after the row at which the rule is stopped isn't judged, what comes before it is.
            if self.outcome.stopped.is_some() {
                return;
            }
        }
        for group in groups.into_values() {
            self.compare(rows, group);
        }
    }

    /// The one-row call of a row, made once more if it misses the deadline, and what it leads to.
    fn again(&mut self, row: &Row<'_>) -> Result<Arc<Bundle>, CallFailure> {
        let single = std::slice::from_ref(row);
        let prepared = self.rule.prepare(single);
        let checked = match self.call(single, &prepared) {
            Err(failure) if failure.kind == FailureKind::Deadline => self.call(single, &prepared),
            checked => checked,
        };
        let Checked { answer, changes, settings } = checked?;
        let found = self.findings(row, &prepared, &answer);
        settings.into_iter().for_each(|setting| self.rule.timers.set(row, setting));
        self.diagnose(Some(row), &answer.diagnostics.iter().collect::<Vec<_>>());
        for change in changes {
            if let Some(key) = &row.key {
                self.rule.state.set(change.slot, key, change.entry);
            }
        }
        // The rule's data is the same for every call and may be large.
        let call = DetectionCall { data: Vec::new(), ..prepared.call };
        let bundle = Arc::new(Bundle { call, answer });
        self.outcome.found.extend(found.into_iter().zip(0..).map(|(finding, place)| Found {
            finding,
            row: row.sequenced.clone(),
            place,
            bundle: Arc::clone(&bundle),
        }));
        Ok(bundle)
    }

    /// Holds what a batch said about a group against its one-row calls.
    fn compare(&mut self, rows: &[Row<'_>], group: Again<'_>) {
        let Again { said, changes, settings, before, mut timers, bundles, failed, last: Some(last) } = group else {
            return;
        };
        let same_state = last.key.as_ref().is_none_or(|key| {
            let mut expected = before;
            for change in changes {
                if let Some(place) = expected.get_mut(change.slot) {
                    *place = change.entry;
                }
            }
            let same = |(a, b): (&Option<StateEntry>, &Option<StateEntry>)| match (a, b) {
                (Some(a), Some(b)) => a.blob == b.blob && a.kept == b.kept,
                (a, b) => a.is_none() && b.is_none(),
            };
            expected.iter().zip(&self.entries(key)).all(same)
        });
        for setting in &settings {
            rows.get(setting.row).into_iter().for_each(|row| apply(&mut timers, row, setting));
        }
        let same_timers = last.key.as_ref().is_none_or(|key| timers == self.rule.timers.of_key(key));
        let what = match (!failed && same_findings(said, &bundles), failed || same_state, failed || same_timers) {
            (true, true, true) => return,
            (false, _, _) => "findings",
            (true, false, _) => "state",
            (true, true, false) => "timers",
        };
        self.outcome.disagreements.push(Disagreement { row: last.sequenced.clone(), what });
    }

    fn entries(&self, key: &str) -> Vec<Option<StateEntry>> {
        (0..self.rule.state.slots().len()).map(|slot| self.rule.state.get(slot, key).cloned()).collect()
    }

    fn diagnose(&mut self, row: Option<&Row<'_>>, diagnostics: &[&Diagnostic]) {
        let Some(row) = row else { return };
        self.outcome.diagnostics.extend(diagnostics.iter().zip(0..).map(|(diagnostic, index)| RowDiagnostic {
            row: row.sequenced.clone(),
            index,
            level: diagnostic.level,
            message: diagnostic.message.clone(),
        }));
    }

    /// The findings of a one-row call, tied to their events.
    fn findings(&self, row: &Row<'_>, prepared: &Prepared, answer: &DetectionAnswer) -> Vec<Finding> {
        let event = &row.sequenced.event;
        let own = prepared.call.batch.rows.references.first().copied().unwrap_or_default();
        let mut shown = Shown::of(&self.rule.state, std::slice::from_ref(row), prepared, answer);
        answer
            .findings
            .iter()
            .filter_map(|finding| {
                let host_role = evidence_role(finding.subject, event);
                let mut evidence = vec![evidence_of(own, row.sequenced)];
                let mut cited = BTreeSet::from([own]);
                for reference in &finding.evidence {
                    if cited.insert(*reference) {
                        evidence.extend(shown.kept(ONLY_KEY, *reference).cloned());
                    }
                }
                Some(Finding {
                    rule: self.rule.declaration.id.clone(),
                    position: row.sequenced.position,
                    // Counted through all rows of the position at the end.
                    index: 0,
                    occasion: row.sequenced.occasion(),
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
                    context: ContextState::of(&prepared.call.context),
                })
            })
            .collect()
    }

    /// The new entries that the answer leads to.
    fn changes(&self, answer: &DetectionAnswer, shown: &mut Shown<'_>) -> Result<Vec<Change>, CallFailure> {
        let mut changes = Vec::with_capacity(answer.states.iter().map(|slot| slot.keys.len()).sum());
        for slot_changes in &answer.states {
            let slot = slot_changes.slot as usize;
            let version = self.rule.declaration.slots.get(slot).map_or(1, |slot| slot.version);
            for (index, key) in slot_changes.keys.iter().enumerate() {
                let blob = part(&slot_changes.blobs, &slot_changes.blob_offsets, index);
                let kept = part(&slot_changes.kept, &slot_changes.kept_offsets, index);
                let kept = kept.iter().map(|reference| Ok(shown.find(*key, *reference)?.evidence(*reference)));
                let entry = StateEntry {
                    version,
                    blob: blob.to_vec(),
                    kept: kept.collect::<Result<_, CallFailure>>()?,
                    // Set where the entry is.
                    changed: Timestamp::default(),
                };
                changes.push(Change { key: *key, slot, entry: (!blob.is_empty()).then_some(entry) });
            }
        }
        Ok(changes)
    }
}

/// Checks that every reference of a finding is one that the rule was shown for that key.
fn references(prepared: &Prepared, answer: &DetectionAnswer, shown: &mut Shown<'_>) -> Result<(), CallFailure> {
    let rows = &prepared.call.batch.rows;
    for finding in &answer.findings {
        let key = rows.keys.get(finding.row as usize).copied().unwrap_or(NO_KEY);
        let own = rows.references.get(finding.row as usize);
        for reference in finding.evidence.iter().filter(|reference| Some(*reference) != own) {
            shown.find(key, *reference)?;
        }
    }
    Ok(())
}

/// The key of a one-row call, if its row has one.
const ONLY_KEY: u32 = 0;

fn by_row(diagnostics: &[Diagnostic]) -> BTreeMap<usize, Vec<&Diagnostic>> {
    let mut rows: BTreeMap<usize, Vec<&Diagnostic>> = BTreeMap::new();
    for diagnostic in diagnostics {
        rows.entry(diagnostic.row as usize).or_default().push(diagnostic);
    }
    rows
}

/// Whether a batch and the one-row calls said the same, row by row. The evidence may differ: a batch can cite rows
/// of its own that a single call was never shown.
fn same_findings(mut said: Vec<&AnswerFinding>, bundles: &[(usize, Arc<Bundle>)]) -> bool {
    let plain =
        |row: usize, finding: &AnswerFinding| (row, AnswerFinding { row: 0, evidence: Vec::new(), ..finding.clone() });
    said.sort_by_key(|finding| finding.row);
    let said = said.into_iter().map(|finding| plain(finding.row as usize, finding));
    let again =
        bundles.iter().flat_map(|(row, bundle)| bundle.answer.findings.iter().map(|finding| plain(*row, finding)));
    said.eq(again)
}

#[cfg(test)]
#[path = "../tests/unit/isolate_again.rs"]
mod again;
#[cfg(test)]
#[path = "../tests/unit/isolate.rs"]
mod tests;
