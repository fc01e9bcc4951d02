//! A response rule that proposes the strongest available action.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use countersign_sdk::prelude::{Action, IdentityType, Reversibility, SignalClass, StepResult};
use countersign_sdk::testing::{IncidentBuilder, Proposed, ResponseHarness, Value, incident};

mod answers {
    use countersign_sdk::prelude::*;

    countersign_sdk::rule!("rules/answers.toml");

    /// Proposes the strongest action that can be undone or heals by itself, and raises the risk score.
    #[response]
    fn respond(incident: &Incident, cx: &mut Context) {
        for finding in incident.findings() {
            let subject = finding.subject();
            let Some(SignalClass::SignIn) = finding.class() else { continue };
            let strongest = incident
                .actions_for(subject)
                .rev()
                .find(|one| one.reversibility() != Reversibility::Irreversible && one.class() != ActionClass::Observe);
            let failed = incident.outcomes_for(subject).any(|outcome| outcome.result() == StepResult::Failed);
            if let Some(available) = strongest.filter(|_| !failed) {
                let who = subject.identity();
                let reason = format!("{} {} {}", who.account(), who.identity_type(), finding.confidence());
                cx.propose(Proposal::of(&available).lease(Duration::from_secs(600)).reason(reason));
            }
            cx.propose(Proposal::new(action::RaiseRiskScore, subject).points(cx.parameters().points));
        }
    }
}

fn human() -> IncidentBuilder {
    incident(80)
        .subject(IdentityType::Human)
        .finding(SignalClass::SignIn, 80)
        .available(Action::RevokeSessions, Reversibility::SelfHealing)
        .available(Action::RequireMfa, Reversibility::Reversible)
        .available(Action::Notify, Reversibility::Reversible)
}

fn check(incident: &IncidentBuilder, expected: &[(Action, u32, Option<u32>)]) -> Vec<Proposed> {
    let proposed = ResponseHarness::<answers::Rule>::new().proposals(incident);
    let short: Vec<_> = proposed.iter().map(|one| (one.action, one.subject, one.lease)).collect();
    assert_eq!(short, expected);
    proposed
}

#[test]
fn actions_come_weak_to_strong_and_carry_their_parameters() {
    let score = (Action::RaiseRiskScore, 0, None);
    let proposed = check(&human(), &[(Action::RevokeSessions, 0, Some(600)), score]);
    assert_eq!(proposed[0].reason, "aws:111122223333:AIDA0 human 80");
    assert_eq!(proposed[1].parameters, [("points".to_owned(), Value::Signed(7))]);
    check(&human().outcome(Action::RequireMfa, StepResult::Failed), &[score]);
    let other = human().subject(IdentityType::Workload).finding(SignalClass::SignIn, 10);
    check(&other, &[(Action::RevokeSessions, 0, Some(600)), score, (Action::RaiseRiskScore, 1, None)]);
    check(&incident(50).subject(IdentityType::Human).finding(SignalClass::Token, 50), &[]);
}

#[test]
fn an_action_that_this_version_does_not_know_is_not_listed() {
    let mut built = human().build();
    built.actions[0].action = "teleport".to_owned();
    let answer = answers::propose(&built, &[countersign_sdk::bindings::respond::Parameter::Integer(1)], &[]);
    assert_eq!(answer.proposals[0].action, "require-mfa");
}

#[test]
#[should_panic(expected = "the parameter `points` of `raise-risk-score` must be within")]
fn a_parameter_out_of_range_panics() {
    let _ = ResponseHarness::<answers::Rule>::new().set("points", 101).proposals(&human());
}
