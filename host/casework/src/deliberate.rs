//! From an incident to decisions: the gate's inputs are gathered, response rules are called, the gate decides. Runs and
//! recomputations use the same code.

use std::collections::BTreeSet;

use countersign_audit::record::{DecisionRecord, FindingReference, ResponseReference};
use countersign_gate::{GateInputs, Outcome, answering_rules, decide};
use countersign_model::{Digest, Incident, RuleId, Timestamp};

use crate::respond::Response;
use countersign_generation::Generation;

/// A decided incident.
#[derive(Debug)]
pub struct Deliberation {
    /// The gate's inputs.
    pub inputs: GateInputs,
    /// The responses of the response rules that were called, in order of their ids.
    pub responses: Vec<Response>,
    /// The gate's decisions.
    pub outcome: Outcome,
}

/// The gate's inputs for an incident, without proposals yet: the authority of its detections, of the rules that feed
/// them, and of every response rule.
#[must_use]
pub fn gather(generation: &Generation, clock: Timestamp, incident: Incident) -> GateInputs {
    let detections: BTreeSet<&RuleId> = incident.findings.iter().map(|one| &one.finding.rule).collect();
    let own = generation.detections.iter().filter(|rule| detections.contains(&rule.identity.id));
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

/// Has `respond` call the response rules that may answer, and decides.
#[must_use]
pub fn deliberate(
    mut inputs: GateInputs,
    mut respond: impl FnMut(&RuleId, &GateInputs) -> Option<Response>,
) -> Deliberation {
    let responses: Vec<Response> = answering_rules(&inputs).filter_map(|rule| respond(rule, &inputs)).collect();
    inputs.proposals = responses.iter().flat_map(|response| response.proposals.iter().cloned()).collect();
    let outcome = decide(&inputs);
    Deliberation { inputs, responses, outcome }
}

/// The decisions as audit records. `bundles` has the names of the responses' bundles, in their order; `inputs` is the
/// name of the gate's inputs, `number` the generation's.
#[must_use]
pub fn decision_records(
    number: u64,
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
            let responses = deliberation.responses.iter().zip(bundles).filter(|(response, _)| {
                decision.response_rule.as_ref().is_none_or(|rule| *rule == response.bundle.rule.id)
            });
            Some(DecisionRecord {
                generation: number,
                incident: incident.findings.iter().map(|one| FindingReference::from(&one.finding)).collect(),
                event_id: anchor.event_id.clone(),
                event_time: anchor.event_time,
                rule: generation.rule(&anchor.rule)?.identity.clone(),
                responses: responses
                    .map(|(response, bundle)| ResponseReference { rule: response.bundle.rule.clone(), bundle: *bundle })
                    .collect(),
                decision: decision.clone(),
                inputs,
            })
        })
        .collect()
}
