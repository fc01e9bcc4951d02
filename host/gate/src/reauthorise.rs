//! The second question: may what was decided still be done? It is asked when an intent is taken up, with the
//! circumstances of that moment, and only its answer lets a connector act.

use countersign_model::incident::Subject;
use countersign_model::vocabulary::{Action, TargetLevel};
use countersign_model::{Decision, DecisionKind, Digest, Intent, Proposal, Timestamp};

use crate::authorised::{ActionTarget, Authorised};
use crate::circumstances::{Approvals, Circumstances};
use crate::decide::{decide, may_act};
use crate::inputs::GateInputs;
use crate::judge::{capability, level};
use crate::recorded::RecordedInputs;
use crate::version::VERSION;

/// The answer to an intent.
#[derive(Debug, PartialEq, Eq)]
pub enum Reauthorised {
    /// What was decided still holds: it may be done, once.
    Unchanged(Box<Authorised>),
    /// Less than was decided may be done.
    Less(Box<Less>),
}

/// What the gate says instead of a decision that no longer holds. It lets nobody act: it goes on record as a decision of
/// its own, and if that one may act, with an intent of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Less {
    /// The inputs that lead to it: the same incident, the same proposals but that what was granted is asked for, and the
    /// present circumstances.
    pub inputs: GateInputs,
    /// Which of the decisions that these inputs lead to it is, from 0.
    pub index: u32,
    /// The decision, with every reason.
    pub decision: Decision,
}

/// Why an intent isn't answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReauthoriseError {
    /// The inputs are another incident's.
    #[error("expected the gate's inputs `{expected}`, which the intent names, got `{got}`")]
    OtherInputs {
        /// The name in the intent.
        expected: Digest,
        /// The name of the inputs.
        got: Digest,
    },
    /// Another version of the gate decided, which may have decided otherwise.
    #[error("expected an intent of gate version {VERSION}, got one of version {got}: decide the incident anew")]
    OtherGate {
        /// The version in the inputs.
        got: u32,
    },
    /// The inputs don't lead to as many decisions.
    #[error("expected one of {decisions} decisions, got the decision with index {index}")]
    NoSuchDecision {
        /// The index in the intent.
        index: u32,
        /// The decisions that the inputs lead to.
        decisions: usize,
    },
    /// The decision was never one to act on.
    #[error(
        "expected a decision that acts, got `{}` of `{}`", kind.id(), action.map_or("no action", Action::id)
    )]
    NothingToDo {
        /// What was decided.
        kind: DecisionKind,
        /// What was granted, or would be once approved.
        action: Option<Action>,
    },
}

/// Asks the gate again about a decision on record, at a clock and in circumstances of now. Pure.
///
/// What was granted is asked for as if it had been proposed: the same action on the same account with the same lease. So
/// the answer is that or less, never more: a decision that was downgraded isn't lifted again, one that waited for approval
/// is answered only where people gave it. The gate's clock never goes back: an earlier one counts as that of the decision.
///
/// # Errors
/// When the intent isn't one of these inputs, or names no decision that may act.
pub fn reauthorise(
    recorded: &RecordedInputs,
    intent: &Intent,
    clock: Timestamp,
    circumstances: Circumstances,
) -> Result<Reauthorised, ReauthoriseError> {
    let inputs = recorded.inputs();
    if intent.inputs != recorded.name() {
        return Err(ReauthoriseError::OtherInputs { expected: intent.inputs, got: recorded.name() });
    }
    if inputs.gate != VERSION {
        return Err(ReauthoriseError::OtherGate { got: inputs.gate });
    }
    let Decided { decision, proposal, place } = decided(inputs, intent.decision, &circumstances)?;
    let asked = ask_again(inputs, place, &proposal, &decision, clock, circumstances);
    let mut present = decide(&asked);
    // A suppressed incident has one decision, whatever was proposed.
    let index = if present.len() > place { place } else { 0 };
    let now = present.swap_remove(index);
    // INVARIANT: the only place that mints an authorised action, for exactly what is on record.
    let holds = now.kind == DecisionKind::Execute
        && (now.action, &now.account, now.subject, now.lease)
            == (decision.action, &decision.account, decision.subject, decision.lease);
    if holds {
        let target = target(inputs, &decision);
        let parameters = granted_parameters(&proposal, &decision);
        let authorised = Authorised::mint(intent.record, decision, target, parameters, intent.idempotency_key);
        return Ok(Reauthorised::Unchanged(Box::new(authorised)));
    }
    let index = u32::try_from(index).unwrap_or(u32::MAX);
    Ok(Reauthorised::Less(Box::new(Less { inputs: asked, index, decision: now })))
}

/// What an action that a decision grants acts on: the narrowest level in evidence at which the connector can do it.
/// None for a decision without an action past observe, or on a subject without an account.
#[must_use]
pub fn target(inputs: &GateInputs, decision: &Decision) -> Option<ActionTarget> {
    let action = decision.action?;
    let who: &Subject = inputs.incident.subjects.get(decision.subject)?;
    let account = who.account.clone()?;
    let level = level(who, action, capability(inputs, who, action))?;
    let reference = match level {
        TargetLevel::Token => who.token.clone(),
        TargetLevel::Grant => who.grant.clone(),
        TargetLevel::Session => who.session.clone(),
        TargetLevel::Trust => who.trust.clone(),
        TargetLevel::Account => None,
    };
    Some(ActionTarget { account, level, reference })
}

/// A decision of inputs, the proposal that led to it, and the place of both.
struct Decided {
    decision: Decision,
    proposal: Proposal,
    place: usize,
}

/// The decision that an intent names.
fn decided(inputs: &GateInputs, index: u32, now: &Circumstances) -> Result<Decided, ReauthoriseError> {
    let mut decisions = decide(inputs);
    let missing = ReauthoriseError::NoSuchDecision { index, decisions: decisions.len() };
    let Some(place) = usize::try_from(index).ok().filter(|place| *place < decisions.len()) else {
        return Err(missing);
    };
    let decision = decisions.swap_remove(place);
    // A decision that acts answers the proposal of the same place.
    match inputs.proposals.get(place) {
        Some(proposal) if may_act(&decision) || was_approved(&decision, now) => {
            Ok(Decided { decision, proposal: proposal.clone(), place })
        }
        _ => Err(ReauthoriseError::NothingToDo { kind: decision.kind, action: decision.action }),
    }
}

/// Whether a decision that waits for people has what it waits for. That nobody need be asked any more doesn't lift it: it was
/// said that a person decides.
fn was_approved(decision: &Decision, now: &Circumstances) -> bool {
    let Approvals::Given(given) = &now.approvals else { return false };
    decision.kind == DecisionKind::AwaitApproval
        && given.iter().any(|given| (given.subject, Some(given.action)) == (decision.subject, decision.action))
}

/// The same inputs at another moment, with what a decision grants in place of what was proposed. The other proposals stay:
/// where a response rule asks for less, that still counts.
fn ask_again(
    inputs: &GateInputs,
    place: usize,
    proposal: &Proposal,
    decision: &Decision,
    clock: Timestamp,
    circumstances: Circumstances,
) -> GateInputs {
    let mut asked = GateInputs { clock: clock.max(inputs.clock), circumstances, ..inputs.clone() };
    if let Some(asked) = asked.proposals.get_mut(place) {
        *asked = Proposal {
            action: decision.action.unwrap_or(proposal.action),
            parameters: granted_parameters(proposal, decision),
            lease: decision.lease,
            ..proposal.clone()
        };
    }
    asked
}

/// The parameters are the proposed action's: another action takes its connector's defaults.
fn granted_parameters(
    proposal: &Proposal,
    decision: &Decision,
) -> Vec<(String, countersign_model::response::ActionValue)> {
    if decision.action == Some(proposal.action) { proposal.parameters.clone() } else { Vec::new() }
}
