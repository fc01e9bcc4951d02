//! The line of a finding: all that it was made of, as far as that is believed at its weakest.

use std::collections::BTreeMap;

use countersign_vocabulary::EvidenceRole;
use serde::{Deserialize, Serialize};

use crate::event::Binding;
use crate::{ContextState, Event, Finding, RuleId};

/// The weakest of everything that a finding was made of: its own row, the rows that its rule's state of the same key was
/// made of, and the findings among them with lines of their own.
///
/// A rule can't be asked which of the rows that it was shown made the difference. So all count that its state may remember.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Line {
    /// The weakest evidence role of the findings among the rows.
    pub evidence_role: EvidenceRole,
    /// Whether any row was an act that authenticated nobody: anybody can bring that about.
    pub unproved: bool,
    /// `missing` if any finding among the rows lacked context.
    pub context: ContextState,
    /// The weakest binding of the rows' sources.
    pub binding: Binding,
    /// The rules whose findings were among the rows, each with the least confidence of these, 0–100.
    pub fed_by: BTreeMap<RuleId, u8>,
}

impl Line {
    /// A line without any weakness.
    pub const STRONGEST: Line = Line {
        evidence_role: EvidenceRole::AuthenticatedAs,
        unproved: false,
        context: ContextState::Complete,
        binding: Binding::BOUND,
        fed_by: BTreeMap::new(),
    };

    /// Of an event alone.
    #[must_use]
    pub fn of_event(event: &Event) -> Line {
        let proved = event.actor.authenticated && event.actor.account.is_some();
        Line { unproved: !proved, binding: event.binding, ..Line::STRONGEST }
    }

    /// Of a finding that is delivered to another rule: its own line, what it is itself, and its rule.
    #[must_use]
    pub fn of_finding(finding: &Finding) -> Line {
        let mut line = finding.line.clone();
        line.weaken(&Line {
            evidence_role: finding.evidence_role,
            context: finding.context,
            fed_by: BTreeMap::from([(finding.rule.clone(), finding.confidence)]),
            ..Line::STRONGEST
        });
        line
    }

    /// Takes in another line: of each respect the weaker one stays.
    pub fn weaken(&mut self, other: &Line) {
        let Line { evidence_role, unproved, context, binding, fed_by } = other;
        self.unproved |= unproved;
        self.evidence_role = self.evidence_role.min(*evidence_role);
        // `Missing` is the greater of the two.
        self.context = self.context.max(*context);
        self.binding = self.binding.weakest(*binding);
        for (rule, confidence) in fed_by {
            let least = self.fed_by.entry(rule.clone()).or_insert(*confidence);
            *least = (*least).min(*confidence);
        }
    }

    /// Whether nothing weakens it.
    #[must_use]
    pub fn is_strongest(&self) -> bool {
        *self == Line::STRONGEST
    }
}

impl Default for Line {
    fn default() -> Line {
        Line::STRONGEST
    }
}

#[cfg(test)]
#[path = "../tests/unit/line.rs"]
mod tests;
