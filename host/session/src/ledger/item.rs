//! Records the items of a chunk: dead letters, rows set aside, diagnostics, and the host's own findings.

use countersign_audit::Record;
use countersign_audit::record::{
    DeadLetter as DeadRecord, DiagnosticRecord, HostFinding, HostFindingKind, NotDeterministic, SetAside,
};
use countersign_formats::DeadLetter;
use countersign_model::call::CallFailure;
use countersign_model::vocabulary::{Severity, SignalClass};
use countersign_model::{Occasion, RuleId};

use super::{Ledger, row_name};
use crate::chunk::Item;
use crate::error::SessionError;
use crate::report::{Line, Notice};
use countersign_generation::Rule;

impl Ledger {
    pub(super) fn record_item(&mut self, position: u64, rule: &Rule, item: Item) -> Result<(), SessionError> {
        let id = &rule.identity.id;
        self.record_component(position, rule)?;
        match item {
            // Concerns no rule.
            Item::DeadLetter(_) => {}
            Item::SetAside(failed) => {
                self.record_set_aside(position, id, row_name(&failed.row), failed.failure);
            }
            Item::Held(held) => {
                self.holds.entry(id.clone()).or_default().push(held.begun.hold.clone());
                self.record_hold(position, id, row_name(&held.row), held.begun)?;
            }
            Item::Readmitted { hold, end } => {
                self.holds.entry(id.clone()).or_default().retain(|other| *other != hold);
                self.record_readmitted(position, id, hold, end);
            }
            Item::Disagreement(disagreement) => {
                self.page.records.push(Record::NotDeterministic(NotDeterministic {
                    position: disagreement.row.position,
                    rule: id.clone(),
                    occasion: disagreement.row.occasion.recorded(),
                    message: format!("batch and single calls disagree on {}", disagreement.what),
                }));
                let message = format!(
                    "`{id}` isn't deterministic: asked again about the same rows, its {} differ; what depends on it \
                     needs approval",
                    disagreement.what
                );
                self.suspect.insert(id.clone(), rule.identity.code);
                self.record_host_finding(position, HostFindingKind::RuleNotDeterministic, Severity::High, id, message);
            }
            Item::Diagnostic(diagnostic) => {
                self.page.records.push(Record::Diagnostic(DiagnosticRecord {
                    position,
                    rule: id.clone(),
                    occasion: diagnostic.row.occasion.recorded(),
                    index: diagnostic.index,
                    level: diagnostic.level,
                    message: diagnostic.message.clone(),
                }));
                self.page.line(Line::Notice(Notice::Diagnostic {
                    rule: id.clone(),
                    occasion: diagnostic.row.occasion.recorded(),
                    event_id: diagnostic.row.event.id.to_string(),
                    level: diagnostic.level,
                    message: diagnostic.message,
                }));
            }
            Item::Finding(finding) => self.record_finding(rule, *finding)?,
        }
        Ok(())
    }

    pub(super) fn record_dead_letter(&mut self, letter: DeadLetter) {
        self.summary.set_aside += 1;
        self.page.records.push(Record::DeadLetter(DeadRecord {
            input: letter.input,
            ordinal: letter.ordinal,
            offset: letter.offset,
            length: letter.length,
            code: letter.reason_code.code().to_owned(),
            reason: letter.reason.clone(),
        }));
        self.page.line(Line::DeadLetter(letter));
    }

    pub(super) fn record_set_aside(
        &mut self,
        position: u64,
        rule: &RuleId,
        (occasion, event_id): (Occasion, String),
        failure: CallFailure,
    ) {
        *self.summary.rows_set_aside.entry(rule.clone()).or_default() += 1;
        self.page.records.push(Record::SetAside(SetAside {
            position,
            rule: rule.clone(),
            occasion: occasion.clone(),
            event_id: event_id.clone(),
            failure: failure.kind,
            message: failure.message.clone(),
        }));
        self.counted.insert(rule.clone());
        self.page.line(Line::Notice(Notice::RowSetAside {
            rule: rule.clone(),
            occasion,
            event_id,
            failure: failure.kind,
            message: failure.message,
        }));
    }

    pub(super) fn record_host_finding(
        &mut self,
        position: u64,
        kind: HostFindingKind,
        severity: Severity,
        rule: &RuleId,
        message: String,
    ) {
        self.page.records.push(Record::HostFinding(HostFinding {
            position,
            kind,
            signal_class: SignalClass::Evasion,
            severity,
            rule: Some(rule.clone()),
            source: None,
            message: message.clone(),
        }));
        self.page.line(Line::Notice(Notice::Host { rule: rule.clone(), message }));
    }
}
