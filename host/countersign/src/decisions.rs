//! Decisions in words: what was decided about one finding, and which reasons were decisive.

use countersign_model::vocabulary::Action;
use countersign_model::{DecisionKind, Effect, Reason, RuleId};
use countersign_session::DecisionLine;

use crate::table::Tone;

/// All decisions about one finding, in order. Never empty.
pub(crate) struct DecidedFinding {
    first: DecisionLine,
    more: Vec<DecisionLine>,
}

impl DecidedFinding {
    /// Adds a decision to the last of these if it is about the same finding, else begins another.
    pub(crate) fn add(all: &mut Vec<DecidedFinding>, line: DecisionLine) {
        match all.last_mut() {
            Some(last) if last.is_about(&line) => last.more.push(line),
            _ => all.push(DecidedFinding { first: line, more: Vec::new() }),
        }
    }

    fn is_about(&self, line: &DecisionLine) -> bool {
        let first = &self.first;
        (&first.event_id, &first.rule, &first.message, first.role)
            == (&line.event_id, &line.rule, &line.message, line.role)
    }

    /// The first decision. It has the finding and its subject, as all of them have.
    pub(crate) fn first(&self) -> &DecisionLine {
        &self.first
    }

    /// The decisions.
    pub(crate) fn decisions(&self) -> impl Iterator<Item = &DecisionLine> {
        std::iter::once(&self.first).chain(&self.more)
    }

    /// The decisions that a person has to look at: all but observing actions that were allowed as requested.
    pub(crate) fn acts(&self) -> impl Iterator<Item = &DecisionLine> {
        self.decisions().filter(|line| !is_allowed_observation(line))
    }

    /// The observing actions that were allowed as requested.
    pub(crate) fn observing(&self) -> String {
        let observing = self.decisions().filter(|line| is_allowed_observation(line)).filter_map(|line| line.action);
        observing.map(|action| action.id()).collect::<Vec<_>>().join(", ")
    }
}

fn is_allowed_observation(line: &DecisionLine) -> bool {
    line.observes() && line.requested_action == line.action
}

/// The requested action.
pub(crate) fn requested(action: Option<Action>) -> &'static str {
    action.map_or("no proposal", Action::id)
}

/// A decision, with the granted action where it isn't the requested one.
pub(crate) fn decided(kind: DecisionKind, requested: Option<Action>, granted: Option<Action>) -> String {
    match granted {
        Some(action) if requested != Some(action) => format!("{kind}: {action}"),
        _ => kind.id().to_owned(),
    }
}

/// The tone of a decision.
pub(crate) fn tone(kind: DecisionKind) -> Tone {
    match kind {
        DecisionKind::Execute | DecisionKind::Downgrade => Tone::Good,
        DecisionKind::AwaitApproval => Tone::Care,
        DecisionKind::Suppress | DecisionKind::Deny => Tone::Faint,
    }
}

/// The decisive reasons: for each action that reasons are about, the strictest ones. What allowed an action is decisive
/// only where nothing was stricter.
pub(crate) fn deciding(line: &DecisionLine) -> Vec<&Reason> {
    let strictest = |of: &Reason| {
        let same = line.reasons.iter().filter(|reason| reason.action == of.action);
        same.map(|reason| reason.effect).max().unwrap_or(Effect::Allow)
    };
    line.reasons.iter().filter(|reason| reason.effect == strictest(reason)).collect()
}

/// The subject of a finding.
pub(crate) fn identity(line: &DecisionLine) -> &str {
    line.identity.as_deref().unwrap_or("unresolved")
}

/// The subject of a finding, with the host's facts about it.
pub(crate) fn described_identity(line: &DecisionLine) -> String {
    format!("{} ({}, {})", identity(line), line.identity_type, line.tier)
}

/// A rule's name, with its publisher where that isn't `countersign`.
pub(crate) fn rule(id: &RuleId) -> &str {
    if id.publisher() == "countersign" { id.name() } else { id.as_str() }
}
