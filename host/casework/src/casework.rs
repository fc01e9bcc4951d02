//! From findings to decisions: findings → incident → response rules → gate → decisions. Sessions and recomputations use the
//! same code.

use std::collections::BTreeSet;

use countersign_audit::Blob;
use countersign_audit::record::{DecisionRecord, FindingRecord, FindingReference, ResponseReference};
use countersign_engine::ENGINE_VERSION;
use countersign_gate::{Circumstances, GateInputs, RuleAuthority, answering_rules, decide};
use countersign_generation::Generation;
use countersign_model::call::{CallFailure, DetectionCall, FailureKind};
use countersign_model::format::Format;
use countersign_model::incident::IncidentFinding;
use countersign_model::{Decision, DigestKey, Incident, RuleId, SourceId, Timestamp};
use countersign_stream::BundledFinding;

use crate::bounds::{Bounds, CaseError};
use crate::bundle::FindingBundle;
use crate::case::{Case, CaseDecision, CaseFinding, CaseResponse};
use crate::intent::IntentDraft;
use crate::respond::Response;
use crate::subject::resolve_subject;

/// Decides incidents under one generation. Pure but for the calls of response rules, which the caller makes.
#[derive(Clone, Copy)]
pub struct Casework<'g> {
    generation: &'g Generation,
    /// The generation's number.
    number: u64,
    key: &'g DigestKey,
    bounds: Bounds,
}

/// The gate's inputs with their blob, and the decisions that they lead to.
type Decided = (GateInputs, Blob, Vec<CaseDecision>);

impl<'g> Casework<'g> {
    /// Under a generation with a number, on a record under a key.
    #[must_use]
    pub const fn new(generation: &'g Generation, number: u64, key: &'g DigestKey) -> Casework<'g> {
        Casework { generation, number, key, bounds: Bounds::RECORD }
    }

    /// Decides on a finding of the stream. `suspect` says whether its rule, or one that feeds it, is in quarantine or not
    /// deterministic; `others` are the sources that it rests on beside that of its row. `respond` calls a response rule, as [`crate::respond::call_response_rule`] does, or doesn't where the
    /// rule is stopped for the finding's source.
    ///
    /// # Errors
    /// When the finding can't be put on record: then its row is to be set aside for its rule. What a response rule does
    /// is never an error: where its answer is too large the rule has failed for this incident.
    pub fn decide(
        &self,
        finding: BundledFinding,
        suspect: bool,
        others: BTreeSet<SourceId>,
        circumstances: &Circumstances,
        respond: impl FnMut(&RuleId, &GateInputs) -> Option<Response>,
    ) -> Result<Case, CaseError> {
        let bundle = self.bundle(finding, suspect, others)?;
        self.decide_again(vec![bundle], circumstances, respond)
    }

    /// Decides on findings whose evidence is there already, as a recomputation does.
    ///
    /// # Errors
    /// As [`Casework::decide`].
    pub fn decide_again(
        &self,
        findings: Vec<FindingBundle>,
        circumstances: &Circumstances,
        mut respond: impl FnMut(&RuleId, &GateInputs) -> Option<Response>,
    ) -> Result<Case, CaseError> {
        let findings: Vec<CaseFinding> =
            findings.into_iter().map(|bundle| self.finding(bundle)).collect::<Result<_, _>>()?;
        let clock = findings.iter().map(|finding| finding.bundle.clock).max().unwrap_or_default();
        let inputs = gather(self.generation, clock, circumstances.clone(), incident(&findings));
        let answering: Vec<&RuleId> = answering_rules(&inputs).collect();
        let mut responses: Vec<CaseResponse> = answering
            .iter()
            .filter_map(|rule| respond(rule, &inputs))
            .map(|response| self.response(response))
            .collect();
        let decided = match self.gate(inputs.clone(), &answering, &responses) {
            // What the detection is answered with must not keep it from being decided.
            Err(error) if responses.iter().any(|response| !response.response.proposals.is_empty()) => {
                for answered in responses.iter_mut().filter(|answered| !answered.response.proposals.is_empty()) {
                    let message = format!("with what is proposed, {error}");
                    answered.response.fail(CallFailure { kind: FailureKind::TooLarge, message });
                }
                self.gate(inputs.clone(), &answering, &responses)
            }
            decided => decided,
        };
        let (inputs, inputs_blob, decisions) = decided?;
        Ok(Case { findings, responses, inputs, inputs_blob, decisions })
    }

    /// The evidence of a finding.
    fn bundle(
        &self,
        finding: BundledFinding,
        suspect: bool,
        mut others: BTreeSet<SourceId>,
    ) -> Result<FindingBundle, CaseError> {
        let BundledFinding { finding, row, place, bundle } = finding;
        others.insert(row.event.source.clone());
        let Some(rule) = self.generation.rule(&finding.rule) else {
            return Err(CaseError::UnknownRule(finding.rule));
        };
        Ok(FindingBundle {
            format: Format,
            rule: rule.identity.clone(),
            engine: ENGINE_VERSION.to_owned(),
            call: DetectionCall { data: Vec::new(), ..bundle.call.clone() },
            answer: bundle.answer.clone(),
            place,
            subject: resolve_subject(finding.role, finding.evidence_role, &row.event, &self.generation.directory),
            rule_suspect: suspect,
            clock: row.clock,
            source: Some(row.event.source.clone()),
            rests_on: others,
            finding,
        })
    }

    fn finding(&self, bundle: FindingBundle) -> Result<CaseFinding, CaseError> {
        let call = self.bounds.blob("the finding's call with its answer", &bundle.call_part(), self.key)?;
        let blob = self.bounds.blob("the finding's bundle", &bundle.own_part(), self.key)?;
        let account = bundle.subject.account.clone();
        let named = (blob.name(), Some(call.name()));
        let record = FindingRecord::new(self.number, &bundle.finding, account, named, self.key);
        self.bounds.record("the finding's record", &record)?;
        Ok(CaseFinding { record, bundle, blob, call })
    }

    fn response(&self, mut response: Response) -> CaseResponse {
        match self.bounds.blob("the call with its answer", &response.bundle, self.key) {
            Ok(blob) => CaseResponse { response, blob: Some(blob) },
            Err(error) => {
                response.fail(error.failure());
                CaseResponse { response, blob: None }
            }
        }
    }

    /// Decides with what was proposed by the rules that were to answer.
    fn gate(
        &self,
        inputs: GateInputs,
        answering: &[&RuleId],
        responses: &[CaseResponse],
    ) -> Result<Decided, CaseError> {
        let proposals = responses.iter().flat_map(|answered| answered.response.proposals.iter().cloned()).collect();
        // One that is stopped, or whose answer can't be used, has failed.
        let answered = |rule: &RuleId| {
            let mut used = responses.iter().filter(|answered| answered.response.failure.is_none());
            used.any(|answered| answered.response.bundle.rule.id == *rule)
        };
        let failed_responses =
            answering.iter().filter(|rule| !answered(rule)).map(|rule| RuleId::clone(rule)).collect();
        let inputs = GateInputs { proposals, failed_responses, ..inputs };
        let blob = self.bounds.blob("the gate's inputs", &inputs, self.key)?;
        let decisions = (0..).zip(decide(&inputs)).map(|(index, decision)| {
            let intent = IntentDraft::new(&inputs, blob.name(), index, &decision, self.key);
            let record = self.record(&inputs, &blob, responses, decision)?;
            self.bounds.record("a decision's record", &record)?;
            Ok(CaseDecision { record, intent })
        });
        let decisions = decisions.collect::<Result<_, CaseError>>()?;
        Ok((inputs, blob, decisions))
    }

    /// The record of a decision.
    fn record(
        &self,
        inputs: &GateInputs,
        blob: &Blob,
        responses: &[CaseResponse],
        decision: Decision,
    ) -> Result<DecisionRecord, CaseError> {
        let incident = &inputs.incident;
        let anchor = incident.findings.get(decision.anchor).or(incident.findings.first());
        let Some(anchor) = anchor.map(|found| &found.finding) else { return Err(CaseError::NoFinding) };
        let Some(rule) = self.generation.rule(&anchor.rule) else {
            return Err(CaseError::UnknownRule(anchor.rule.clone()));
        };
        let responses = responses.iter().filter_map(|answered| {
            let rule = &answered.response.bundle.rule;
            let proposed = decision.response_rule.as_ref().is_none_or(|id| *id == rule.id);
            let bundle = answered.blob.as_ref().filter(|_| proposed)?.name();
            Some(ResponseReference { rule: rule.clone(), bundle })
        });
        Ok(DecisionRecord {
            generation: self.number,
            incident: incident.findings.iter().map(|one| FindingReference::from(&one.finding)).collect(),
            event_id: anchor.event_id.clone(),
            event_time: anchor.event_time,
            rule: rule.identity.clone(),
            responses: responses.collect(),
            decision,
            inputs: blob.name(),
        })
    }
}

/// The incident that findings make: each has its own subject.
fn incident(findings: &[CaseFinding]) -> Incident {
    let one = |(subject, finding): (usize, &CaseFinding)| IncidentFinding {
        finding: finding.bundle.finding.clone(),
        subject,
        rule_suspect: finding.bundle.rule_suspect,
        sources: finding.bundle.rests_on.clone(),
    };
    Incident {
        findings: findings.iter().enumerate().map(one).collect(),
        subjects: findings.iter().map(|finding| finding.bundle.subject.clone()).collect(),
    }
}

/// The gate's inputs for an incident, without proposals yet: the authority of its detections, of the rules that feed
/// them, and of every response rule.
fn gather(generation: &Generation, clock: Timestamp, circumstances: Circumstances, incident: Incident) -> GateInputs {
    let detections: BTreeSet<&RuleId> = incident.findings.iter().map(|one| &one.finding.rule).collect();
    let own = generation.detections.iter().filter(|rule| detections.contains(&rule.identity.id));
    let wanted: BTreeSet<&RuleId> =
        own.flat_map(|rule| rule.authority.lineage.iter().chain([&rule.identity.id])).collect();
    let rules: Vec<RuleAuthority> = generation
        .detections
        .iter()
        .filter(|rule| wanted.contains(&rule.identity.id))
        .chain(&generation.responses)
        .map(|rule| rule.authority.clone())
        .collect();
    GateInputs::new(clock, circumstances, incident, rules, &generation.policy, &generation.capabilities)
}

#[cfg(test)]
#[path = "../tests/unit/casework.rs"]
mod tests;
