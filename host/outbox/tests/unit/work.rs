//! At most one effect, never without *started* on record, settled before it is tried again, whatever dies in between: against
//! a provider that is played, with restarts, lost replies and lost outcomes between any two steps.

use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1_000_000)
}

fn work(purpose: Purpose) -> Work {
    Work::new(Digest([7; 32]), purpose, at(0), at(600))
}

fn take(work: &mut Work, inputs: &[Input], now: i64) -> Effect {
    inputs.iter().map(|input| work.take(input, at(now)).unwrap()).last().unwrap()
}

#[test]
fn the_way_of_an_intent() {
    let mut work = work(Purpose::Act);
    let mut steps = Vec::new();
    let mut step = |work: &mut Work, input: Input| {
        steps.push(work.next(at(1)));
        work.take(&input, at(1)).unwrap()
    };
    step(&mut work, Input::Gate(true));
    step(&mut work, Input::Started);
    step(&mut work, Input::Outcome(Outcome::Accepted));
    assert_eq!(step(&mut work, Input::ReadBack(ReadBack::InEffect)), Effect::Done);
    assert_eq!(steps, [Next::AskGate, Next::CommitStarted, Next::Call, Next::ReadBack]);
    assert_eq!((work.phase(), work.next(at(9)), work.attempts()), (Phase::Done, Next::Nothing, 1));
}

#[test]
fn the_gate_may_say_less_each_time() {
    let mut work = work(Purpose::Act);
    take(&mut work, &[Input::Gate(true), Input::Started, Input::Outcome(Outcome::Deferred(Some(5_000_000)))], 1);
    assert_eq!((work.next(at(2)), work.next(at(6))), (Next::Wait(at(6)), Next::AskGate));
    assert_eq!(take(&mut work, &[Input::Gate(false)], 6), Effect::Released(Phase::Stopped));
    assert!(work.has_ended());
}

#[test]
fn what_undoes_asks_nobody_and_is_tried_on() {
    let mut work = work(Purpose::Undo);
    assert_eq!(work.next(at(0)), Next::CommitStarted);
    assert!(work.take(&Input::Gate(false), at(0)).is_err());
    take(&mut work, &[Input::Started, Input::Outcome(Outcome::Refused)], 1);
    assert_eq!(work.phase(), Phase::Waiting);
    // A person hears of it once, and it goes on for as long as it takes.
    assert_eq!(take(&mut work, &[Input::Time], 700), Effect::Nothing);
    let mut later = super::Work::new(Digest([1; 32]), Purpose::Undo, at(0), at(600));
    assert_eq!(take(&mut later, &[Input::Time], 599), Effect::Nothing);
    assert_eq!(take(&mut later, &[Input::Time], 600), Effect::Overdue);
    assert_eq!(take(&mut later, &[Input::Time], 900), Effect::Nothing);
    assert_eq!(later.next(at(900)), Next::CommitStarted);
}

#[test]
fn a_deadline_ends_what_acts() {
    let mut waiting = work(Purpose::Act);
    assert_eq!(take(&mut waiting, &[Input::Time], 600), Effect::Dead(DeadReason::TooLate));
    let mut uncertain = work(Purpose::Act);
    take(&mut uncertain, &[Input::Gate(true), Input::Started, Input::Outcome(Outcome::Unknown)], 1);
    assert_eq!(take(&mut uncertain, &[Input::Time], 600), Effect::Dead(DeadReason::Unsettled));
    // What is under way is waited for.
    let mut started = work(Purpose::Act);
    take(&mut started, &[Input::Gate(true), Input::Started], 599);
    assert_eq!(take(&mut started, &[Input::Time], 700), Effect::Nothing);
    assert_eq!(take(&mut started, &[Input::Outcome(Outcome::Accepted)], 701), Effect::Nothing);
    assert_eq!(take(&mut started, &[Input::ReadBack(ReadBack::InEffect)], 702), Effect::Done);
    // What the provider asks to wait for beyond it isn't waited for.
    let mut deferred = work(Purpose::Act);
    let wait = Input::Outcome(Outcome::Deferred(Some(300_000_000)));
    assert_eq!(take(&mut deferred, &[Input::Gate(true), Input::Started, wait], 590), Effect::Dead(DeadReason::TooLate));
}

#[test]
fn what_was_accepted_isnt_done_twice_because_a_copy_is_behind() {
    let mut work = work(Purpose::Act);
    take(&mut work, &[Input::Gate(true), Input::Started, Input::Outcome(Outcome::Accepted)], 1);
    for seconds in [2, 9, 20] {
        take(&mut work, &[Input::ReadBack(ReadBack::NotInEffect)], seconds);
        assert_eq!(work.phase(), Phase::Uncertain);
    }
    take(&mut work, &[Input::ReadBack(ReadBack::NotInEffect)], 40);
    assert_eq!((work.phase(), work.attempts()), (Phase::Waiting, 1));
}

#[test]
fn another_account_of_the_same_name_is_left_alone() {
    for last in [Input::Outcome(Outcome::PrincipalChanged), Input::Outcome(Outcome::Unknown)] {
        let mut work = work(Purpose::Act);
        take(&mut work, &[Input::Gate(true), Input::Started, last.clone()], 1);
        if last == Input::Outcome(Outcome::Unknown) {
            take(&mut work, &[Input::ReadBack(ReadBack::PrincipalChanged)], 9);
        }
        assert_eq!(work.dead(), Some(DeadReason::PrincipalChanged));
    }
}

#[test]
fn what_cant_come_changes_nothing() {
    let inputs =
        [Input::Gate(true), Input::Started, Input::Outcome(Outcome::Accepted), Input::ReadBack(ReadBack::InEffect)];
    let mut fits = 0;
    let mut states = vec![work(Purpose::Act)];
    for input in &inputs {
        let mut next = states.last().unwrap().clone();
        next.take(input, at(1)).unwrap();
        states.push(next);
    }
    for state in &states {
        for input in &inputs {
            let mut work = state.clone();
            match work.take(input, at(1)) {
                Ok(_) => fits += 1,
                Err(error) => {
                    assert_eq!(&work, state);
                    assert!(error.to_string().contains(state.phase().id()), "{error}");
                }
            }
        }
    }
    assert_eq!(fits, inputs.len());
}

/// What goes wrong in one round.
#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    /// The host dies before this step, or after it and before its outcome is on record.
    DiesBefore,
    DiesAfter,
    /// The reply is lost: the provider did it, or not.
    Lost(bool),
    Deferred,
    Unreadable,
    /// The gate says less.
    Less,
    Time(i64),
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        8 => Just(Fault::None),
        2 => Just(Fault::DiesBefore),
        2 => Just(Fault::DiesAfter),
        2 => any::<bool>().prop_map(Fault::Lost),
        1 => Just(Fault::Deferred),
        1 => Just(Fault::Unreadable),
        1 => Just(Fault::Less),
        2 => (0_i64..200).prop_map(Fault::Time),
    ]
}

proptest! {
    #[test]
    fn one_effect_at_most_and_none_unrecorded(undoes in any::<bool>(), faults in prop::collection::vec(fault(), 1..120)) {
        let purpose = if undoes { Purpose::Undo } else { Purpose::Act };
        let mut work = work(purpose);
        // What is on disk, and what the provider has done under the key.
        let mut stored = work.clone();
        let (mut effects, mut started_on_record, mut now) = (0, 0_u32, 0);
        for fault in faults {
            now += 1;
            if let Fault::Time(seconds) = fault {
                now += seconds;
            }
            if matches!(fault, Fault::DiesBefore) {
                work = stored.clone();
                work.take(&Input::Restarted, at(now)).unwrap();
                stored = work.clone();
            }
            let input = match work.next(at(now)) {
                Next::Wait(_) | Next::Nothing => Input::Time,
                Next::AskGate => Input::Gate(!matches!(fault, Fault::Less)),
                Next::CommitStarted => {
                    started_on_record += 1;
                    Input::Started
                }
                Next::Call => {
                    prop_assert!(started_on_record > effects, "a call without `started` on record");
                    prop_assert_eq!(stored.phase(), Phase::Started);
                    match fault {
                        Fault::Lost(done) => {
                            effects += u32::from(done);
                            Input::Outcome(Outcome::Unknown)
                        }
                        Fault::Deferred => Input::Outcome(Outcome::Deferred(None)),
                        _ => {
                            effects += 1;
                            Input::Outcome(Outcome::Accepted)
                        }
                    }
                }
                Next::ReadBack => Input::ReadBack(match fault {
                    Fault::Unreadable => ReadBack::Unreadable(None),
                    _ if effects > 0 => ReadBack::InEffect,
                    _ => ReadBack::NotInEffect,
                }),
            };
            prop_assert!(effects <= 1, "the provider did it {effects} times");
            work.take(&input, at(now)).unwrap();
            if matches!(fault, Fault::DiesAfter) {
                // What came of the step was never on record; that `started` is, decides nothing by itself.
                work = stored.clone();
                work.take(&Input::Restarted, at(now)).unwrap();
            }
            stored = serde_json::from_slice(&serde_json::to_vec(&work).unwrap()).unwrap();
            if work.phase() == Phase::Done {
                prop_assert_eq!(effects, 1);
            }
            if work.phase() == Phase::Stopped || work.dead() == Some(DeadReason::TooLate) {
                prop_assert_eq!(effects, 0, "what was done isn't known");
            }
        }
        // Without faults it comes to an end.
        for _ in 0..20 {
            now += 400;
            let input = match work.next(at(now)) {
                Next::Wait(_) | Next::Nothing => Input::Time,
                Next::AskGate => Input::Gate(true),
                Next::CommitStarted => Input::Started,
                Next::Call => {
                    effects += 1;
                    Input::Outcome(Outcome::Accepted)
                }
                Next::ReadBack => Input::ReadBack(if effects > 0 { ReadBack::InEffect } else { ReadBack::NotInEffect }),
            };
            work.take(&input, at(now)).unwrap();
            prop_assert!(effects <= 1);
        }
        prop_assert!(work.has_ended(), "{:?}", work.phase());
    }
}
