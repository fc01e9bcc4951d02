//! What becomes of an approval, whatever is said to it and by whom.

use proptest::prelude::*;

use crate::people::{at, bars, card, electorate, evidence, people, says, signed};
use crate::{Answer, Approval, Bar, Escalation, Meanwhile, Outcome, RefusalCode, State, Statement, Terms};
use countersign_policy::PersonRole;

fn terms(needed: u8) -> Terms {
    Terms { role: PersonRole::Approver, needed, escalation: None }
}

fn codes(outcome: Outcome) -> Vec<RefusalCode> {
    match outcome {
        Outcome::Refused(refusals) => refusals.into_iter().map(|refusal| refusal.code).collect(),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn as_many_people_must_approve_as_policy_says() {
    let (persons, none) = (people(&["approver"; 3]), bars(&[]));
    let electorate = electorate(&persons, &none);
    let mut approval = Approval::ask(card(7, 1), terms(2), at(0));
    let card = approval.card().clone();
    assert_eq!(approval.answer(&says(1, &card, Answer::Approve), &electorate, at(1)), Outcome::Counted(1));
    // The same person with the same key, and with another one: a person, not an account, approves.
    for key in [1, 101] {
        let outcome = approval.answer(&says(key, &card, Answer::Approve), &electorate, at(2));
        assert_eq!(codes(outcome), [RefusalCode::AnsweredBefore]);
    }
    assert_eq!(approval.answer(&says(2, &card, Answer::Approve), &electorate, at(3)), Outcome::Ended(State::Approved));
    let outcome = approval.answer(&says(3, &card, Answer::Deny), &electorate, at(4));
    assert_eq!(codes(outcome), [RefusalCode::NotPending]);
    assert_eq!((approval.votes().len(), &*approval.votes()[0].key), (2, &*persons[0].keys[0].to_string()));
}

#[test]
fn one_denial_ends_it_and_a_person_may_think_again() {
    let (persons, none) = (people(&["approver"; 2]), bars(&[]));
    let electorate = electorate(&persons, &none);
    let mut approval = Approval::ask(card(7, 1), terms(2), at(0));
    let card = approval.card().clone();
    approval.answer(&says(1, &card, Answer::Approve), &electorate, at(1));
    assert_eq!(approval.answer(&says(1, &card, Answer::Deny), &electorate, at(2)), Outcome::Ended(State::Denied));
}

#[test]
fn who_has_a_part_in_it_doesnt_answer() {
    let persons = people(&["approver", "viewer", "operator", "approver", "approver", "approver", "approver"]);
    let all = [Bar::Subject, Bar::InIncident, Bar::RuleOwner, Bar::AppliedGeneration, Bar::Contained];
    let barred = bars(&[(1, all[0]), (4, all[1]), (5, all[2]), (6, all[3]), (7, all[4]), (1, all[3])]);
    let electorate = electorate(&persons, &barred);
    let mut approval = Approval::ask(card(7, 1), terms(1), at(0));
    let card = approval.card().clone();
    for (number, answer, expected) in [
        (1, Answer::Approve, vec![RefusalCode::Barred; 2]),
        (101, Answer::Deny, vec![RefusalCode::Barred; 2]),
        (2, Answer::Approve, vec![RefusalCode::NoRole]),
        (3, Answer::Approve, vec![RefusalCode::NoRole]),
        (4, Answer::Deny, vec![RefusalCode::Barred]),
        (5, Answer::Approve, vec![RefusalCode::Barred]),
        (6, Answer::Approve, vec![RefusalCode::Barred]),
        (7, Answer::Approve, vec![RefusalCode::Barred]),
        (9, Answer::Approve, vec![RefusalCode::NotAnAnswer]),
    ] {
        assert_eq!(codes(approval.answer(&says(number, &card, answer), &electorate, at(1))), expected, "{number}");
    }
    // Nobody is left, and one is still needed.
    assert_eq!(
        (approval.state(), approval.missing(&electorate), electorate.count(&approval.roles())),
        (State::Pending, 1, 0)
    );
}

#[test]
fn what_was_said_to_another_card_doesnt_count() {
    let (persons, none) = (people(&["approver"]), bars(&[]));
    let electorate = electorate(&persons, &none);
    let asked = card(7, 1);
    let mut approval = Approval::ask(asked.clone(), terms(1), at(0));
    let mut other = vec![(card(8, 1), RefusalCode::OtherCard), (card(7, 2), RefusalCode::OtherHost)];
    // Everything that the digest binds.
    for change in 0..7 {
        let mut card = asked.clone();
        match change {
            0 => card.action = countersign_model::vocabulary::Action::BlockSignIn,
            1 => card.account.subject.push('x'),
            2 => card.lease = Some(60),
            3 => card.estimate = None,
            4 => card.undo = crate::Undoing::Impossible,
            5 => card.evidence[0].confidence = 70,
            _ => card.expires = at(9_999),
        }
        other.push((card, RefusalCode::OtherCard));
    }
    for (card, code) in other {
        let codes = codes(approval.answer(&says(1, &card, Answer::Approve), &electorate, at(1)));
        assert!(codes.contains(&code), "{codes:?}");
    }
    assert_eq!(approval.state(), State::Pending);
    // Its own card's digest with another expiry.
    let mut stretched = Statement::new(&asked, Answer::Approve, "yes");
    stretched.expires = at(9_999);
    assert_eq!(codes(approval.answer(&signed(1, &stretched), &electorate, at(1))), [RefusalCode::OtherCard]);
}

#[test]
fn it_expires_on_time_and_escalates_before() {
    let (persons, none) = (people(&["operator", "approver"]), bars(&[]));
    let electorate = electorate(&persons, &none);
    let escalation = Escalation { after: 600, role: PersonRole::Operator, meanwhile: Meanwhile::StrongestAutomatic };
    let terms = Terms { escalation: Some(escalation), ..terms(1) };
    let mut approval = Approval::ask(card(7, 1), terms, at(0));
    let card = approval.card().clone();
    assert_eq!(codes(approval.answer(&says(1, &card, Answer::Approve), &electorate, at(1))), [RefusalCode::NoRole]);
    assert_eq!(approval.pass(at(599)), Outcome::Nothing);
    assert_eq!(approval.pass(at(600)), Outcome::Escalated(PersonRole::Operator, Meanwhile::StrongestAutomatic));
    assert_eq!(approval.pass(at(601)), Outcome::Nothing);
    let mut late = approval.clone();
    assert_eq!(
        approval.answer(&says(1, &card, Answer::Approve), &electorate, at(602)),
        Outcome::Ended(State::Approved)
    );
    // An answer that comes in the moment of its end is too late, whether time was said to pass or not.
    assert_eq!(codes(late.answer(&says(2, &card, Answer::Approve), &electorate, at(3_600))), [RefusalCode::Expired]);
    assert_eq!(late.state(), State::Expired);
}

#[test]
fn evidence_that_is_withdrawn_voids_it_and_more_doesnt() {
    let mut approval = Approval::ask(card(7, 1), terms(1), at(0));
    let (first, second, third) = (evidence("e-1", 80), evidence("e-2", 60), evidence("e-3", 90));
    assert_eq!(approval.evidence(&[second.clone(), first.clone(), third.clone()]), Outcome::Nothing);
    assert_eq!(approval.added(), [third]);
    for weaker in [vec![first.clone()], vec![first.clone(), evidence("e-2", 59)], Vec::new()] {
        let mut approval = approval.clone();
        assert_eq!(approval.evidence(&weaker), Outcome::Ended(State::Superseded));
        assert!(approval.why().unwrap().contains("e-2"), "{:?}", approval.why());
    }
    let mut named = second.clone();
    named.role = countersign_model::vocabulary::EvidenceRole::MerelyNames;
    assert_eq!(approval.evidence(&[first, named]), Outcome::Ended(State::Superseded));
}

/// What becomes of the people meanwhile: its name, what changes, and who may not answer any more.
type Later = (&'static str, Box<dyn Fn(&mut Vec<countersign_policy::Person>)>, Vec<(u8, Bar)>);

#[test]
fn who_may_not_answer_any_more_doesnt_count_any_more() {
    let persons = people(&["approver"; 3]);
    let card = card(7, 1);
    let later: [Later; 4] = [
        ("contained", Box::new(|_| {}), vec![(1, Bar::Contained)]),
        ("key removed", Box::new(|persons| drop(persons[0].keys.remove(0))), Vec::new()),
        ("left", Box::new(|persons| drop(persons.remove(0))), Vec::new()),
        ("role lost", Box::new(|persons| persons[0].roles.clear()), Vec::new()),
    ];
    for (what, change, barred) in later {
        let mut approval = Approval::ask(card.clone(), terms(2), at(0));
        let none = bars(&[]);
        approval.answer(&says(1, &card, Answer::Approve), &electorate(&persons, &none), at(1));
        let (mut now, barred) = (persons.clone(), bars(&barred));
        change(&mut now);
        let now = electorate(&now, &barred);
        assert_eq!(approval.answer(&says(2, &card, Answer::Approve), &now, at(2)), Outcome::Counted(1), "{what}");
        assert_eq!(
            approval.answer(&says(3, &card, Answer::Approve), &now, at(3)),
            Outcome::Ended(State::Approved),
            "{what}"
        );
    }
}

/// What may happen to an approval.
#[derive(Clone, Debug)]
enum Step {
    Says(u8, bool),
    Time(i64),
    Evidence(bool),
    Withdraw,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1_u8..7, prop::bool::weighted(0.9)).prop_map(|(number, approves)| Step::Says(number, approves)),
        2 => (0_i64..900).prop_map(Step::Time),
        1 => prop::bool::weighted(0.8).prop_map(Step::Evidence),
        1 => Just(Step::Withdraw),
        3 => Just(Step::Restart),
    ]
}

proptest! {
    /// Against a model that only counts: whatever happens in whatever order, with a restart between any two steps.
    #[test]
    fn only_enough_people_with_no_part_in_it_approve(needed in 1_u8..4, steps in prop::collection::vec(step(), 1..40)) {
        let (persons, barred) = (people(&["approver", "approver", "approver", "approver", "viewer"]), bars(&[(4, Bar::Subject)]));
        let electorate = electorate(&persons, &barred);
        let mut approval = Approval::ask(card(7, 1), terms(needed), at(0));
        let card = approval.card().clone();
        let (mut now, mut said, mut expected) = (0, std::collections::BTreeSet::new(), State::Pending);
        for step in steps {
            match step {
                Step::Says(number, approves) => {
                    let answer = if approves { Answer::Approve } else { Answer::Deny };
                    let outcome = approval.answer(&says(number, &card, answer), &electorate, at(now));
                    if expected == State::Pending && now >= 3_600 {
                        expected = State::Expired;
                    }
                    let counts = expected == State::Pending && number <= 3;
                    if counts && !approves {
                        expected = State::Denied;
                    } else if counts && said.insert(number) && said.len() >= usize::from(needed) {
                        expected = State::Approved;
                    }
                    prop_assert_eq!(matches!(outcome, Outcome::Refused(_)), !counts || (approves && outcome_is_repeat(&outcome)));
                }
                Step::Time(seconds) => {
                    now += seconds;
                    approval.pass(at(now));
                    if expected == State::Pending && now >= 3_600 {
                        expected = State::Expired;
                    }
                }
                Step::Evidence(holds) => {
                    let evidence = if holds { card.evidence.clone() } else { Vec::new() };
                    approval.evidence(&evidence);
                    if expected == State::Pending && !holds {
                        expected = State::Superseded;
                    }
                }
                Step::Withdraw => {
                    approval.withdraw("the incident is closed".to_owned());
                    if expected == State::Pending {
                        expected = State::Withdrawn;
                    }
                }
                Step::Restart => {
                    let stored = serde_json::to_vec(&approval).unwrap();
                    let read: Approval = serde_json::from_slice(&stored).unwrap();
                    prop_assert_eq!(&read, &approval);
                    approval = read;
                }
            }
            prop_assert_eq!(approval.state(), expected);
        }
    }
}

fn outcome_is_repeat(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Refused(refusals) if refusals.iter().all(|refusal| refusal.code == RefusalCode::AnsweredBefore))
}
