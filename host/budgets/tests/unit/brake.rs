//! One cause that would reach many is braked, asked about once, and released in tranches.

use std::collections::BTreeSet;

use super::*;
use countersign_model::vocabulary::IdentityType;

const THRESHOLD: Threshold = Threshold { identities: 5, seconds: 600 };

fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1_000_000)
}

fn key(number: u16) -> Digest {
    Digest::of(&number.to_be_bytes())
}

fn rule(name: &str) -> Cause {
    Cause::Rule(name.parse().unwrap())
}

fn causes(identity: u16, by: &[Cause]) -> Causes {
    Causes { identity: format!("i{identity}"), identity_type: IdentityType::Human, by: by.iter().cloned().collect() }
}

/// So many intents of one rule, a second apart, each about somebody else.
fn flood(brakes: &mut Brakes, count: u16, by: &[Cause]) -> Vec<Go> {
    (1..=count).map(|number| brakes.touch(key(number), &causes(number, by), THRESHOLD, at(number.into()))).collect()
}

fn waits(cause: &Cause) -> Go {
    Go::Wait { cause: cause.clone(), ask: false }
}

fn asks(cause: &Cause) -> Go {
    Go::Wait { cause: cause.clone(), ask: true }
}

/// What a person is asked about.
fn set(brakes: &Brakes, cause: &Cause) -> BTreeSet<Digest> {
    brakes.tripped()[cause].waiting().iter().copied().collect()
}

fn approve(brakes: &mut Brakes, cause: &Cause) -> Release {
    let all = set(brakes, cause);
    brakes.approve(cause, &all)
}

/// Reports all as gone well, tranche after tranche; returns their sizes, and who is to be asked at the end.
fn drain(brakes: &mut Brakes, mut release: Release) -> (Vec<usize>, Vec<Cause>) {
    let (mut sizes, mut ask) = (Vec::new(), Vec::new());
    while !release.keys.is_empty() {
        sizes.push(release.keys.len());
        let keys = std::mem::take(&mut release.keys);
        for key in keys {
            let next = brakes.report(&key, true);
            release.keys.extend(next.keys);
            ask.extend(next.ask);
        }
    }
    (sizes, ask)
}

#[test]
fn a_cause_that_reaches_many_waits_for_one_answer() {
    let (mut brakes, loud) = (Brakes::default(), rule("a/loud"));
    let went = flood(&mut brakes, 200, std::slice::from_ref(&loud));
    assert!(went[..4].iter().all(|go| *go == Go::Ahead));
    assert_eq!(went[4], asks(&loud));
    assert!(went[5..].iter().all(|go| *go == waits(&loud)));
    // Another cause goes on.
    assert_eq!(brakes.touch(key(999), &causes(999, &[rule("b/quiet")]), THRESHOLD, at(201)), Go::Ahead);
    // The same intent, asked about again, waits once.
    brakes.touch(key(9), &causes(9, std::slice::from_ref(&loud)), THRESHOLD, at(202));
    assert_eq!(brakes.tripped()[&loud].waiting().len(), 196);
    // In tranches, each once the one before went well.
    let release = approve(&mut brakes, &loud);
    assert_eq!(brakes.approve(&loud, &BTreeSet::new()).keys, []);
    assert_eq!(drain(&mut brakes, release), (vec![10, 25, 100, 61], vec![]));
    // Then it isn't braked any more; the next one asks anew.
    assert!(brakes.tripped().is_empty());
    assert_eq!(brakes.touch(key(900), &causes(900, std::slice::from_ref(&loud)), THRESHOLD, at(300)), asks(&loud));
}

#[test]
fn an_approval_is_of_what_was_shown() {
    let (mut brakes, loud) = (Brakes::default(), rule("a/loud"));
    flood(&mut brakes, 12, std::slice::from_ref(&loud));
    let shown = set(&brakes, &loud);
    // What a hostile rule adds meanwhile, and while it is being done.
    brakes.touch(key(500), &causes(500, std::slice::from_ref(&loud)), THRESHOLD, at(20));
    let release = brakes.approve(&loud, &shown);
    brakes.touch(key(501), &causes(501, std::slice::from_ref(&loud)), THRESHOLD, at(21));
    let (sizes, ask) = drain(&mut brakes, release);
    assert_eq!((sizes, ask), (vec![8], vec![loud.clone()]));
    assert_eq!(set(&brakes, &loud), BTreeSet::from([key(500), key(501)]));
    assert_eq!(brakes.tripped()[&loud].standing(), Standing::Asked);
}

#[test]
fn tranches_stop_at_the_first_sign() {
    let (mut brakes, loud) = (Brakes::default(), rule("a/loud"));
    flood(&mut brakes, 100, std::slice::from_ref(&loud));
    let first = approve(&mut brakes, &loud).keys;
    let stopped = brakes.report(&first[0], false);
    assert_eq!(stopped, Release { keys: vec![], ask: vec![loud.clone()] });
    // What is under way is reported, and nothing follows.
    assert!(first[1..].iter().all(|key| brakes.report(key, true) == Release::default()));
    assert_eq!(brakes.tripped()[&loud].standing(), Standing::Stopped);
    // A person looks, and it begins small again. What is undone with a conflict later stops it too.
    assert_eq!(approve(&mut brakes, &loud).keys.len(), 10);
    assert_eq!(brakes.report(&first[3], false).ask, std::slice::from_ref(&loud));
    assert_eq!(brakes.deny(&loud).len(), 76);
    assert_eq!(
        brakes.touch(key(500), &causes(500, std::slice::from_ref(&loud)), THRESHOLD, at(300)),
        Go::Denied(loud.clone())
    );
    assert_eq!(brakes.approve(&loud, &BTreeSet::new()), Release::default());
    // A denial ends with the time that counts.
    brakes.forget(THRESHOLD, at(604));
    assert_eq!(brakes.tripped()[&loud].standing(), Standing::Denied);
    brakes.forget(THRESHOLD, at(9_999));
    assert_eq!(brakes.touch(key(501), &causes(501, &[loud]), THRESHOLD, at(9_999)), Go::Ahead);
}

#[test]
fn any_cause_brakes_and_the_narrowest_alone() {
    let (generation, source) = (Cause::Generation(7), Cause::Source("okta".into()));
    let mut brakes = Brakes::default();
    // Each finding by another rule: the generation that raised them all is what they share.
    for number in 1..=4 {
        let by = [rule(&format!("a/r{number}")), generation.clone()];
        assert_eq!(brakes.touch(key(number), &causes(number, &by), THRESHOLD, at(0)), Go::Ahead);
    }
    let by = [rule("a/r5"), generation.clone()];
    assert_eq!(brakes.touch(key(5), &causes(5, &by), THRESHOLD, at(1)), asks(&generation));
    // All by one rule: rule, publisher, source and generation reach them all, and one answer is enough.
    let by = [rule("a/r"), Cause::Publisher("a".to_owned()), source.clone(), generation.clone()];
    let mut brakes = Brakes::default();
    flood(&mut brakes, 9, &by);
    assert_eq!(brakes.tripped().keys().collect::<Vec<_>>(), [&by[0]]);
    for key in approve(&mut brakes, &by[0]).keys {
        assert_eq!(brakes.touch(key, &causes(5, &by), THRESHOLD, at(20)), Go::Ahead);
    }
    // One person many times isn't many people.
    let mut brakes = Brakes::default();
    for number in 1..=20 {
        let touched = causes(1, std::slice::from_ref(&generation));
        assert_eq!(brakes.touch(key(number), &touched, THRESHOLD, at(number.into())), Go::Ahead);
    }
    // Nor are many over a long time.
    for number in 1..=20 {
        let touched = causes(number, std::slice::from_ref(&source));
        assert_eq!(brakes.touch(key(100 + number), &touched, THRESHOLD, at(i64::from(number) * 200)), Go::Ahead);
    }
    brakes.forget(THRESHOLD, at(99_999));
    assert_eq!(brakes, Brakes::default());
}

#[test]
fn what_is_asked_about_again_brakes_nothing() {
    let (mut brakes, loud) = (Brakes::default(), rule("a/loud"));
    flood(&mut brakes, 4, std::slice::from_ref(&loud));
    for _ in 0..10 {
        assert_eq!(brakes.touch(key(2), &causes(2, std::slice::from_ref(&loud)), THRESHOLD, at(500)), Go::Ahead);
    }
    // Nor does it count anew: the first ones lie too far back.
    for number in 10..13 {
        assert_eq!(
            brakes.touch(key(number), &causes(number, std::slice::from_ref(&loud)), THRESHOLD, at(603)),
            Go::Ahead
        );
    }
}

#[test]
fn what_one_cause_released_another_may_hold() {
    let (mut brakes, one, two) = (Brakes::default(), rule("a/one"), rule("b/two"));
    flood(&mut brakes, 8, &[one.clone(), two.clone()]);
    assert_eq!((set(&brakes, &one).len(), brakes.tripped().len()), (4, 1));
    let released = approve(&mut brakes, &one).keys;
    assert_eq!(released.len(), 4);
    // What the other rule does by itself is another question.
    for number in 20..25 {
        brakes.touch(key(number), &causes(number, std::slice::from_ref(&two)), THRESHOLD, at(9));
    }
    let by = [one, two.clone()];
    let again = |brakes: &mut Brakes, place: usize| brakes.touch(released[place], &causes(5, &by), THRESHOLD, at(9));
    assert_eq!(again(&mut brakes, 0), waits(&two));
    assert!(approve(&mut brakes, &two).keys.contains(&released[0]));
    assert_eq!(again(&mut brakes, 0), Go::Ahead);
    brakes.deny(&two);
    assert_eq!(again(&mut brakes, 1), Go::Denied(two));
}

#[test]
fn it_is_the_same_after_a_restart() {
    let mut brakes = Brakes::default();
    flood(&mut brakes, 30, &[rule("a/loud"), Cause::Publisher("a".to_owned())]);
    approve(&mut brakes, &rule("a/loud"));
    let read: Brakes = serde_json::from_slice(&serde_json::to_vec(&brakes).unwrap()).unwrap();
    assert_eq!(read, brakes);
}
