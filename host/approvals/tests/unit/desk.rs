//! One card for an account and action, floods of cards, and hasty answers.

use countersign_policy::PersonRole;

use crate::people::{at, bars, card, electorate, evidence, people, says};
use crate::{Answer, Asked, Card, Desk, Limits, Outcome, State, Terms};

fn terms() -> Terms {
    Terms { role: PersonRole::Approver, needed: 1, escalation: None }
}

fn of(approval: u64, subject: &str, rule: &str) -> Card {
    let mut card = card(approval, 1);
    card.account.subject = subject.to_owned();
    card.evidence.iter_mut().for_each(|one| one.rule = rule.parse().unwrap());
    card
}

#[test]
fn one_card_for_an_account_and_action() {
    let (persons, none) = (people(&["approver"]), bars(&[]));
    let electorate = electorate(&persons, &none);
    let (mut desk, limits) = (Desk::default(), Limits::default());
    assert_eq!(desk.ask(card(1, 1), terms(), limits, at(0)), Asked::New(1));
    // More evidence, more sessions: what attackers do next doesn't take the card away.
    let mut more = card(2, 1);
    more.evidence.push(evidence("e-3", 90));
    more.estimate = Some([1, 40, 9]);
    assert_eq!(desk.ask(more, terms(), limits, at(1)), Asked::Joined(1));
    assert_eq!(desk.get(1).unwrap().added(), [evidence("e-3", 90)]);
    // What it doesn't ask for comes after it, the last of them.
    let (mut longer, mut other, mut wider) = (card(3, 1), card(4, 1), card(5, 1));
    (longer.lease, other.reference) = (Some(9_000), Some("session".to_owned()));
    wider.estimate = None;
    for behind in [longer, wider, other] {
        assert_eq!(desk.ask(behind, terms(), limits, at(2)), Asked::Behind(1));
    }
    let asked = desk.get(1).unwrap().card().clone();
    let (outcome, ended) = desk.answer(1, &says(1, &asked, Answer::Deny), &electorate, at(60)).unwrap();
    let ended = ended.unwrap();
    assert_eq!((outcome, ended.approval.state(), ended.next), (Outcome::Ended(State::Denied), State::Denied, Some(4)));
    assert_eq!(desk.get(4).unwrap().asked(), at(60));
    // Another action on the same account has a card of its own.
    let mut action = card(6, 1);
    action.action = countersign_model::vocabulary::Action::RevokeSessions;
    assert_eq!(desk.ask(action, terms(), limits, at(61)), Asked::New(6));
}

#[test]
fn a_flood_of_cards_ends_at_a_number_and_leaves_room() {
    let (mut desk, limits) = (Desk::default(), Limits { pending: 5, pending_per_rule: 3 });
    let mut ask = |number: u64, rule: &str| desk.ask(of(number, &format!("a{number}"), rule), terms(), limits, at(0));
    for number in 1..=3 {
        assert_eq!(ask(number, "loud/rule"), Asked::New(number));
    }
    assert_eq!(ask(4, "loud/rule"), Asked::Full(Some("loud/rule".parse().unwrap())));
    assert_eq!(ask(5, "other/rule"), Asked::New(5));
    assert_eq!(ask(6, "third/rule"), Asked::New(6));
    assert_eq!(ask(7, "fourth/rule"), Asked::Full(None));
    // What comes with a card that waits needs no room, and takes none.
    let mut again = of(8, "a1", "loud/rule");
    again.lease = None;
    assert_eq!(desk.ask(again, terms(), limits, at(1)), Asked::Behind(1));
    assert_eq!(desk.withdraw(1, "over".to_owned(), at(1)).unwrap().next, Some(8));
    assert_eq!(desk.pending().count(), 5);
}

#[test]
fn evidence_beside_a_card_is_bounded() {
    let mut desk = Desk::default();
    desk.ask(card(1, 1), terms(), Limits::default(), at(0));
    for number in 0..500 {
        let mut more = card(2 + number, 1);
        more.evidence = vec![evidence(&format!("more-{number}"), 50)];
        assert_eq!(desk.ask(more, terms(), Limits::default(), at(1)), Asked::Joined(1));
    }
    let added = desk.get(1).unwrap().added();
    assert_eq!((added.len(), added.last()), (64, Some(&evidence("more-499", 50))));
}

#[test]
fn answers_are_counted_and_hasty_ones_too() {
    let (persons, none) = (people(&["approver"; 2]), bars(&[]));
    let electorate = electorate(&persons, &none);
    let mut desk = Desk::default();
    for (number, seconds) in [(1, 9), (2, 10), (3, 3_600)] {
        desk.ask(of(number, &format!("a{number}"), "a/b"), terms(), Limits::default(), at(0));
        let card = desk.get(number).unwrap().card().clone();
        let answered = desk.answer(number, &says(1, &card, Answer::Approve), &electorate, at(seconds));
        let (outcome, ended) = answered.unwrap();
        assert_eq!(
            ended.map(|ended| ended.approval.state()),
            Some(if number < 3 { State::Approved } else { State::Expired })
        );
        assert_eq!(matches!(outcome, Outcome::Refused(_)), number == 3);
    }
    let counter = desk.counters()["p1"];
    assert_eq!((counter.answers, counter.hasty), (2, 1));
    assert!(desk.answer(1, &says(1, &card(1, 1), Answer::Approve), &electorate, at(0)).is_none());
}

#[test]
fn time_and_evidence_end_cards() {
    let mut desk = Desk::default();
    for (number, subject) in [(1, "a"), (2, "b"), (3, "c")] {
        desk.ask(of(number, subject, "a/b"), terms(), Limits::default(), at(0));
    }
    assert_eq!(desk.evidence(1, &[], at(1)).unwrap().approval.state(), State::Superseded);
    assert_eq!(desk.withdraw(2, "the case is closed".to_owned(), at(1)).unwrap().approval.state(), State::Withdrawn);
    assert!(desk.withdraw(2, String::new(), at(1)).is_none());
    let stored = serde_json::to_vec(&desk).unwrap();
    let mut desk: Desk = serde_json::from_slice(&stored).unwrap();
    let (ended, escalated) = desk.pass(at(3_600));
    assert_eq!((ended.len(), ended[0].approval.state(), escalated.len()), (1, State::Expired, 0));
    assert_eq!(desk.pending().count(), 0);
}
