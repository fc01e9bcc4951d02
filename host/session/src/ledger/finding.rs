//! Records findings, and the decisions on them.

use std::sync::Arc;

use countersign_audit::Record;
use countersign_audit::record::{DiagnosticRecord, FindingRecord};
use countersign_engine::ENGINE_VERSION;
use countersign_model::call::{DetectionCall, FailureKind};
use countersign_model::response::ResponseDiagnostic;
use countersign_model::{Occasion, RuleId};
use countersign_stream::BundledFinding;

use super::Ledger;
use crate::error::SessionError;
use crate::report::{DecisionLine, FindingLine, Line, Notice};
use countersign_casework::bundle::{FindingBundle, to_bytes};
use countersign_casework::deliberate::{decision_records, deliberate, gather};
use countersign_casework::respond;
use countersign_casework::subject::resolve_subject;
use countersign_generation::Rule;

impl Ledger {
    /// Records a finding, and the decisions on it.
    pub(super) fn record_finding(
        &mut self,
        rule: &Rule,
        finding: BundledFinding,
    ) -> Result<(), SessionError> {
        let generation = Arc::clone(&self.generation);
        let BundledFinding { finding, row, place, bundle } = finding;
        let bundle = FindingBundle {
            rule: rule.identity.clone(),
            engine: ENGINE_VERSION.to_owned(),
            call: DetectionCall { data: Vec::new(), ..bundle.call.clone() },
            answer: bundle.answer.clone(),
            place,
            subject: resolve_subject(finding.role, finding.evidence_role, &row.event, &generation.directory),
            rule_suspect: rule.authority.lineage.iter().chain([&rule.identity.id]).any(|id| self.suspect.contains(id)),
            clock: row.clock,
            finding,
        };
        let name = self.blob(to_bytes(&bundle)?);
        let account = bundle.subject.account.clone();
        self.page.records.push(Record::Finding(FindingRecord::new(
            self.number,
            &bundle.finding,
            account,
            name,
            &self.key,
        )));
        self.page.line(Line::Finding(FindingLine::new(&bundle.finding, &bundle.subject)));
        self.summary.findings += 1;
        *self.summary.findings_by_rule.entry(rule.identity.id.clone()).or_default() += 1;

        self.counted.insert(rule.identity.id.clone());
        let inputs = gather(&generation, bundle.clock, bundle.incident());
        let stopped = &self.stopped_responses;
        let deliberation = deliberate(inputs, |id, inputs| {
            let rule = generation.responses.iter().find(|rule| rule.identity.id == *id)?;
            (!stopped.contains(id)).then(|| respond::call_response_rule(rule, inputs))
        });
        let position = bundle.finding.position;
        let row = (bundle.finding.occasion.clone(), bundle.finding.event_id.clone());
        let mut names = Vec::with_capacity(deliberation.responses.len());
        for response in &deliberation.responses {
            names.push(self.blob(to_bytes(&response.bundle)?));
            let id = response.bundle.rule.id.clone();
            if let Ok(answer) = &response.bundle.answer {
                self.record_diagnostics(position, &id, &row, &answer.diagnostics);
            }
            match &response.failure {
                Some(failure) if failure.kind == FailureKind::Deadline => {
                    self.stopped_responses.insert(id.clone());
                    self.record_stopped(position, &id, row.clone(), failure.clone())?;
                }
                Some(failure) => self.record_set_aside(position, &id, row.clone(), failure.clone()),
                None => {}
            }
        }
        let inputs = self.blob(to_bytes(&deliberation.inputs)?);
        for record in decision_records(self.number, &generation, &deliberation, &names, inputs) {
            *self.summary.decisions.entry(record.decision.kind.id()).or_default() += 1;
            let version = record.rule.version.clone();
            let line = DecisionLine::new(self.number, &version, &deliberation.inputs.incident, &record.decision);
            self.page.records.push(Record::Decision(Box::new(record)));
            line.into_iter().for_each(|line| self.page.line(Line::Decision(Box::new(line))));
        }
        self.page.findings.push(bundle.finding);
        Ok(())
    }

    pub(super) fn record_diagnostics(
        &mut self,
        position: u64,
        rule: &RuleId,
        (occasion, event_id): &(Occasion, String),
        diagnostics: &[ResponseDiagnostic],
    ) {
        for (diagnostic, index) in diagnostics.iter().zip(0..) {
            self.page.records.push(Record::Diagnostic(DiagnosticRecord {
                position,
                rule: rule.clone(),
                occasion: occasion.clone(),
                index,
                level: diagnostic.level,
                message: diagnostic.message.clone(),
            }));
            self.page.line(Line::Notice(Notice::Diagnostic {
                rule: rule.clone(),
                occasion: occasion.clone(),
                event_id: event_id.clone(),
                level: diagnostic.level,
                message: diagnostic.message.clone(),
            }));
        }
    }
}
