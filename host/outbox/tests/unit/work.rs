//! At most one effect, never without *started* on record, settled before it is tried again, and nothing said to be undone or
//! not done that may still be: against a provider that is played, which fails, does late what it was asked, and doesn't
//! reply, with deaths of the host between any two steps.

use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1_000_000)
}

/// For how long the provider may still do what it was asked, seconds.
const SETTLING: i64 = 60;

fn work(purpose: Purpose) -> Work {
    Work::new(Digest([7; 32]), purpose, at(0), at(600), SETTLING * 1_000_000)
}

fn gate(said: Gate) -> Input {
    Input::Gate { said }
}

fn started() -> Input {
    Input::Started { before: "on".to_owned() }
}

fn outcome(attempt: u32, outcome: Outcome) -> Input {
    Input::Outcome { attempt, outcome }
}

fn read(attempt: u32, read: ReadBack) -> Input {
    Input::ReadBack { attempt, read }
}

const OURS: ReadBack = ReadBack::InEffect { ours: true };

fn take(work: &mut Work, inputs: &[Input], now: i64) -> Effect {
    inputs.iter().map(|input| work.take(input, at(now)).unwrap()).last().unwrap()
}

/// One that was called once, with this outcome.
fn called(said: Outcome, now: i64) -> Work {
    let mut work = work(Purpose::Act);
    take(&mut work, &[gate(Gate::Holds), started(), outcome(1, said)], now);
    work
}

#[test]
fn the_way_of_an_intent() {
    let mut work = work(Purpose::Act);
    let mut steps = Vec::new();
    let mut step = |work: &mut Work, input: Input| {
        steps.push(work.next(at(1)));
        work.take(&input, at(1)).unwrap()
    };
    step(&mut work, gate(Gate::Holds));
    step(&mut work, started());
    step(&mut work, outcome(1, Outcome::Accepted));
    assert_eq!(step(&mut work, read(1, OURS)), Effect::Done { ours: true });
    assert_eq!(steps, [Next::AskGate, Next::CommitStarted, Next::Call, Next::ReadBack]);
    assert_eq!((work.phase(), work.next(at(9)), work.attempt()), (Phase::Done, Next::Nothing, 1));
    assert_eq!(work.begun(), Some(&Begun { before: "on".to_owned(), at: at(1) }));
}

#[test]
fn nothing_is_said_to_be_undone_that_the_provider_may_still_do() {
    // Whatever it said, and whatever ends it: its deadline, the gate, a death.
    for said in [Outcome::Unknown, Outcome::Deferred { after: None }, Outcome::Refused, Outcome::Accepted] {
        let mut work = called(said.clone(), 1);
        take(&mut work, &[read(1, ReadBack::NotInEffect)], 30);
        assert_eq!(work.phase(), Phase::Uncertain, "{said:?}");
        // It does it late, and is found out.
        let mut late = work.clone();
        assert_eq!(take(&mut late, &[read(1, OURS)], 59), Effect::Done { ours: true });
        take(&mut work, &[read(1, ReadBack::NotInEffect)], 61);
        let expected = if said == Outcome::Refused { Phase::Dead } else { Phase::Waiting };
        assert_eq!(work.phase(), expected, "{said:?}");
        if expected == Phase::Waiting {
            let mut less = work.clone();
            assert_eq!(take(&mut less, &[gate(Gate::Less)], 70), Effect::Nothing);
            assert_eq!(less.phase(), Phase::Uncertain, "it is read once more before it is let go");
            assert_eq!(take(&mut less, &[read(1, ReadBack::NotInEffect)], 71), Effect::Released);
            assert_eq!(take(&mut work, &[Input::Time], 600), Effect::Nothing);
            assert_eq!(take(&mut work, &[read(1, ReadBack::NotInEffect)], 601), Effect::Dead(DeadReason::TooLate));
        }
    }
}

#[test]
fn what_was_never_called_ends_at_once() {
    let mut less = work(Purpose::Act);
    assert_eq!(take(&mut less, &[gate(Gate::Less)], 1), Effect::Released);
    let mut late = work(Purpose::Act);
    assert_eq!(take(&mut late, &[Input::Time], 600), Effect::Dead(DeadReason::TooLate));
    // The gate's word comes after the deadline, and before time was said to pass.
    let mut late = work(Purpose::Act);
    assert_eq!(take(&mut late, &[gate(Gate::Holds)], 600), Effect::Dead(DeadReason::TooLate));
}

#[test]
fn what_cant_be_read_is_read_on_and_somebody_hears_of_it() {
    let mut work = called(Outcome::Unknown, 1);
    take(&mut work, &[read(1, ReadBack::Unreadable { after: None })], 2);
    assert_eq!(take(&mut work, &[Input::Time], 600), Effect::Overdue);
    assert_eq!(take(&mut work, &[Input::Time], 900), Effect::Nothing);
    assert_eq!(work.next(at(900)), Next::ReadBack);
    // Each read waits longer.
    let mut waits = Vec::new();
    for now in [1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000] {
        take(&mut work, &[read(1, ReadBack::Unreadable { after: None })], now);
        waits.push(work.due().micros_since(at(now)) / 1_000_000);
    }
    assert!(waits.windows(2).all(|two| two[1] * 2 >= two[0]) && waits[7] > 100, "{waits:?}");
    // A person may say what is there.
    let mut settled = work.clone();
    assert_eq!(take(&mut settled, &[Input::Settled { in_effect: true }], 9_000), Effect::Done { ours: true });
    assert_eq!(take(&mut work, &[Input::Settled { in_effect: false }], 9_000), Effect::Dead(DeadReason::TooLate));
}

#[test]
fn what_was_there_before_the_first_call_is_kept() {
    let mut work = called(Outcome::Unknown, 1);
    take(&mut work, &[read(1, ReadBack::NotInEffect)], 70);
    take(&mut work, &[gate(Gate::Holds), Input::Started { before: "off".to_owned() }], 100);
    assert_eq!((work.attempt(), work.begun()), (2, Some(&Begun { before: "on".to_owned(), at: at(1) })));
    // The first call's late report isn't the second's.
    let error = work.take(&outcome(1, Outcome::Refused), at(101)).unwrap_err();
    assert_eq!(error.to_string(), "`outcome` can't happen to an intent that is `started`, at attempt 2");
    assert_eq!(work.phase(), Phase::Started);
}

#[test]
fn people_are_waited_for_without_the_deadline() {
    let mut work = work(Purpose::Act);
    take(&mut work, &[gate(Gate::Held)], 100);
    assert_eq!(take(&mut work, &[Input::Time], 5_000), Effect::Nothing);
    assert_eq!(work.next(at(5_000)), Next::AskGate);
    take(&mut work, &[gate(Gate::Held)], 5_000);
    take(&mut work, &[gate(Gate::Holds)], 6_000);
    assert_eq!(work.phase(), Phase::Starting);
    // 500 seconds were left when it was held.
    take(&mut work, &[started(), outcome(1, Outcome::Unknown)], 6_100);
    assert_eq!(take(&mut work, &[Input::Time], 6_499), Effect::Nothing);
    assert_eq!(take(&mut work, &[Input::Time], 6_500), Effect::Overdue);
}

#[test]
fn what_others_made_so_isnt_ours() {
    let mut work = called(Outcome::Unknown, 1);
    assert_eq!(take(&mut work, &[read(1, ReadBack::InEffect { ours: false })], 9), Effect::Done { ours: false });
}

#[test]
fn what_undoes_asks_nobody_and_is_tried_on() {
    let mut undo = work(Purpose::Undo);
    assert_eq!(undo.next(at(0)), Next::Compare);
    assert!(undo.take(&gate(Gate::Less), at(0)).is_err());
    take(&mut undo, &[Input::Compared { takes: Compared::Restore }, started()], 1);
    assert_eq!(take(&mut undo, &[outcome(1, Outcome::Refused)], 1), Effect::Overdue);
    take(&mut undo, &[read(1, ReadBack::NotInEffect)], 70);
    assert_eq!((undo.phase(), undo.next(at(900))), (Phase::Waiting, Next::Compare));
    assert_eq!(take(&mut undo, &[Input::Time], 9_000), Effect::Nothing, "it was said");
    // It is compared again before each call.
    let mut other = undo.clone();
    let conflict = Input::Compared { takes: Compared::Conflict };
    assert_eq!(take(&mut other, &[conflict], 9_000), Effect::Dead(DeadReason::Conflict));
    let nothing = Input::Compared { takes: Compared::Nothing };
    assert_eq!(take(&mut undo, std::slice::from_ref(&nothing), 9_000), Effect::Done { ours: true });
    // What was never called and isn't there wasn't undone by us.
    assert_eq!(take(&mut work(Purpose::Undo), &[nothing], 1), Effect::Done { ours: false });
    // A lease began anew.
    assert_eq!(take(&mut work(Purpose::Undo), &[Input::Cancel], 1), Effect::Released);
    assert!(work(Purpose::Act).take(&Input::Cancel, at(1)).is_err());
    let mut late = work(Purpose::Undo);
    assert_eq!(take(&mut late, &[Input::Time], 600), Effect::Overdue);
}

#[test]
fn another_account_of_the_same_name_is_left_alone() {
    let mut at_once = work(Purpose::Act);
    let effect = take(&mut at_once, &[gate(Gate::Holds), started(), outcome(1, Outcome::PrincipalChanged)], 1);
    assert_eq!(effect, Effect::Dead(DeadReason::PrincipalChanged));
    let effect = take(&mut called(Outcome::Unknown, 1), &[read(1, ReadBack::PrincipalChanged)], 9);
    assert_eq!(effect, Effect::Dead(DeadReason::PrincipalChanged));
}

#[test]
fn a_clock_that_was_ahead_keeps_nothing_waiting() {
    let mut work = called(Outcome::Unknown, 590);
    take(&mut work, &[read(1, ReadBack::Unreadable { after: None })], 590);
    assert!(matches!(work.next(at(590)), Next::Wait(_)));
    assert_eq!(work.next(at(5)), Next::ReadBack);
}

#[test]
fn what_cant_come_changes_nothing() {
    let inputs = [gate(Gate::Holds), started(), outcome(1, Outcome::Accepted), read(1, OURS)];
    let mut states = vec![work(Purpose::Act)];
    for input in &inputs {
        let mut next = states.last().unwrap().clone();
        next.take(input, at(1)).unwrap();
        states.push(next);
    }
    let mut fits = 0;
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

/// What goes wrong in one step.
#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    /// The host dies before this step, or after it and before what came of it is on record.
    DiesBefore,
    DiesAfter,
    /// No reply: it is done so many seconds later, or never.
    Lost(Option<i64>),
    /// The provider says that it didn't, and does so many seconds later.
    Lies(i64, bool),
    Unreadable,
    /// The gate says less, or that people are asked.
    Less,
    Held,
    Time(i64),
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        8 => Just(Fault::None),
        2 => Just(Fault::DiesBefore),
        2 => Just(Fault::DiesAfter),
        2 => prop::option::of(0..SETTLING).prop_map(Fault::Lost),
        1 => (0..SETTLING, any::<bool>()).prop_map(|(late, refuses)| Fault::Lies(late, refuses)),
        1 => Just(Fault::Unreadable),
        1 => Just(Fault::Less),
        1 => Just(Fault::Held),
        2 => (0_i64..200).prop_map(Fault::Time),
    ]
}

/// A provider that does what it was asked now or later, once under a key.
#[derive(Default)]
struct Provider {
    calls: u32,
    /// When it does it.
    does: Option<i64>,
}

impl Provider {
    fn call(&mut self, when: Option<i64>) {
        self.calls += 1;
        self.does = match (self.does, when) {
            (Some(known), Some(when)) => Some(known.min(when)),
            (known, when) => known.or(when),
        };
    }

    fn has_done(&self, now: i64) -> bool {
        self.does.is_some_and(|does| does <= now)
    }
}

/// What is next without faults.
fn next(work: &Work, provider: &mut Provider, now: i64) -> Input {
    match work.next(at(now)) {
        Next::Wait(_) | Next::Nothing => Input::Time,
        Next::AskGate => gate(Gate::Holds),
        Next::Compare => {
            Input::Compared { takes: if provider.has_done(now) { Compared::Nothing } else { Compared::Restore } }
        }
        Next::CommitStarted => started(),
        Next::Call => {
            provider.call(Some(now));
            outcome(work.attempt(), Outcome::Accepted)
        }
        Next::ReadBack if provider.has_done(now) => read(work.attempt(), OURS),
        Next::ReadBack => read(work.attempt(), ReadBack::NotInEffect),
    }
}

proptest! {
    #[test]
    fn one_effect_at_most_and_none_that_nobody_knows(undoes in any::<bool>(), faults in prop::collection::vec(fault(), 1..120)) {
        let purpose = if undoes { Purpose::Undo } else { Purpose::Act };
        let mut work = work(purpose);
        let (mut stored, mut provider) = (work.clone(), Provider::default());
        let (mut on_record, mut now) = (0_u32, 0);
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
            let input = match (work.next(at(now)), fault) {
                (Next::AskGate, Fault::Less) => gate(Gate::Less),
                (Next::AskGate, Fault::Held) => gate(Gate::Held),
                (Next::Call, Fault::Lost(late)) => {
                    provider.call(late.map(|late| now + late));
                    outcome(work.attempt(), Outcome::Unknown)
                }
                (Next::Call, Fault::Lies(late, refuses)) => {
                    provider.call(Some(now + late));
                    let lie = if refuses { Outcome::Refused } else { Outcome::Deferred { after: None } };
                    outcome(work.attempt(), lie)
                }
                (Next::ReadBack, Fault::Unreadable) => read(work.attempt(), ReadBack::Unreadable { after: None }),
                _ => next(&work, &mut provider, now),
            };
            on_record += u32::from(matches!(input, Input::Started { .. }));
            if matches!(input, Input::Outcome { .. }) {
                prop_assert_eq!(stored.phase(), Phase::Started, "a call without `started` on record");
                prop_assert!(provider.calls <= on_record);
            }
            work.take(&input, at(now)).unwrap();
            if matches!(fault, Fault::DiesAfter) {
                // What came of the step was never on record.
                work = stored.clone();
                work.take(&Input::Restarted, at(now)).unwrap();
            }
            stored = serde_json::from_slice(&serde_json::to_vec(&work).unwrap()).unwrap();
            match work.phase() {
                Phase::Done => prop_assert!(provider.has_done(now)),
                Phase::Stopped | Phase::Dead => prop_assert!(provider.does.is_none(), "it is, or will be, done"),
                _ => {}
            }
        }
        // Without faults it comes to an end.
        for _ in 0..40 {
            now += 400;
            let input = next(&work, &mut provider, now);
            work.take(&input, at(now)).unwrap();
        }
        prop_assert!(work.has_ended(), "{:?}", work.phase());
        prop_assert_eq!(work.phase() == Phase::Done, provider.has_done(now));
    }
}
