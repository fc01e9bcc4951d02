//! The one-row calls that are made where a batch has findings. They are authoritative, and they expose a rule that
//! answers differently when it is called again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_model::call::{AnswerFinding, CallFailure, DetectionAnswer, DetectionCall, FailureKind};
use countersign_model::vocabulary::SignalClass;
use countersign_model::{ContextState, Evidence, Finding, Line, StateEntry};

use super::{Change, Checked, Group, Judging};
use crate::citable::{Citable, row_evidence};
use crate::outcome::{Bundle, BundledFinding, Disagreement};
use crate::rule::{Prepared, Row};
use crate::spent::recorded_bytes;
use crate::subject::evidence_role;
use crate::timers::{KeyTimers, TimerSetting, apply};

/// The key of a one-row call, if its row has one.
const ONLY_KEY: u32 = 0;

/// What a batch answered about a group of rows, and the results of its one-row calls.
#[derive(Default)]
pub(super) struct Recheck<'a> {
    pub(super) batch_findings: Vec<&'a AnswerFinding>,
    pub(super) changes: Vec<Change>,
    /// What the batch did to the key's timers.
    pub(super) settings: Vec<TimerSetting>,
    /// The key's state before the batch, slot by slot.
    pub(super) before: Vec<Option<StateEntry>>,
    /// The key's timers before the batch.
    pub(super) timers: KeyTimers,
    /// The one-row calls that didn't fail, by the row's place in the batch.
    pub(super) bundles: Vec<(usize, Arc<Bundle>)>,
    pub(super) failed: bool,
    /// Whether the host refused what the rule answered to a row alone: that is no contradiction.
    pub(super) refused: bool,
    /// The last row that was called alone.
    pub(super) last: Option<&'a Row<'a>>,
}

impl Judging<'_> {
    /// Calls the rows of groups one by one, in the order of the rows. Ends at one that misses the deadline twice: returns its
    /// place, and the failure. Rows after it haven't been called then.
    pub(super) fn recheck<'a>(
        &mut self,
        rows: &'a [Row<'a>],
        keys: &[u32],
        groups: &mut BTreeMap<Group, Recheck<'a>>,
    ) -> Option<(usize, CallFailure)> {
        for (place, row) in rows.iter().enumerate() {
            let Some(group) = groups.get_mut(&Group::of_row(keys, place)) else { continue };
            if group.last.is_none() {
                group.before = row.key.as_deref().map(|key| self.entries(key)).unwrap_or_default();
                group.timers = row.key.as_deref().map(|key| self.rule.timers.for_key(key)).unwrap_or_default();
            }
            group.last = Some(row);
            match self.judge_alone(row) {
                Ok(bundle) => group.bundles.push((place, bundle)),
                Err(failure) => {
                    match failure.kind {
                        FailureKind::Deadline => return Some((place, failure)),
                        FailureKind::TooLarge => group.refused = true,
                        _ => group.failed = true,
                    }
                    self.set_aside(row, failure);
                }
            }
        }
        None
    }

    /// Makes the one-row call of a row, once more if it misses the deadline, and applies its answer.
    pub(super) fn judge_alone(&mut self, row: &Row<'_>) -> Result<Arc<Bundle>, CallFailure> {
        let single = std::slice::from_ref(row);
        let prepared = self.rule.prepare(single);
        let checked = match self.call(single, &prepared) {
            Err(failure) if failure.kind == FailureKind::Deadline => self.call(single, &prepared),
            checked => checked,
        };
        let Checked { answer, changes, settings } = checked?;
        let findings = self.resolve_findings(row, &prepared, &answer);
        // The rule's data is the same for every call and may be large.
        let bundle = Arc::new(Bundle { call: DetectionCall { data: Vec::new(), ..prepared.call }, answer });
        if !findings.is_empty() {
            let source = &row.sequenced.event.source;
            // The findings share the call on record.
            let bytes = recorded_bytes(&bundle.call) + recorded_bytes(&bundle.answer) + recorded_bytes(&findings);
            self.rule.spending.check_evidence(source, bytes, &self.rule.kept)?;
            self.rule.spending.add_evidence(source, bytes);
        }
        self.note_row(row);
        settings.into_iter().for_each(|setting| self.rule.timers.set(row, setting));
        self.add_diagnostics(Some(row), &bundle.answer.diagnostics.iter().collect::<Vec<_>>());
        for change in changes {
            if let Some(key) = &row.key {
                self.rule.state.set(change.slot, key, change.entry);
            }
        }
        self.outcome.findings.extend(findings.into_iter().zip(0..).map(|(finding, place)| BundledFinding {
            finding,
            row: row.sequenced.clone(),
            place,
            bundle: Arc::clone(&bundle),
        }));
        Ok(bundle)
    }

    /// Compares what a batch answered about a group with its one-row calls.
    pub(super) fn compare_with_batch(&mut self, rows: &[Row<'_>], recheck: Recheck<'_>) {
        let Recheck { batch_findings, changes, settings, before, mut timers, bundles, failed, refused, last } = recheck;
        let Some(last) = last.filter(|_| !refused) else { return };
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
        let same_timers = last.key.as_ref().is_none_or(|key| timers == self.rule.timers.for_key(key));
        let same_findings = !failed && same_findings(batch_findings, &bundles);
        let what = match (same_findings, failed || same_state, failed || same_timers) {
            (true, true, true) => return,
            (false, _, _) => "findings",
            (true, false, _) => "state",
            (true, true, false) => "timers",
        };
        self.outcome.disagreements.push(Disagreement { row: last.sequenced.clone(), what });
    }

    /// The findings of a one-row call, with references resolved to events.
    fn resolve_findings(&self, row: &Row<'_>, prepared: &Prepared, answer: &DetectionAnswer) -> Vec<Finding> {
        let event = &row.sequenced.event;
        let own = prepared.call.batch.rows.references.first().copied().unwrap_or_default();
        let mut line = row.key.as_deref().map_or(Line::STRONGEST, |key| self.rule.state.line(key));
        line.weaken(&row.sequenced.line());
        let mut citable = Citable::new(&self.rule.state, std::slice::from_ref(row), prepared, answer);
        answer
            .findings
            .iter()
            .filter_map(|finding| {
                let host_role = evidence_role(finding.subject, event);
                let mut evidence = vec![row_evidence(own, row.sequenced)];
                let mut cited = BTreeSet::from([own]);
                for reference in &finding.evidence {
                    if cited.insert(*reference) {
                        evidence.extend(citable.kept(ONLY_KEY, *reference).map(|kept| Evidence::clone(kept)));
                    }
                }
                Some(Finding {
                    rule: self.rule.declaration.id.clone(),
                    position: row.sequenced.position,
                    // Numbered through all rows of the position at the end.
                    index: 0,
                    occasion: row.sequenced.occasion.recorded(),
                    event_id: event.id.to_string(),
                    event_time: event.time,
                    signal_class: SignalClass::from_id(&finding.signal_class)?,
                    confidence: finding.confidence,
                    severity: finding.severity.min(self.rule.greatest_severity),
                    role: finding.subject,
                    evidence_role: finding.evidence_role.map_or(host_role, |role| role.min(host_role)),
                    evidence,
                    techniques: finding.techniques.clone(),
                    message: finding.message.clone(),
                    context: ContextState::of(&prepared.call.context),
                    line: line.clone(),
                })
            })
            .collect()
    }
}

/// Whether a batch and the one-row calls have the same findings, row by row. The evidence may differ: a batch can cite
/// rows of its own that a one-row call was never shown.
fn same_findings(mut batch: Vec<&AnswerFinding>, bundles: &[(usize, Arc<Bundle>)]) -> bool {
    let without_evidence =
        |row: usize, finding: &AnswerFinding| (row, AnswerFinding { row: 0, evidence: Vec::new(), ..finding.clone() });
    batch.sort_by_key(|finding| finding.row);
    let batch = batch.into_iter().map(|finding| without_evidence(finding.row as usize, finding));
    let alone = bundles
        .iter()
        .flat_map(|(row, bundle)| bundle.answer.findings.iter().map(|finding| without_evidence(*row, finding)));
    batch.eq(alone)
}

#[cfg(test)]
#[path = "../../tests/unit/isolate_evidence.rs"]
mod evidence;
#[cfg(test)]
#[path = "../../tests/unit/isolate_recheck.rs"]
mod tests;
