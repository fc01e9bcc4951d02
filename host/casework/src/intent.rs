//! Intents: what goes on record beside a decision that may act, so that it can be taken up and done once.
//!
//! A decision may act if it executes or downgrades to an action past observe. What only observes the host does itself,
//! through its observers, once the decision is on record. What waits for approval has no intent: the approval is an input
//! that leads to a decision of its own.

use countersign_audit::record::FindingReference;
use countersign_gate::{ActionTarget, GateInputs, may_act, target};
use countersign_model::vocabulary::{Action, TargetLevel};
use countersign_model::{Account, Decision, Digest, DigestKey, Intent, Timestamp};
use serde::Serialize;

/// The number of the lease that is asked for: leases aren't served, so each is the first of its incident.
const FIRST_LEASE: u32 = 0;

/// An intent before the number of its decision's record is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntentDraft {
    inputs: Digest,
    decision: u32,
    idempotency_key: Digest,
}

impl IntentDraft {
    /// Of the decision with an index among those that inputs lead to; none for a decision that doesn't act. `name` is that
    /// of the inputs' blob.
    #[must_use]
    pub fn new(
        inputs: &GateInputs,
        name: Digest,
        index: u32,
        decision: &Decision,
        key: &DigestKey,
    ) -> Option<IntentDraft> {
        if !may_act(decision) {
            return None;
        }
        let idempotency_key = idempotency_key(inputs, decision.action?, &target(inputs, decision)?, FIRST_LEASE, key)?;
        Some(IntentDraft { inputs: name, decision: index, idempotency_key })
    }

    /// The intent of a decision whose record has this number.
    #[must_use]
    pub const fn into_intent(self, record: u64) -> Intent {
        let IntentDraft { inputs, decision, idempotency_key } = self;
        Intent { record, inputs, decision, idempotency_key }
    }
}

/// What is done once: the incident, the action, what it acts on, and which lease of it. JSON, so that no two of them have
/// the same bytes.
#[derive(Serialize)]
struct DoneOnce<'i> {
    /// Keeps it apart from other things that are digested under the key.
    form: &'static str,
    incident: Vec<FindingAt<'i>>,
    action: Action,
    account: &'i Account,
    level: TargetLevel,
    reference: Option<&'i str>,
    lease: u32,
}

/// A finding of the incident. Its event is named too: positions begin anew in every store.
#[derive(Serialize)]
struct FindingAt<'i> {
    finding: FindingReference,
    event_id: &'i str,
    event_time: Timestamp,
}

fn idempotency_key(
    inputs: &GateInputs,
    action: Action,
    target: &ActionTarget,
    lease: u32,
    key: &DigestKey,
) -> Option<Digest> {
    let incident = inputs.incident.findings.iter().map(|found| FindingAt {
        finding: FindingReference::from(&found.finding),
        event_id: &found.finding.event_id,
        event_time: found.finding.event_time,
    });
    let done = DoneOnce {
        form: "countersign intent 1",
        incident: incident.collect(),
        action,
        account: &target.account,
        level: target.level,
        reference: target.reference.as_deref(),
        lease,
    };
    // These members all have a JSON form.
    serde_json::to_vec(&done).ok().map(|bytes| key.digest(&bytes))
}

#[cfg(test)]
#[path = "../tests/unit/intent.rs"]
mod tests;
