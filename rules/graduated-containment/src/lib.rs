//! Responds to an incident with the strongest rungs that its evidence supports, and notifies people.

use countersign_sdk::prelude::*;

#[cfg(test)]
#[path = "../tests/unit/cases.rs"]
mod cases;
mod ladder;
mod strength;
#[cfg(test)]
#[path = "../tests/unit/table.rs"]
mod table;
#[cfg(test)]
#[path = "../tests/unit/mod.rs"]
mod tests;

use ladder::{Choice, choose, is_news};
use strength::{Assessment, Step};

countersign_sdk::rule!();

/// The host accepts at most this many proposals from one answer, and refuses an answer that has more.
const MAX_PROPOSALS: usize = 16;

/// Proposes for each subject a rung, perhaps a challenge beside it, and observe actions. Actions that touch identities
/// come first.
#[response]
fn respond(incident: &Incident, cx: &mut Context) {
    let parameters = cx.parameters();
    let (mut steps, mut observe) = (Vec::new(), Vec::new());
    let mut proposed: Vec<(Action, &str)> = Vec::new();
    for subject in incident.subjects() {
        let assessment = Assessment::of(incident, subject, parameters);
        let choice = choose(incident, subject, &assessment);
        // One identity in two roles is acted on once.
        let mut once = |one: &Available<'_>| {
            let what = (one.action(), subject.identity().account());
            let new = !proposed.contains(&what);
            proposed.push(what);
            new
        };
        for one in [choice.rung, choice.meanwhile].into_iter().flatten().filter(&mut once) {
            steps.push(step(&one, &assessment, &choice, parameters));
        }
        for one in incident.actions_for(subject).rev().filter(|one| one.class() == ActionClass::Observe) {
            if is_news(incident, subject, one.action(), assessment.newest) && once(&one) {
                observe.extend(observation(&one, &assessment, &choice, parameters));
            }
        }
    }
    for proposal in steps.into_iter().chain(observe).take(MAX_PROPOSALS) {
        cx.propose(proposal);
    }
}

fn step(one: &Available<'_>, assessment: &Assessment, choice: &Choice<'_>, parameters: &Parameters) -> Proposal {
    let lease = match (one.class(), one.subject().identity().identity_type()) {
        (ActionClass::Challenge, _) => parameters.challenge_lease,
        (_, IdentityType::Human | IdentityType::AiAgent) => parameters.containment_lease,
        _ => parameters.machine_lease,
    };
    let mut reason = assessment.explanation.clone();
    if choice.meanwhile.is_some_and(|meanwhile| meanwhile.action() == one.action()) {
        reason.push_str("; holds while what takes more away waits");
    } else if let Some(broken) = broken(choice) {
        reason.push_str(&broken);
    }
    Proposal::of(one).lease(lease).reason(reason)
}

/// A proposal that touches nothing, where it is worth making.
fn observation(
    one: &Available<'_>,
    assessment: &Assessment,
    choice: &Choice<'_>,
    parameters: &Parameters,
) -> Option<Proposal> {
    let identity = one.subject().identity();
    let guarded = identity.is_break_glass() || identity.is_protected();
    let proposal = Proposal::of(one).reason(assessment.explanation.clone() + &broken(choice).unwrap_or_default());
    match one.action() {
        Action::RaiseRiskScore => {
            let share = if one.subject().evidence_role() == EvidenceRole::MerelyNames { 200 } else { 100 };
            let points = i64::from(assessment.strength) * parameters.risk_points / share;
            let acted = !matches!(one.subject().role(), Role::Owner | Role::Source);
            (acted && points > 0).then(|| proposal.points(points))
        }
        Action::Notify => {
            let notifies = assessment.uncapped > Step::Observe || assessment.severity >= Severity::High || guarded;
            let urgent = assessment.severity >= Severity::Critical
                || assessment.uncapped == Step::Whole
                || guarded
                || choice.broken.is_some();
            let audience = if urgent { parameters.urgent_audience } else { parameters.audience };
            notifies.then(|| proposal.audience(audience))
        }
        _ => Some(proposal),
    }
}

fn broken(choice: &Choice<'_>) -> Option<String> {
    let (action, result) = choice.broken?;
    Some(format!("; {action} {}", if result == StepResult::Refused { "was refused" } else { "failed" }))
}
