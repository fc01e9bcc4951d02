//! When a rule is parked for a part of a source's rows: by the calls that failing rows cost within an hour. What is
//! charged depends on the row and on how it failed alone, so neither on batches nor on a machine's time.

use countersign_model::call::FailureKind;
use countersign_model::vocabulary::{EvidenceRole, SubjectRole};
use countersign_model::{Event, HeldRows};
use serde::{Deserialize, Serialize};

use crate::keys::network;
use crate::subject::evidence_role;
use crate::window::Step;

/// Charged for a row that uses up the whole of a rule's fuel.
pub(crate) const WHOLE_CALL: u32 = 16;

/// Charged for a row on which a rule fails otherwise: what the call used isn't known, but is seldom much.
const OTHER_FAILURE: u32 = 1;

/// At most so much is charged to one party within an hour before it is set aside: eight times a rule's fuel.
pub(crate) const MAX_OF_A_PARTY: u32 = 8 * WHOLE_CALL;

/// At most so much is charged to all rows of a source that authenticated, and as much to all others, before these are
/// set aside: 256 times a rule's fuel.
pub(crate) const MAX_OF_ALL: u32 = 256 * WHOLE_CALL;

/// What a row is charged on which a rule failed in this way.
pub(crate) fn charge(kind: FailureKind) -> u32 {
    if kind == FailureKind::FuelExhausted { WHOLE_CALL } else { OTHER_FAILURE }
}

/// What was charged in each step, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Charges(Vec<(Step, u32)>);

impl Charges {
    /// Adds a charge. Steps never fall from row to row. Returns the sum within the hour up to this step.
    pub(crate) fn add(&mut self, step: Step, charge: u32) -> u32 {
        self.forget_before(step);
        match self.0.last_mut() {
            Some((last, sum)) if *last == step => *sum = sum.saturating_add(charge),
            _ => self.0.push((step, charge)),
        }
        self.0.iter().fold(0, |sum, (_, charge)| sum.saturating_add(*charge))
    }

    /// Forgets what isn't within the hour up to a step. Returns whether that was any.
    pub(crate) fn forget_before(&mut self, step: Step) -> bool {
        let (first, before) = (step.first_that_counts(), self.0.len());
        self.0.retain(|(step, _)| *step >= first);
        self.0.len() < before
    }

    /// Whether nothing was charged.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The part of its source's rows that an event belongs to.
pub(crate) fn part(event: &Event) -> HeldRows {
    match evidence_role(SubjectRole::Actor, event) {
        EvidenceRole::AuthenticatedAs => HeldRows::Authenticated,
        EvidenceRole::MerelyNames => HeldRows::Outsiders,
    }
}

/// Who is charged for an event: the account that authenticated, else the network that it came from, or the account that
/// it names where there is no address. None if it has neither.
pub(crate) fn party(event: &Event) -> Option<String> {
    let account = event.actor.account.as_ref().map(ToString::to_string);
    match part(event) {
        HeldRows::Outsiders => network(event).or(account),
        HeldRows::Authenticated | HeldRows::All => account,
    }
}
