//! About which sources' findings response rules aren't called for a while, because they missed the deadline on one.

use countersign_model::{Digest, Event, Hold, HoldEnd, Occasion, RuleId, Timestamp};
use countersign_stream::{BegunHold, is_held, take_ended};
use serde::{Deserialize, Serialize};

use super::Ledger;
use crate::error::SessionError;

/// A response rule that is stopped for some sources.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeldResponse {
    /// The code that missed the deadline.
    code: Digest,
    /// For which sources; at least one.
    pub(crate) holds: Vec<Hold>,
}

impl Ledger {
    /// Whether a response rule isn't called about findings in an event.
    pub(super) fn is_response_held(&self, rule: &RuleId, event: &Event) -> bool {
        self.held_responses.get(rule).is_some_and(|held| is_held(&held.holds, event))
    }

    /// The holds of response rules, with the rule.
    pub(crate) fn response_holds(&self) -> impl Iterator<Item = (&RuleId, &Hold)> {
        self.held_responses.iter().flat_map(|(id, held)| held.holds.iter().map(move |hold| (id, hold)))
    }

    /// A response rule missed the deadline twice, on a finding in a row.
    pub(super) fn hold_response(
        &mut self,
        position: u64,
        rule: &RuleId,
        row: (Occasion, String),
        begun: BegunHold,
    ) -> Result<(), SessionError> {
        if let Some(code) = self.generation.rule(rule).map(|rule| rule.identity.code) {
            let empty = HeldResponse { code, holds: Vec::new() };
            self.held_responses.entry(rule.clone()).or_insert(empty).holds.push(begun.hold.clone());
        }
        self.record_hold(position, rule, row, begun)
    }

    /// A tick comes at which the clock is this: where their time is over, response rules are called again.
    pub(crate) fn tick(&mut self, position: u64, clock: Timestamp) {
        let held = self.held_responses.iter_mut();
        let ended = held.flat_map(|(id, held)| take_ended(&mut held.holds, clock).map(|hold| (id.clone(), hold)));
        let ended: Vec<(RuleId, Hold)> = ended.collect();
        self.held_responses.retain(|_, held| !held.holds.is_empty());
        for (id, hold) in ended {
            self.record_readmitted(position, &id, hold, HoldEnd::Time);
        }
    }

    /// Another generation serves from a position on: response rules with other code are called again.
    pub(super) fn renew_responses(&mut self, position: u64) {
        let generation = &self.generation;
        let is_other = |id: &RuleId, held: &mut HeldResponse| {
            generation.rule(id).is_some_and(|rule| rule.identity.code != held.code)
        };
        let ended: Vec<(RuleId, HeldResponse)> = self.held_responses.extract_if(.., is_other).collect();
        for (id, held) in ended {
            for hold in held.holds {
                self.record_readmitted(position, &id, hold, HoldEnd::OtherCode);
            }
        }
    }
}
