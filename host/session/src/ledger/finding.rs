//! Records cases: findings, what response rules answered, and the decisions.

use std::sync::Arc;

use countersign_audit::Record;
use countersign_audit::record::DiagnosticRecord;
use countersign_casework::respond::call_response_rule;
use countersign_casework::{Case, CaseDecision, CaseFinding, CaseResponse, Casework};
use countersign_generation::Rule;
use countersign_model::call::FailureKind;
use countersign_model::response::ResponseDiagnostic;
use countersign_model::{Occasion, RuleId};
use countersign_stream::{BegunHold, BundledFinding, Sequenced};

use super::{Ledger, PageIntent, row_name};
use crate::error::SessionError;
use crate::report::{DecisionLine, FindingLine, Line, Notice};

impl Ledger {
    /// Decides on a finding, and records it with the decisions.
    pub(super) fn record_finding(&mut self, rule: &Rule, finding: BundledFinding) -> Result<(), SessionError> {
        let generation = Arc::clone(&self.generation);
        let row = finding.row.clone();
        let suspect = self.is_suspect(rule, &row.event);
        let (others, now) = (self.kept_sources(rule, row.position), self.circumstances());
        let casework = Casework::new(&generation, self.number, &self.key);
        let case = casework.decide(finding, suspect, others, &now, |id, inputs| {
            let rule = generation.responses.iter().find(|rule| rule.identity.id == *id)?;
            (!self.is_response_held(id, &row.event)).then(|| call_response_rule(rule, inputs))
        });
        match case {
            Ok(case) => self.record_case(case, &row),
            // What can't be stored is set aside, as what a rule fails on.
            Err(error) => {
                self.record_set_aside(row.position, &rule.identity.id, row_name(&row), error.failure());
                Ok(())
            }
        }
    }

    /// Records a case of a finding in a row.
    fn record_case(&mut self, case: Case, row: &Sequenced) -> Result<(), SessionError> {
        let (position, name) = (row.position, row_name(row));
        case.blobs().for_each(|blob| self.page.blobs.add(blob.clone()));
        let Case { findings, responses, inputs, decisions, .. } = case;
        for CaseFinding { record, bundle, .. } in findings {
            let id = bundle.rule.id.clone();
            self.page.records.push(Record::Finding(record));
            self.page.line(Line::Finding(FindingLine::new(&bundle.finding, &bundle.subject)));
            self.page.findings.push(bundle.finding);
            self.summary.findings += 1;
            *self.summary.findings_by_rule.entry(id.clone()).or_default() += 1;
            self.last_findings.insert(id.clone(), row.clock);
            self.counted.insert(id);
        }
        for CaseResponse { response, .. } in responses {
            let id = response.bundle.rule.id.clone();
            if let Ok(answer) = &response.bundle.answer {
                self.record_diagnostics(position, &id, &name, &answer.diagnostics);
            }
            match response.failure {
                Some(failure) if failure.kind == FailureKind::Deadline => {
                    let begun = BegunHold::by_deadline(row.event.source.clone(), row.clock, failure.message);
                    self.hold_response(position, &id, name.clone(), begun)?;
                }
                Some(failure) => self.record_set_aside(position, &id, name.clone(), failure),
                None => {}
            }
        }
        for CaseDecision { record, intent } in decisions {
            *self.summary.decisions.entry(record.decision.kind.id()).or_default() += 1;
            let line = DecisionLine::new(self.number, &record.rule.version, &inputs.incident, &record.decision);
            self.page.records.push(Record::Decision(Box::new(record)));
            self.summary.observing += u64::from(line.as_ref().is_some_and(DecisionLine::observes));
            line.into_iter().for_each(|line| self.page.line(Line::Decision(Box::new(line))));
            let record = self.page.records.len() - 1;
            self.page.intents.extend(intent.map(|draft| PageIntent { record, draft }));
        }
        Ok(())
    }

    fn record_diagnostics(
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
