//! One cause that would reach many is braked, asked about once, and released in tranches.

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

#[test]
fn a_cause_that_reaches_many_waits_for_one_answer() {
    let (mut brakes, loud) = (Brakes::default(), rule("a/loud"));
    let went = flood(&mut brakes, 200, std::slice::from_ref(&loud));
    assert!(went[..4].iter().all(|go| *go == Go::Ahead));
    assert_eq!(went[4], Go::Wait(loud.clone(), true));
    assert!(went[5..].iter().all(|go| *go == Go::Wait(loud.clone(), false)));
    // Another cause goes on.
    assert_eq!(brakes.touch(key(999), &causes(999, &[rule("b/quiet")]), THRESHOLD, at(201)), Go::Ahead);
    // The same intent, asked again, waits once.
    brakes.touch(key(9), &causes(9, std::slice::from_ref(&loud)), THRESHOLD, at(202));
    assert_eq!(brakes.tripped()[&loud].waiting().len(), 196);
    // In tranches, each once the one before went well.
    let mut sizes = Vec::new();
    let mut released = brakes.approve(&loud);
    assert_eq!(brakes.approve(&loud), []);
    while !released.is_empty() {
        sizes.push(released.len());
        let last = released.pop().unwrap();
        assert!(released.iter().all(|key| brakes.report(key, true).is_empty()));
        released = brakes.report(&last, true);
    }
    assert_eq!(sizes, [10, 25, 100, 61]);
}

#[test]
fn tranches_stop_at_the_first_sign() {
    let (mut brakes, loud) = (Brakes::default(), rule("a/loud"));
    flood(&mut brakes, 100, std::slice::from_ref(&loud));
    let first = brakes.approve(&loud);
    assert_eq!(brakes.report(&first[0], false), []);
    // What is under way is reported, and nothing follows.
    assert!(first[1..].iter().all(|key| brakes.report(key, true).is_empty()));
    assert_eq!(brakes.tripped()[&loud].standing(), Standing::Stopped);
    // A person looks, and it begins small again.
    assert_eq!(brakes.approve(&loud).len(), 10);
    assert_eq!(brakes.deny(&loud).len(), 76);
    assert_eq!(
        brakes.touch(key(500), &causes(500, std::slice::from_ref(&loud)), THRESHOLD, at(300)),
        Go::Denied(loud.clone())
    );
    assert_eq!(brakes.approve(&loud), []);
    assert_eq!(brakes.reset(&loud), []);
    assert_eq!(brakes.touch(key(501), &causes(501, &[loud]), THRESHOLD, at(301)), Go::Ahead);
}

#[test]
fn any_cause_brakes() {
    let (generation, source) = (Cause::Generation(7), Cause::Source("okta".into()));
    let mut brakes = Brakes::default();
    // Each finding by another rule: the generation that raised them all is what they share.
    for number in 1..=4 {
        let by = [rule(&format!("a/r{number}")), generation.clone(), source.clone()];
        assert_eq!(brakes.touch(key(number), &causes(number, &by), THRESHOLD, at(0)), Go::Ahead);
    }
    let by = [rule("a/r5"), generation.clone()];
    assert_eq!(brakes.touch(key(5), &causes(5, &by), THRESHOLD, at(1)), Go::Wait(generation.clone(), true));
    // One person many times isn't many people.
    let mut brakes = Brakes::default();
    for number in 1..=20 {
        assert_eq!(
            brakes.touch(key(number), &causes(1, std::slice::from_ref(&generation)), THRESHOLD, at(number.into())),
            Go::Ahead
        );
    }
    // Nor are many over a long time.
    for number in 1..=20 {
        let go = brakes.touch(
            key(100 + number),
            &causes(number, std::slice::from_ref(&source)),
            THRESHOLD,
            at(i64::from(number) * 200),
        );
        assert_eq!(go, Go::Ahead);
    }
    brakes.forget(THRESHOLD, at(99_999));
    assert_eq!(brakes, Brakes::default());
}

#[test]
fn what_one_cause_released_another_may_hold() {
    let (mut brakes, one, two) = (Brakes::default(), rule("a/one"), rule("b/two"));
    flood(&mut brakes, 8, &[one.clone(), two.clone()]);
    let waits = |brakes: &Brakes, cause: &Cause| brakes.tripped()[cause].waiting().len();
    assert_eq!((waits(&brakes, &one), waits(&brakes, &two)), (4, 0));
    let released = brakes.approve(&one);
    assert_eq!(released.len(), 4);
    let by = [one, two.clone()];
    let again = |brakes: &mut Brakes, place: usize| brakes.touch(released[place], &causes(5, &by), THRESHOLD, at(9));
    assert_eq!(again(&mut brakes, 0), Go::Wait(two.clone(), false));
    assert_eq!(brakes.approve(&two), [released[0]]);
    assert_eq!(again(&mut brakes, 0), Go::Ahead);
    brakes.deny(&two);
    assert_eq!(again(&mut brakes, 1), Go::Denied(two));
}

#[test]
fn it_is_the_same_after_a_restart() {
    let mut brakes = Brakes::default();
    flood(&mut brakes, 30, &[rule("a/loud"), Cause::Publisher("a".to_owned())]);
    let read: Brakes = serde_json::from_slice(&serde_json::to_vec(&brakes).unwrap()).unwrap();
    assert_eq!(read, brakes);
}
