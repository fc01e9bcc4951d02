//! Properties that hold for any table, checked over all combinations of a manageable size.

use countersign_sdk::bindings::respond;
use countersign_sdk::testing::{IncidentBuilder, Proposed, ResponseHarness, Value, incident};

use super::table::{ALL, Offered, Who, chain, touching};
use super::*;

/// Confidences on both sides of every step, for every offset.
const CONFIDENCES: [u8; 12] = [0, 44, 49, 50, 60, 69, 75, 80, 85, 90, 95, 100];

fn proposals(built: &IncidentBuilder) -> Vec<Proposed> {
    ResponseHarness::<Rule>::new().proposals(built)
}

/// Expects these actions that touch the subject, with their leases in minutes.
fn check(built: &IncidentBuilder, expected: &[(Action, u32)]) {
    let touching = touching(built);
    let short: Vec<_> = touching.iter().map(|one| (one.action, one.lease.unwrap() / 60)).collect();
    assert_eq!(short, expected, "{touching:#?}");
}

fn each(mut judge: impl FnMut(Who, SignalClass, u8)) {
    for who in ALL {
        for class in SignalClass::ALL {
            for confidence in CONFIDENCES {
                judge(who, *class, confidence);
            }
        }
    }
}

#[test]
fn the_strongest_available_rung_of_a_step_is_proposed() {
    each(|who, class, confidence| {
        let every = who.every_rung();
        let order = chain(who, class, confidence, every.clone());
        let rung = |action: &Action| every.iter().position(|(one, _)| one == action);
        // The key in evidence comes last where nothing milder acts on it.
        let (last, milder) = order.split_last().unzip();
        let by_key = last == Some(&Action::DisableCredential);
        let ordered = if by_key { milder.unwrap_or_default() } else { &order[..] };
        assert!(ordered.is_sorted_by_key(|action| std::cmp::Reverse(rung(action))), "{order:?}");
        for subset in 0..1_u32 << every.len() {
            let offered: Offered =
                every.iter().enumerate().filter(|(place, _)| subset >> place & 1 == 1).map(|(_, one)| *one).collect();
            let expected = order.iter().find(|action| offered.iter().any(|(one, _)| one == *action));
            let touching = touching(&who.incident(class, confidence, &offered));
            assert_eq!(touching.first().map(|one| &one.action), expected, "{class} {confidence} {offered:?}");
        }
    });
}

#[test]
fn more_confidence_never_proposes_less() {
    for who in ALL {
        for class in SignalClass::ALL {
            let rungs = (0..=100).map(|confidence| {
                let first =
                    touching(&who.incident(*class, confidence, &who.every_rung())).first().map(|one| one.action);
                first.and_then(|action| who.identity_type.rungs().iter().position(|rung| *rung == action))
            });
            assert!(rungs.is_sorted(), "{} {class}", who.identity_type);
        }
    }
}

#[test]
fn machines_are_taken_less_far_than_people() {
    let [_, person, pipeline, instance, _, _] = ALL;
    let reached = |who: Who, severity| {
        let strongest = |class: &SignalClass| {
            let built = who.incident(*class, 95, &who.every_rung()).severity(severity);
            touching(&built)
                .iter()
                .map(|one| one.action)
                .max_by_key(|action| who.identity_type.rungs().iter().position(|rung| rung == action))
        };
        SignalClass::ALL.iter().filter_map(strongest).collect::<Vec<_>>()
    };
    // Short of critical severity nothing takes a machine away whole.
    for severity in [Severity::Medium, Severity::High] {
        let taken = [reached(pipeline, severity), reached(instance, severity)].concat();
        let part = [Action::RestrictAccess, Action::SuspendPrivilege];
        assert!(taken.iter().all(|action| part.contains(action)), "{taken:?}");
        assert!(reached(person, severity).iter().all(|action| *action == Action::SuspendAccount));
    }
    assert!(reached(pipeline, Severity::Fatal).contains(&Action::SuspendAccount));
    assert!(reached(instance, Severity::Fatal).contains(&Action::QuarantineWorkload));
}

#[test]
fn only_available_actions_are_proposed_once_with_the_right_lease() {
    each(|who, class, confidence| {
        let mut every = who.every_rung();
        while every.pop().is_some() {
            let built = who.incident(class, confidence, &every);
            let offered: Vec<Action> =
                built.clone().build().actions.iter().filter_map(|one| Action::from_id(&one.action)).collect();
            let asked = proposals(&built);
            for (place, one) in asked.iter().enumerate() {
                assert!(
                    offered.contains(&one.action)
                        && !asked.iter().skip(place + 1).any(|other| other.action == one.action)
                );
                assert_eq!(one.lease.is_none(), one.action.class() == ActionClass::Observe, "{one:?}");
                assert!(one.reason.contains("strength"), "{one:?}");
            }
            assert_eq!(asked.last().map(|one| one.action), Some(Action::EnrichAlert));
        }
    });
}

#[test]
fn the_guarded_and_the_merely_named_are_never_contained() {
    each(|who, class, confidence| {
        let whole = || who.incident(class, confidence, &who.every_rung()).severity(Severity::Fatal);
        for (caps_at_challenge, built) in [
            (true, whole().with(|_, subject| subject.evidence_role = respond::EvidenceRole::MerelyNames)),
            (true, whole().with(|identity, _| identity.protected = true)),
            (false, whole().with(|identity, _| identity.break_glass = true)),
            (false, whole().with(|identity, _| (identity.protected, identity.break_glass) = (true, true))),
            (false, whole().with(|_, subject| subject.role = respond::SubjectRole::Source)),
            (false, whole().with(|_, subject| subject.role = respond::SubjectRole::Owner)),
        ] {
            let strongest = touching(&built).iter().map(|one| one.action.class()).max();
            let allowed = if caps_at_challenge { ActionClass::Challenge } else { ActionClass::Observe };
            assert!(strongest.is_none_or(|strongest| strongest <= allowed), "{built:?}");
            assert!(proposals(&built).iter().any(|one| one.action == Action::EnrichAlert));
        }
    });
}

#[test]
fn irreversible_actions_need_whole_strength() {
    let [person, ..] = ALL;
    let offered =
        [(Action::RevokeSessions, Reversibility::SelfHealing), (Action::BlockSignIn, Reversibility::Irreversible)];
    for (confidence, expected) in [(94, Action::RevokeSessions), (95, Action::BlockSignIn)] {
        check(&person.incident(SignalClass::SignIn, confidence, &offered), &[(expected, 240)]);
    }
    let offered = [(Action::RevokeSessions, Reversibility::Irreversible)];
    check(&person.incident(SignalClass::SignIn, 90, &offered), &[]);
}

/// A person's stolen session at 80, so `revoke-sessions` unless something was tried before.
fn session_stolen() -> IncidentBuilder {
    let [person, ..] = ALL;
    person.incident(SignalClass::Token, 80, &person.every_rung())
}

const REVOKE: (Action, u32) = (Action::RevokeSessions, 240);

#[test]
fn what_is_in_force_or_waits_is_not_proposed_again() {
    check(&session_stolen(), &[REVOKE]);
    let hour = Duration::from_secs(3_600);
    check(&session_stolen().lease(Action::RevokeSessions, hour), &[]);
    check(&session_stolen().lease(Action::SuspendAccount, hour), &[]);
    check(&session_stolen().lease(Action::RequireReauthentication, hour), &[REVOKE]);
    check(&session_stolen().lease(Action::RevokeSessions, Duration::from_secs(0)), &[REVOKE]);
    check(&session_stolen().outcome(Action::RevokeSessions, StepResult::Waiting), &[]);
    check(&session_stolen().outcome(Action::RestrictAccess, StepResult::Waiting), &[]);
    check(&session_stolen().outcome(Action::RevokeSessions, StepResult::Undone), &[REVOKE]);
    // Nor are people notified again without newer evidence.
    let notified = session_stolen()
        .lease(Action::RevokeSessions, hour)
        .outcome(Action::Notify, StepResult::Done)
        .outcome(Action::RaiseRiskScore, StepResult::Done)
        .outcome(Action::EnrichAlert, StepResult::Done);
    assert_eq!(proposals(&notified), []);
}

#[test]
fn what_was_done_is_proposed_again_with_newer_evidence_only() {
    let done = || session_stolen().outcome(Action::RevokeSessions, StepResult::Done);
    check(&done(), &[]);
    check(&done().now("2026-03-04T09:30:00Z").finding(SignalClass::Token, 80), &[REVOKE]);
    let refused = || session_stolen().outcome(Action::RevokeSessions, StepResult::Refused);
    check(&refused(), &[]);
    let newer = refused().now("2026-03-04T09:30:00Z").finding(SignalClass::Token, 80);
    check(&newer, &[(Action::RestrictAccess, 240)]);
    assert!(touching(&newer)[0].reason.ends_with("; revoke-sessions was refused"), "{newer:?}");
}

#[test]
fn a_failed_step_is_followed_by_the_next_rung_above() {
    let failed = |built: IncidentBuilder, action| built.outcome(action, StepResult::Failed);
    let once = failed(session_stolen(), Action::RevokeSessions);
    check(&once, &[(Action::RestrictAccess, 240)]);
    assert!(touching(&once)[0].reason.ends_with("; revoke-sessions failed"));
    let notify = proposals(&once).into_iter().find(|one| one.action == Action::Notify).unwrap();
    assert_eq!(notify.parameters, [("audience".to_owned(), Value::Text("security-on-call".to_owned()))]);
    check(&failed(once.clone(), Action::RestrictAccess), &[(Action::BlockSignIn, 240)]);
    // Where nothing is above, what is below is better than nothing.
    let [person, ..] = ALL;
    let offered = [Action::RequireReauthentication, Action::RevokeSessions].map(|one| (one, Reversibility::Reversible));
    let top = failed(person.incident(SignalClass::Token, 80, &offered), Action::RevokeSessions);
    check(&top, &[(Action::RequireReauthentication, 480)]);
    check(&failed(top, Action::RequireReauthentication), &[]);
    // A cap is a cap.
    let named = failed(session_stolen(), Action::RequireReauthentication)
        .with(|_, subject| subject.evidence_role = respond::EvidenceRole::MerelyNames);
    check(&named, &[(Action::RequireMfa, 480)]);
    // The last outcome of an action counts.
    check(&once.outcome(Action::RevokeSessions, StepResult::Waiting), &[]);
}

#[test]
fn a_subject_of_some_findings_has_no_more_than_its_own_confidence() {
    let [person, ..] = ALL;
    let two = || {
        let offered = |mut built: IncidentBuilder| {
            for (action, reversibility) in person.every_rung() {
                built = built.available(action, reversibility);
            }
            built
        };
        let first = offered(incident(95).subject(IdentityType::Human).finding(SignalClass::Token, 80));
        offered(first.subject(IdentityType::Human).finding(SignalClass::SignIn, 55))
    };
    let subjects =
        |built: &IncidentBuilder| touching(built).iter().map(|one| (one.subject, one.action)).collect::<Vec<_>>();
    assert_eq!(subjects(&two()), [(0, Action::RevokeSessions), (1, Action::RequireReauthentication)]);
    // The same account in two roles: both findings are about it, and it is acted on once.
    let one = two().with(|identity, _| identity.account = "aws:111122223333:AIDA0".to_owned());
    assert_eq!(subjects(&one), [(0, Action::SuspendAccount), (0, Action::RequireReauthentication)]);
    // What is in force on it in one role is in force in the other.
    assert_eq!(subjects(&one.lease(Action::SuspendAccount, Duration::from_secs(60))), []);
}

#[test]
fn an_answer_never_has_more_proposals_than_the_host_accepts() {
    let mut built = incident(95);
    for _ in 0..30 {
        built = built.subject(IdentityType::Human).finding(SignalClass::Token, 95);
        for action in [Action::EnrichAlert, Action::Notify, Action::RevokeSessions] {
            built = built.available(action, Reversibility::Reversible);
        }
    }
    let asked = proposals(&built);
    assert_eq!(asked.len(), MAX_PROPOSALS);
    assert!(asked.iter().all(|one| one.action == Action::RevokeSessions), "what contains comes first");
}

#[test]
fn the_operator_moves_the_steps_and_the_leases() {
    let harness = ResponseHarness::<Rule>::new()
        .set("narrow-from", 90)
        .set("challenge-lease", Duration::from_secs(600))
        .set("risk-points", 100)
        .set("audience", "blue-team");
    let asked = harness.proposals(&session_stolen());
    let short: Vec<_> = asked.iter().map(|one| (one.action, one.lease)).collect();
    let observe = [Action::Notify, Action::RaiseRiskScore, Action::EnrichAlert].map(|action| (action, None));
    assert_eq!(short, [&[(Action::RequireReauthentication, Some(600))], observe.as_slice()].concat());
    assert_eq!(asked[1].parameters, [("audience".to_owned(), Value::Text("blue-team".to_owned()))]);
    assert_eq!(asked[2].parameters, [("points".to_owned(), Value::Signed(80))]);
}
