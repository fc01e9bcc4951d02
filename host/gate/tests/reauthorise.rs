//! Asking again when an intent is taken up: what was decided or less, never more.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy takes for other code"
)]

use std::collections::{BTreeMap, BTreeSet};

mod common;
#[path = "common/random.rs"]
mod random;

use common::{CaseFile, line};
use countersign_gate::{
    Administrators, Approvals, Authorised, Budgets, Circumstances, Estimates, GateInputs, GivenApproval, KillSwitch,
    Less, ReauthoriseError, Reauthorised, RecordedInputs, Sources, Stage, Stages, Suppression, VERSION, Windows,
    decide, may_act, reauthorise, target,
};
use countersign_model::vocabulary::{Action, ActionClass};
use countersign_model::{Ailment, Decision, DecisionKind, Digest, DigestKey, Intent, SourceId, Timestamp};
use countersign_policy::{Capabilities, Policy};
use proptest::prelude::*;
use random::{Random, SOURCES, circumstances, inputs};

const RECORD: u64 = 7;

fn key() -> Digest {
    Digest::of(b"an intent")
}

/// Inputs as they are on record.
fn on_record(inputs: &GateInputs) -> RecordedInputs {
    RecordedInputs::read(&inputs.to_bytes().unwrap(), &DigestKey::public()).unwrap()
}

fn intent(recorded: &RecordedInputs, decision: u32) -> Intent {
    Intent { record: RECORD, inputs: recorded.name(), decision, idempotency_key: key() }
}

/// Asks again about every decision that acts.
fn all(recorded: &RecordedInputs, clock: Timestamp, now: &Circumstances) -> Vec<(Decision, Reauthorised)> {
    let decisions = (0..).zip(decide(recorded.inputs())).filter(|(_, decision)| may_act(decision));
    decisions
        .map(|(index, decision)| {
            let answer = reauthorise(recorded, &intent(recorded, index), clock, now.clone()).unwrap();
            (decision, answer)
        })
        .collect()
}

/// How much may be done: the rung, and whether without a person. None is nothing past observe.
fn strength(inputs: &GateInputs, decision: &Decision) -> Option<(usize, bool)> {
    let action = decision.action.filter(|action| action.class() != ActionClass::Observe)?;
    let rungs = inputs.incident.subjects[decision.subject].identity.identity_type.rungs();
    Some((rungs.iter().position(|rung| *rung == action).unwrap(), may_act(decision)))
}

fn strength_of(inputs: &GateInputs, answer: &Reauthorised) -> Option<(usize, bool)> {
    match answer {
        Reauthorised::Unchanged(authorised) => strength(inputs, authorised.decision()),
        Reauthorised::Less(less) => strength(inputs, &less.decision),
    }
}

/// Inputs decided in random circumstances.
fn decided(seed: u64, random: &mut Random) -> RecordedInputs {
    let inputs = inputs(seed);
    let now = circumstances(random, &inputs.incident);
    on_record(&GateInputs { circumstances: now, ..inputs })
}

/// Makes circumstances stricter in one way.
fn tighten(now: &mut Circumstances, random: &mut Random) {
    match random.below(8) {
        0 => now.kill_switch = KillSwitch::On,
        1 => now.windows = Windows::Open("w".to_owned()),
        2 => now.budgets = Budgets::Exhausted("b".to_owned()),
        3 => now.suppression = Suppression::Suppress("seen".to_owned()),
        4 => {
            if let Estimates::Asked(estimates) = &mut now.estimates {
                estimates.iter_mut().for_each(|estimate| estimate.principals += 1);
            }
        }
        5 => {
            if let Stages::Rules(stages) = &mut now.stages {
                stages.iter_mut().for_each(|(_, stage)| *stage = (*stage).min(Stage::Approve));
            }
        }
        6 => {
            let unwell = SOURCES.map(|name| (SourceId::from(name), BTreeSet::from([random.pick(Ailment::ALL)])));
            now.sources = Sources::Unwell(BTreeMap::from(unwell));
        }
        _ => {
            if let Administrators::Counted { remaining, .. } = &mut now.administrators {
                *remaining = remaining.saturating_sub(1);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn in_the_same_circumstances_what_was_decided_is_authorised(seed: u64, random: u64) {
        let recorded = decided(seed, &mut Random(random));
        let inputs = recorded.inputs();
        for (decision, answer) in all(&recorded, inputs.clock, &inputs.circumstances) {
            let Reauthorised::Unchanged(authorised) = answer else { panic!("{decision:#?}\nbecame\n{answer:#?}") };
            prop_assert_eq!(authorised.decision(), &decision);
            prop_assert_eq!(authorised.target().cloned(), target(inputs, &decision));
            prop_assert_eq!((authorised.record(), authorised.idempotency_key()), (RECORD, key()));
            let proposal = inputs.proposals.iter().find(|one| Some(one.action) == decision.action);
            let asked = decision.action == decision.requested_action;
            prop_assert!(!asked || proposal.is_some_and(|one| one.parameters == authorised.parameters()));
        }
    }

    #[test]
    fn never_more_than_was_decided(seed: u64, then: u64, now: u64, later in 0i64..3_600) {
        let recorded = decided(seed, &mut Random(then));
        let inputs = recorded.inputs();
        let now = circumstances(&mut Random(now), &inputs.incident);
        for (decision, answer) in all(&recorded, inputs.clock.plus_micros(later * 1_000_000), &now) {
            prop_assert!(strength_of(inputs, &answer) <= strength(inputs, &decision), "{decision:#?}\n{answer:#?}");
            match answer {
                // What is authorised is exactly what is on record.
                Reauthorised::Unchanged(authorised) => {
                    prop_assert_eq!(authorised.decision(), &decision);
                    prop_assert_ne!(now.kill_switch, KillSwitch::On);
                }
                Reauthorised::Less(less) => {
                    let Less { inputs: asked, index, decision: less } = *less;
                    prop_assert!(strength(inputs, &less) < strength(inputs, &decision));
                    // Where nothing is granted it may be about the whole incident.
                    prop_assert!(less.action.is_none() || less.account == decision.account);
                    prop_assert!(less.lease <= decision.lease);
                    prop_assert_eq!(&asked.circumstances, &now);
                    prop_assert_eq!(&asked.incident, &inputs.incident);
                    // It follows from the inputs that go on record with it.
                    prop_assert_eq!(&decide(&asked)[usize::try_from(index).unwrap()], &less);
                }
            }
        }
    }

    #[test]
    fn stricter_circumstances_never_allow_more(seed: u64, then: u64, now: u64, tightened: u64, later in 0i64..3_600) {
        let recorded = decided(seed, &mut Random(then));
        let inputs = recorded.inputs();
        let loose = circumstances(&mut Random(now), &inputs.incident);
        let mut strict = loose.clone();
        tighten(&mut strict, &mut Random(tightened));
        let clock = inputs.clock.plus_micros(later * 1_000_000);
        let much = all(&recorded, clock, &loose);
        let little = all(&recorded, clock.plus_micros(60_000_000), &strict);
        for ((_, much), (_, little)) in much.iter().zip(&little) {
            prop_assert!(
                strength_of(inputs, little) <= strength_of(inputs, much),
                "{:#?}\nbecame\n{:#?}\nfrom {:?} to {:?}", much, little, loose, strict
            );
        }
    }

    #[test]
    fn nothing_begins_while_the_kill_switch_is_on(seed: u64, then: u64) {
        let recorded = decided(seed, &mut Random(then));
        let inputs = recorded.inputs();
        let on = Circumstances { kill_switch: KillSwitch::On, ..Circumstances::unconfigured() };
        for (_, answer) in all(&recorded, inputs.clock, &on) {
            let Reauthorised::Less(less) = answer else { panic!("{answer:#?}") };
            prop_assert_eq!((less.decision.kind, less.decision.action), (DecisionKind::Deny, None));
        }
    }

    /// Less may act too: as a decision of its own, with an intent of its own.
    #[test]
    fn what_may_be_done_instead_is_authorised_in_its_turn(seed: u64, then: u64, now: u64) {
        let recorded = decided(seed, &mut Random(then));
        let inputs = recorded.inputs();
        let now = circumstances(&mut Random(now), &inputs.incident);
        for (_, answer) in all(&recorded, inputs.clock, &now) {
            let Reauthorised::Less(less) = answer else { continue };
            let recorded = on_record(&less.inputs);
            let again = reauthorise(&recorded, &intent(&recorded, less.index), inputs.clock, now.clone());
            if may_act(&less.decision) {
                let Ok(Reauthorised::Unchanged(authorised)) = again else { panic!("{again:#?}") };
                prop_assert_eq!(authorised.decision(), &less.decision);
            } else {
                let (kind, action) = (less.decision.kind, less.decision.action);
                prop_assert_eq!(again, Err(ReauthoriseError::NothingToDo { kind, action }));
            }
        }
    }

    #[test]
    fn only_decisions_that_act_are_answered(seed: u64, then: u64) {
        let recorded = decided(seed, &mut Random(then));
        let inputs = recorded.inputs();
        let decisions = decide(inputs);
        for (index, decision) in (0..).zip(&decisions).filter(|(_, decision)| !may_act(decision)) {
            let answer = reauthorise(&recorded, &intent(&recorded, index), inputs.clock, inputs.circumstances.clone());
            let (kind, action) = (decision.kind, decision.action);
            prop_assert_eq!(answer, Err(ReauthoriseError::NothingToDo { kind, action }));
        }
        let index = u32::try_from(decisions.len()).unwrap();
        let answer = reauthorise(&recorded, &intent(&recorded, index), inputs.clock, inputs.circumstances.clone());
        prop_assert_eq!(answer, Err(ReauthoriseError::NoSuchDecision { index, decisions: decisions.len() }));
    }
}

/// The properties mean something only if decisions act, and if some of them still hold and some don't.
#[test]
fn random_circumstances_reach_every_answer() {
    let (mut unchanged, mut less, mut downgraded) = (0, 0, 0);
    for seed in 0..6_000 {
        let recorded = decided(seed, &mut Random(seed + 1));
        let now = circumstances(&mut Random(seed + 2), &recorded.inputs().incident);
        for (decision, answer) in all(&recorded, recorded.inputs().clock, &now) {
            downgraded += u32::from(decision.kind == DecisionKind::Downgrade);
            match answer {
                Reauthorised::Unchanged(_) => unchanged += 1,
                Reauthorised::Less(_) => less += 1,
            }
        }
    }
    assert!(unchanged > 80 && less > 80 && downgraded > 20, "{unchanged} {less} {downgraded}");
}

/// The inputs of one case under the shipped policy and capability tables.
fn shipped(case: &str) -> RecordedInputs {
    let text = format!("[[case]]\nname = \"x\"\nexpect = []\n{case}");
    let file: CaseFile = toml::from_str(&text).unwrap();
    on_record(&file.cases[0].inputs(&Policy::shipped().unwrap(), &Capabilities::shipped().unwrap()))
}

/// Asks again about the first decision.
fn again(recorded: &RecordedInputs, seconds: i64, now: Circumstances) -> Reauthorised {
    let clock = recorded.inputs().clock.plus_micros(seconds * 1_000_000);
    reauthorise(recorded, &intent(recorded, 0), clock, now).unwrap()
}

fn authorised(answer: Reauthorised) -> Authorised {
    match answer {
        Reauthorised::Unchanged(authorised) => *authorised,
        Reauthorised::Less(less) => panic!("less: {}", line(&less.decision)),
    }
}

fn less(answer: Reauthorised) -> String {
    match answer {
        Reauthorised::Unchanged(authorised) => panic!("unchanged: {}", line(authorised.decision())),
        Reauthorised::Less(less) => line(&less.decision),
    }
}

#[test]
fn a_stolen_session_is_ended_while_the_evidence_is_fresh() {
    let recorded = shipped("ask = [\"revoke-sessions\"]");
    let now = authorised(again(&recorded, 60, Circumstances::unconfigured()));
    assert_eq!((now.action(), now.lease()), (Some(Action::RevokeSessions), Some(14_400)));
    assert_eq!(now.target().unwrap().reference.as_deref(), Some("session-1"));
    let late = less(again(&recorded, 20 * 60, Circumstances::unconfigured()));
    assert_eq!(late, "await-approval revoke-sessions [14400 s] 90/80: policy-cell floor-met evidence-stale?");
    // A clock that goes back is no clock: the evidence isn't younger than it was.
    let before = authorised(again(&recorded, -3_600, Circumstances::unconfigured()));
    assert_eq!(before.action(), Some(Action::RevokeSessions));
}

#[test]
fn what_changed_since_is_among_the_reasons() {
    let recorded = shipped("ask = [\"revoke-sessions\"]");
    let unconfigured = Circumstances::unconfigured;
    for (now, expected) in [
        (
            Circumstances { kill_switch: KillSwitch::On, ..unconfigured() },
            "deny revoke-sessions -> - 90/80: policy-cell floor-met kill-switch! no-rung-allowed!",
        ),
        (
            Circumstances { windows: Windows::Open("release".to_owned()), ..unconfigured() },
            "await-approval revoke-sessions [14400 s] 90/80: policy-cell floor-met window-open?",
        ),
        (
            Circumstances { estimates: Estimates::Asked(Vec::new()), ..unconfigured() },
            "await-approval revoke-sessions [14400 s] 90/80: policy-cell floor-met estimate-high?",
        ),
        (
            Circumstances { suppression: Suppression::Suppress("reported".to_owned()), ..unconfigured() },
            "suppress - 90/0: (enrich-alert) suppressed!",
        ),
    ] {
        assert_eq!(less(again(&recorded, 0, now)), expected);
    }
}

#[test]
fn what_was_downgraded_isnt_lifted_again() {
    // Too few administrators would have remained: a challenge only.
    let recorded = shipped("ask = [\"revoke-sessions\"]\nremaining-administrators = 1");
    let then = decide(recorded.inputs());
    assert!(
        line(&then[0]).starts_with("await-approval revoke-sessions -> require-reauthentication"),
        "{}",
        line(&then[0])
    );
    let recorded = shipped("ask = [\"revoke-sessions\"]\nfinding = [{ confidence = 75 }]");
    let then = decide(recorded.inputs());
    assert!(line(&then[0]).starts_with("downgrade revoke-sessions -> require-reauthentication [14400 s]"));
    let now = authorised(again(&recorded, 0, Circumstances::unconfigured()));
    assert_eq!(now.decision(), &then[0]);
    assert_eq!(now.action(), Some(Action::RequireReauthentication));

    // An estimate was high, and isn't any more: the decision to ask a person stays.
    let estimates =
        "estimates = [{ subject = 0, action = \"revoke-sessions\", principals = 9, sessions = 9, callers = 9 }]";
    let recorded = shipped(&format!("ask = [\"revoke-sessions\"]\n{estimates}"));
    let answer = reauthorise(&recorded, &intent(&recorded, 0), recorded.inputs().clock, Circumstances::unconfigured());
    let (kind, action) = (DecisionKind::AwaitApproval, Some(Action::RevokeSessions));
    assert_eq!(answer, Err(ReauthoriseError::NothingToDo { kind, action }));
}

#[test]
fn what_people_approved_may_be_done_and_nothing_else() {
    let estimates =
        "estimates = [{ subject = 0, action = \"revoke-sessions\", principals = 9, sessions = 9, callers = 9 }]";
    let recorded = shipped(&format!("ask = [\"revoke-sessions\"]\n{estimates}"));
    let given =
        |action, principals| GivenApproval { subject: 0, action, approval: 7, by: vec!["ana".to_owned()], principals };
    let with = |given: GivenApproval| Circumstances {
        approvals: Approvals::Given(vec![given]),
        ..recorded.inputs().circumstances.clone()
    };
    let revoke = Action::RevokeSessions;
    let now = authorised(again(&recorded, 0, with(given(revoke, Some(9)))));
    assert_eq!((now.action(), now.decision().kind), (Some(revoke), DecisionKind::AwaitApproval));
    // Stale evidence asks a person, and a person was asked.
    authorised(again(&recorded, 20 * 60, with(given(revoke, None))));
    // Fewer than it would hit now.
    let answer = less(again(&recorded, 0, with(given(revoke, Some(8)))));
    assert!(answer.starts_with("await-approval revoke-sessions") && answer.ends_with("approval-exceeded?"), "{answer}");
    // The table says that it hits one, and nobody is asked how many: it needs no approval any more, and has one.
    authorised(again(
        &recorded,
        0,
        Circumstances { estimates: Estimates::Unconfigured, ..with(given(revoke, Some(9))) },
    ));
    let asked = Circumstances { estimates: Estimates::Asked(Vec::new()), ..with(given(revoke, Some(9))) };
    assert!(less(again(&recorded, 0, asked)).ends_with("approval-exceeded?"), "it isn't known how many");
    // No approval lifts a refusal.
    let killed = Circumstances { kill_switch: KillSwitch::On, ..with(given(revoke, Some(9))) };
    assert!(less(again(&recorded, 0, killed)).starts_with("deny"));
    // Another action, or another subject's.
    let other = GivenApproval { subject: 1, ..given(revoke, Some(9)) };
    for other in [given(Action::SuspendAccount, None), other] {
        let answer = reauthorise(&recorded, &intent(&recorded, 0), recorded.inputs().clock, with(other));
        assert!(matches!(answer, Err(ReauthoriseError::NothingToDo { .. })), "{answer:?}");
    }
}

#[test]
fn an_intent_is_answered_from_its_own_inputs_and_by_its_own_gate() {
    let recorded = shipped("ask = [\"revoke-sessions\"]");
    let other = shipped("ask = [\"revoke-sessions\", \"notify\"]");
    let clock = recorded.inputs().clock;
    let error = reauthorise(&other, &intent(&recorded, 0), clock, Circumstances::unconfigured()).unwrap_err();
    assert_eq!(error, ReauthoriseError::OtherInputs { expected: recorded.name(), got: other.name() });
    // The name depends on the key: under another one it isn't the intent's.
    let bytes = recorded.inputs().to_bytes().unwrap();
    let key = DigestKey::private(&[7; 32]).unwrap();
    let other = RecordedInputs::read(&bytes, &key).unwrap();
    assert!(reauthorise(&other, &intent(&recorded, 0), clock, Circumstances::unconfigured()).is_err());
    // What another version of the gate decided may have been less.
    let older = on_record(&GateInputs { gate: VERSION - 1, ..recorded.inputs().clone() });
    let error = reauthorise(&older, &intent(&older, 0), clock, Circumstances::unconfigured()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected an intent of gate version 4, got one of version 3: decide the incident anew"
    );
}
