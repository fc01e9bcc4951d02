//! Decisions in words: what was decided about one finding, and which reasons decided.

use countersign_model::{DecisionKind, Effect, Reason, RuleId};
use countersign_pipeline::DecisionLine;

use crate::table::Tone;

/// All decisions about one finding, in order. Never empty.
pub(crate) struct Decided {
    first: DecisionLine,
    more: Vec<DecisionLine>,
}

impl Decided {
    /// Adds a decision to the last of these if it is about the same finding, else begins another.
    pub(crate) fn add(all: &mut Vec<Decided>, line: DecisionLine) {
        match all.last_mut() {
            Some(last) if last.is_about(&line) => last.more.push(line),
            _ => all.push(Decided { first: line, more: Vec::new() }),
        }
    }

    fn is_about(&self, line: &DecisionLine) -> bool {
        let first = &self.first;
        (&first.event_id, &first.rule, &first.message, first.role)
            == (&line.event_id, &line.rule, &line.message, line.role)
    }

    /// What they have in common: the finding and its subject.
    pub(crate) fn finding(&self) -> &DecisionLine {
        &self.first
    }

    /// The decisions.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &DecisionLine> {
        std::iter::once(&self.first).chain(&self.more)
    }

    /// The decisions that are more than to tell people.
    pub(crate) fn acts(&self) -> impl Iterator<Item = &DecisionLine> {
        self.lines().filter(|line| !is_told(line))
    }

    /// The actions that only tell people, and were allowed.
    pub(crate) fn told(&self) -> String {
        let told = self.lines().filter(|line| is_told(line)).filter_map(|line| line.action);
        told.map(|action| action.id()).collect::<Vec<_>>().join(", ")
    }
}

/// Whether it is executed as asked for, and only observes: nothing that a person has to look at.
fn is_told(line: &DecisionLine) -> bool {
    use countersign_model::vocabulary::ActionClass;
    let observes = line.action.is_some_and(|action| action.class() == ActionClass::Observe);
    observes && line.decision == DecisionKind::Execute && line.requested_action == line.action
}

/// What was asked for.
pub(crate) fn asked(line: &DecisionLine) -> &'static str {
    line.requested_action.map_or("nothing", |action| action.id())
}

/// The decision, with the action where it is another than the one asked for.
pub(crate) fn decided(line: &DecisionLine) -> String {
    match line.action {
        Some(action) if line.requested_action != Some(action) => format!("{}: {action}", line.decision.id()),
        _ => line.decision.id().to_owned(),
    }
}

/// How a decision is meant.
pub(crate) fn tone(kind: DecisionKind) -> Tone {
    match kind {
        DecisionKind::Execute | DecisionKind::Downgrade => Tone::Good,
        DecisionKind::AwaitApproval => Tone::Care,
        DecisionKind::Suppress | DecisionKind::Deny => Tone::Faint,
    }
}

/// The reasons that decided: for each action that reasons are about, the strictest ones; what allowed an action counts
/// only where nothing was stricter.
pub(crate) fn deciding(line: &DecisionLine) -> Vec<&Reason> {
    let strictest = |of: &Reason| {
        let same = line.reasons.iter().filter(|reason| reason.action == of.action);
        same.map(|reason| reason.effect).max().unwrap_or(Effect::Allow)
    };
    line.reasons.iter().filter(|reason| reason.effect == strictest(reason)).collect()
}

/// Their codes, each once.
pub(crate) fn codes(reasons: &[&Reason]) -> String {
    let mut codes: Vec<&str> = Vec::new();
    for reason in reasons {
        if !codes.contains(&reason.code.id()) {
            codes.push(reason.code.id());
        }
    }
    codes.join(", ")
}

/// Whom a finding is about, with what the host knows of them.
pub(crate) fn subject(line: &DecisionLine) -> String {
    let identity = line.identity.as_deref().unwrap_or("unresolved");
    format!("{identity} ({}, {}, {})", line.identity_type, line.tier, line.usage)
}

/// A rule's name; with its publisher where that isn't ours.
pub(crate) fn rule(id: &RuleId) -> &str {
    if id.publisher() == "countersign" { id.name() } else { id.as_str() }
}
