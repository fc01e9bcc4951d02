//! A record as a row of the table, and as a line of JSON.

use std::io;

use countersign_audit::Record;
use countersign_audit::record::{DecisionRecord, FindingRecord, Header};
use countersign_gate::GateInputs;
use countersign_model::vocabulary::{Action, EvidenceRole, Severity, SignalClass, SubjectRole};
use countersign_model::{Account, DecisionKind, Digest, Reason, RuleId, Timestamp};
use countersign_session::DecisionLine;
use serde::Serialize;

use crate::audit::evidence::{Evidence, Read};
use crate::audit::standing::Numbered;
use crate::audit::words;
use crate::decisions;
use crate::out::Out;
use crate::table::{Cell, toned};
use crate::text;

use super::filter::rule;

/// Reads the inputs of decisions; those on one incident have the same.
pub(super) struct InputsReader<'l> {
    evidence: Evidence<'l>,
    last: Option<(Digest, Read<GateInputs>)>,
    why_not: Option<String>,
}

impl<'l> InputsReader<'l> {
    pub(super) fn new(evidence: Evidence<'l>) -> InputsReader<'l> {
        InputsReader { evidence, last: None, why_not: None }
    }

    pub(super) fn check_key(&mut self, header: &Header) {
        self.evidence.check_key(header);
    }

    /// The inputs of a decision; none if they can't be read.
    pub(super) fn inputs(&mut self, decision: &DecisionRecord) -> Option<&GateInputs> {
        if self.last.as_ref().is_none_or(|(name, _)| *name != decision.inputs) {
            let inputs = self.evidence.inputs(&decision.inputs);
            if let (None, Err(why)) = (&self.why_not, &inputs) {
                self.why_not = Some(why.clone());
            }
            self.last = Some((decision.inputs, inputs));
        }
        self.last.as_ref().and_then(|(_, inputs)| inputs.as_ref().ok())
    }

    /// Why inputs couldn't be read: the first time.
    pub(super) fn why_not(&self) -> Option<&str> {
        self.why_not.as_deref()
    }
}

/// A decision to be listed.
pub(super) struct DecisionRow<'r> {
    seq: u64,
    record: &'r DecisionRecord,
    finding: Option<&'r FindingRecord>,
    /// The line that `replay` printed; none if the decision's inputs can't be read.
    line: Option<DecisionLine>,
}

/// A line with the number of its record, as `replay --json` prints it.
#[derive(Serialize)]
struct NumberedLine<'r> {
    #[serde(flatten)]
    line: &'r DecisionLine,
    seq: u64,
}

/// The same line as far as it is known without the evidence.
#[derive(Serialize)]
#[serde(tag = "type", rename = "decision")]
struct RecordedLine<'r> {
    event_id: &'r str,
    event_time: Timestamp,
    rule: &'r RuleId,
    rule_version: &'r str,
    identity: (),
    account: Option<&'r Account>,
    identity_type: (),
    tier: (),
    usage: (),
    role: Option<SubjectRole>,
    evidence_role: Option<EvidenceRole>,
    signal_class: Option<SignalClass>,
    severity: Option<Severity>,
    confidence: u8,
    floor: u8,
    response_rule: Option<&'r RuleId>,
    requested_action: Option<Action>,
    action: Option<Action>,
    lease: Option<u32>,
    decision: DecisionKind,
    reasons: &'r [Reason],
    message: (),
    techniques: Option<&'r [String]>,
    evidence: Option<Vec<&'r str>>,
    generation: u64,
    seq: u64,
}

impl<'r> DecisionRow<'r> {
    pub(super) fn new(
        seq: u64,
        record: &'r DecisionRecord,
        finding: Option<&'r Numbered<FindingRecord>>,
        inputs: Option<&GateInputs>,
    ) -> DecisionRow<'r> {
        let line = inputs.and_then(|inputs| {
            DecisionLine::new(record.generation, &record.rule.version, &inputs.incident, &record.decision)
        });
        DecisionRow { seq, record, finding: finding.map(|finding| &finding.record), line }
    }

    /// The subject's id, else its account; none when unresolved.
    pub(super) fn identity(&self) -> Option<String> {
        match &self.line {
            Some(line) => line.identity.clone(),
            None => self.record.decision.account.as_ref().map(ToString::to_string),
        }
    }

    pub(super) fn cells(&self) -> Vec<Cell> {
        let decision = &self.record.decision;
        let decided = decisions::decided(decision.kind, decision.requested_action, decision.action);
        vec![
            self.seq.into(),
            self.record.event_time.into(),
            self.identity().unwrap_or_else(|| "unresolved".to_owned()).into(),
            decisions::rule(&self.record.rule.id).into(),
            decisions::requested(decision.requested_action).into(),
            toned(decisions::tone(decision.kind), &decided),
            decision.confidence.into(),
        ]
    }

    pub(super) fn print_json(&self, out: &mut Out) -> io::Result<()> {
        match &self.line {
            Some(line) => out.json(&NumberedLine { line, seq: self.seq }),
            None => out.json(&self.recorded_line()),
        }
    }

    fn recorded_line(&self) -> RecordedLine<'_> {
        let DecisionRow { seq, record, finding, .. } = self;
        let decision = &record.decision;
        RecordedLine {
            event_id: &record.event_id,
            event_time: record.event_time,
            rule: &record.rule.id,
            rule_version: &record.rule.version,
            identity: (),
            account: decision.account.as_ref(),
            identity_type: (),
            tier: (),
            usage: (),
            role: finding.map(|finding| finding.role),
            evidence_role: finding.map(|finding| finding.evidence_role),
            signal_class: finding.map(|finding| finding.signal_class),
            severity: finding.map(|finding| finding.severity),
            confidence: decision.confidence,
            floor: decision.floor,
            response_rule: decision.response_rule.as_ref(),
            requested_action: decision.requested_action,
            action: decision.action,
            lease: decision.lease,
            decision: decision.kind,
            reasons: &decision.reasons,
            message: (),
            techniques: finding.map(|finding| &*finding.techniques),
            evidence: finding.map(|finding| finding.evidence.iter().map(|event| &*event.event_id).collect()),
            generation: record.generation,
            seq: *seq,
        }
    }
}

/// A record's line: as the record has it, without the link.
#[derive(Serialize)]
pub(super) struct RecordLine<'r> {
    pub(super) seq: u64,
    #[serde(flatten)]
    pub(super) record: &'r Record,
}

/// A record among those of any type.
pub(super) fn cells(seq: u64, record: &Record) -> Vec<Cell> {
    let position = words::position(record).map(text::number).unwrap_or_default();
    vec![
        seq.into(),
        record.type_id().into(),
        position.into(),
        rule(record).map(decisions::rule).unwrap_or_default().into(),
        words::summary(record).into(),
    ]
}
