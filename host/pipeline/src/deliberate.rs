//! From an incident to decisions: the gate's inputs are gathered, response rules are asked, the gate decides. A run and a
//! recomputation go through the same code.

use std::collections::BTreeSet;

use countersign_audit::record::{DecisionRecord, FindingReference, ResponseReference};
use countersign_gate::{GateInputs, Outcome, answering_rules, decide};
use countersign_model::{Digest, Incident, RuleId, Timestamp};

use crate::generation::Generation;
use crate::respond::Response;

/// An incident, decided.
#[derive(Debug)]
pub struct Deliberation {
    /// Everything that the gate looked at.
    pub inputs: GateInputs,
    /// The response rules asked, in order of their ids.
    pub responses: Vec<Response>,
    /// What the gate decided.
    pub outcome: Outcome,
}

/// The gate's inputs for an incident, before anybody proposed anything: the authority of its detections, of the rules
/// that feed them, and of every response rule.
#[must_use]
pub fn gather(generation: &Generation, clock: Timestamp, incident: Incident) -> GateInputs {
    let found: BTreeSet<&RuleId> = incident.findings.iter().map(|found| &found.finding.rule).collect();
    let own = generation.detections.iter().filter(|rule| found.contains(&rule.identity.id));
    let wanted: BTreeSet<&RuleId> =
        own.flat_map(|rule| rule.authority.lineage.iter().chain([&rule.identity.id])).collect();
    let rules = generation
        .detections
        .iter()
        .filter(|rule| wanted.contains(&rule.identity.id))
        .chain(&generation.responses)
        .map(|rule| rule.authority.clone())
        .collect();
    GateInputs::new(clock, incident, rules, &generation.policy, &generation.capabilities)
}

/// Asks the response rules that may answer, and decides.
#[must_use]
pub fn deliberate(
    mut inputs: GateInputs,
    mut ask: impl FnMut(&RuleId, &GateInputs) -> Option<Response>,
) -> Deliberation {
    let responses: Vec<Response> = answering_rules(&inputs).filter_map(|rule| ask(rule, &inputs)).collect();
    inputs.proposals = responses.iter().flat_map(|response| response.proposals.iter().cloned()).collect();
    let outcome = decide(&inputs);
    Deliberation { inputs, responses, outcome }
}

/// The decisions as audit has them. `bundles` names the bundles of the responses, in their order; `inputs` names the
/// gate's inputs.
#[must_use]
pub fn decision_records(
    generation: &Generation,
    deliberation: &Deliberation,
    bundles: &[Digest],
    inputs: Digest,
) -> Vec<DecisionRecord> {
    let incident = &deliberation.inputs.incident;
    deliberation
        .outcome
        .decisions()
        .iter()
        .filter_map(|decision| {
            let anchor = &incident.findings.get(decision.anchor)?.finding;
            let asked = deliberation.responses.iter().zip(bundles).filter(|(response, _)| {
                decision.response_rule.as_ref().is_none_or(|rule| *rule == response.bundle.rule.id)
            });
            Some(DecisionRecord {
                generation: generation.number,
                incident: incident.findings.iter().map(|found| FindingReference::from(&found.finding)).collect(),
                event_id: anchor.event_id.clone(),
                event_time: anchor.event_time,
                rule: generation.rule(&anchor.rule)?.identity.clone(),
                responses: asked
                    .map(|(response, bundle)| ResponseReference { rule: response.bundle.rule.clone(), bundle: *bundle })
                    .collect(),
                decision: decision.clone(),
                inputs,
            })
        })
        .collect()
}
