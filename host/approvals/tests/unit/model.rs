//! Approval, outbox, lease and undo together, explored whole within bounds (stateright): every order of answers, calls, lost
//! replies, deaths between any two steps, other people's changes and time. The code that is explored is the real one; the
//! provider is played. What is on record is all that survives a step, since each state is kept in its stored form.
//!
//! Bounds: one account, one action by two approvals, one lease that is prolonged at most once, a provider that fails, loses
//! replies or can't be read at most `FAULTS` times in all, at most `DEATHS` deaths of the host, one change by somebody else,
//! and `CLOCK` steps of time, each longer than any wait.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use countersign_leases::{Begin, Condition, Conditions, Holding, Standing, Target, Undo, compare};
use countersign_model::{Digest, Timestamp};
use countersign_outbox::{Input, Next, Outcome as Called, Phase, Purpose, ReadBack, Work};
use countersign_policy::{Person, PersonRole};
use serde::Serialize;
use serde::de::DeserializeOwned;
use stateright::{Checker as _, Model, Property};

use crate::people;
use crate::{Answer, Approval, Card, Outcome, Signed, Terms};

/// What is there before us, what we make of it, and what somebody else does.
const ON: &str = "on";
const OFF: &str = "off";
const OTHER: &str = "other";

const FAULTS: u8 = 2;
const DEATHS: u8 = 2;
const CLOCK: i64 = 6;

/// Longer than any wait, seconds.
const STEP: i64 = 400;

static PERSONS: LazyLock<Vec<Person>> = LazyLock::new(|| people::people(&["approver", "approver"]));

/// Approvals and denials of both, made once: a signature takes longer than everything else here.
static SAID: LazyLock<Vec<Signed>> = LazyLock::new(|| {
    let card = card();
    [(1, Answer::Approve), (2, Answer::Approve), (2, Answer::Deny)]
        .map(|(number, answer)| people::says(number, &card, answer))
        .to_vec()
});

fn card() -> Card {
    let mut card = people::card(1, 1);
    card.expires = time(3);
    card
}

fn time(clock: i64) -> Timestamp {
    people::at(clock * STEP)
}

/// Everything that is on record, each in its stored form, and the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    clock: i64,
    approval: String,
    act: Option<String>,
    holding: Option<String>,
    undo: Option<String>,
    /// Records of *started*, of what acts and what undoes.
    started: [u8; 2],
    /// What the provider has.
    there: &'static str,
    /// How often it did what was asked.
    effects: [u8; 2],
    faults: u8,
    deaths: u8,
    others: u8,
    withdrawn: bool,
    /// A person was told.
    told: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Act,
    Undo,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Action {
    Says(usize),
    /// The evidence that the card rests on is withdrawn.
    Withdrawn,
    /// The gate's answer.
    Gate(bool),
    Started(Which),
    /// The provider does it or not; it replies or not; the host dies before the reply is on record or not.
    Call(Which, bool, bool, bool),
    /// What is there is read; or it can't be.
    Read(Which, bool),
    /// The host dies between two steps.
    Dies,
    /// Somebody else changes the account, or undoes us.
    Others(&'static str),
    Time,
    /// A lease that is over is ended, with or without a condition against it.
    Ends(bool),
}

fn store<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap()
}

fn read<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap()
}

impl State {
    fn work(&self, which: Which) -> Option<Work> {
        let stored = if which == Which::Act { &self.act } else { &self.undo };
        stored.as_deref().map(read)
    }

    fn holding(&self) -> Option<Holding> {
        self.holding.as_deref().map(read)
    }

    fn approval(&self) -> Approval {
        read(&self.approval)
    }

    fn now(&self) -> Timestamp {
        time(self.clock)
    }

    /// An input of a work, and what follows from it in the same commit.
    fn take(&mut self, which: Which, input: &Input) {
        let Some(mut work) = self.work(which) else { return };
        let effect = work.take(input, self.now()).expect("only what can come is tried");
        match effect {
            countersign_outbox::Effect::Done if which == Which::Act => {
                let begin = Begin { key: work.key(), seconds: 800, before: ON.to_owned(), applied: OFF.to_owned() };
                let card = card();
                let target = Target { account: card.account, action: card.action, reference: None };
                self.holding = Some(store(&Holding::begin(target, begin, 1_600, self.now())));
            }
            countersign_outbox::Effect::Done => {
                let mut holding = self.holding().unwrap();
                holding.undone();
                self.holding = Some(store(&holding));
            }
            countersign_outbox::Effect::Dead(_) | countersign_outbox::Effect::Overdue => self.told = true,
            countersign_outbox::Effect::Nothing | countersign_outbox::Effect::Released(_) => {}
        }
        let stored = Some(store(&work));
        if which == Which::Act { self.act = stored } else { self.undo = stored }
    }

    fn call(&mut self, which: Which, done: bool, replies: bool, dies: bool) {
        if done {
            let (slot, wanted) = if which == Which::Act { (0, OFF) } else { (1, ON) };
            // Under the same key it does nothing again.
            if self.effects[slot] == 0 {
                self.there = wanted;
            }
            self.effects[slot] += 1;
        }
        if dies {
            self.deaths += 1;
            self.take(which, &Input::Restarted);
            return;
        }
        self.faults += u8::from(!done || !replies);
        let outcome = match (done, replies) {
            (true, true) => Called::Accepted,
            (false, true) => Called::Deferred(None),
            (_, false) => Called::Unknown,
        };
        self.take(which, &Input::Outcome(outcome));
    }

    fn read_back(&mut self, which: Which, readable: bool) {
        if !readable {
            self.faults += 1;
            return self.take(which, &Input::ReadBack(ReadBack::Unreadable(None)));
        }
        let in_effect = match which {
            Which::Act => self.there == OFF,
            Which::Undo => compare(ON, OFF, self.there) == Undo::Nothing,
        };
        let read = if in_effect { ReadBack::InEffect } else { ReadBack::NotInEffect };
        self.take(which, &Input::ReadBack(read));
    }
}

struct Loop;

impl Model for Loop {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let terms = Terms { role: PersonRole::Approver, needed: 2, escalation: None };
        let approval = store(&Approval::ask(card(), terms, time(0)));
        let state = State {
            clock: 0,
            approval,
            act: None,
            holding: None,
            undo: None,
            started: [0; 2],
            there: ON,
            effects: [0; 2],
            faults: 0,
            deaths: 0,
            others: 0,
            withdrawn: false,
            told: false,
        };
        vec![state]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.approval().state() == crate::State::Pending {
            actions.extend((0..SAID.len()).map(Action::Says));
        }
        if !state.withdrawn {
            actions.push(Action::Withdrawn);
        }
        let fails = state.faults < FAULTS;
        let dies = state.deaths < DEATHS;
        for which in [Which::Act, Which::Undo] {
            match state.work(which).map(|work| work.next(state.now())) {
                // What was decided doesn't hold any more where its evidence was withdrawn.
                Some(Next::AskGate) => {
                    actions.push(Action::Gate(!state.withdrawn));
                    actions.push(Action::Gate(false));
                }
                // Nothing is undone that others changed.
                Some(Next::CommitStarted) => actions.push(Action::Started(which)),
                Some(Next::Call) => {
                    actions.push(Action::Call(which, true, true, false));
                    if fails {
                        actions.push(Action::Call(which, true, false, false));
                        actions.push(Action::Call(which, false, false, false));
                        actions.push(Action::Call(which, false, true, false));
                    }
                    if dies {
                        actions.push(Action::Call(which, true, true, true));
                        actions.push(Action::Call(which, false, true, true));
                    }
                }
                Some(Next::ReadBack) => {
                    actions.push(Action::Read(which, true));
                    if fails {
                        actions.push(Action::Read(which, false));
                    }
                }
                Some(Next::Wait(_) | Next::Nothing) | None => {}
            }
        }
        if dies {
            actions.push(Action::Dies);
        }
        if state.others == 0 && state.there == OFF {
            actions.extend([Action::Others(ON), Action::Others(OTHER)]);
        }
        let over = |holding: Holding| holding.next_end().is_some_and(|end| end <= state.now());
        if state.holding().is_some_and(over) {
            actions.extend([Action::Ends(false), Action::Ends(true)]);
        }
        if state.clock < CLOCK {
            actions.push(Action::Time);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        match action {
            Action::Says(number) => {
                let mut approval = state.approval();
                let none = people::bars(&[]);
                let outcome = approval.answer(&SAID[number], &people::electorate(&PERSONS, &none), state.now());
                if outcome == Outcome::Ended(crate::State::Approved) {
                    let work = Work::new(
                        Digest([1; 32]),
                        Purpose::Act,
                        state.now(),
                        state.now().plus_micros(2 * STEP * 1_000_000),
                    );
                    state.act = Some(store(&work));
                }
                state.approval = store(&approval);
            }
            Action::Withdrawn => {
                state.withdrawn = true;
                let mut approval = state.approval();
                approval.evidence(&[]);
                state.approval = store(&approval);
            }
            Action::Gate(holds) => state.take(Which::Act, &Input::Gate(holds)),
            Action::Started(which) => {
                if which == Which::Act {
                    // Between the gate's answer and this the host may have died: the gate was asked again then.
                    state.take(which, &Input::Started);
                } else {
                    let mut holding = state.holding()?;
                    match compare(ON, OFF, state.there) {
                        Undo::Conflict => {
                            state.told |= !holding.conflicts().is_empty();
                            state.undo = None;
                        }
                        Undo::Nothing => {
                            holding.undone();
                            state.undo = None;
                        }
                        Undo::Restore => {
                            state.take(which, &Input::Started);
                            state.started[1] += 1;
                            return Some(state);
                        }
                    }
                    state.holding = Some(store(&holding));
                    return Some(state);
                }
                state.started[0] += 1;
            }
            Action::Call(which, done, replies, dies) => state.call(which, done, replies, dies),
            Action::Read(which, readable) => state.read_back(which, readable),
            Action::Dies => {
                state.deaths += 1;
                state.take(Which::Act, &Input::Restarted);
                state.take(Which::Undo, &Input::Restarted);
            }
            Action::Others(what) => {
                state.others += 1;
                state.there = what;
            }
            Action::Time => {
                state.clock += 1;
                let mut approval = state.approval();
                approval.pass(state.now());
                state.approval = store(&approval);
                state.take(Which::Act, &Input::Time);
                state.take(Which::Undo, &Input::Time);
            }
            Action::Ends(against) => {
                let mut holding = state.holding()?;
                let conditions: Conditions = if against { [Condition::CaseOpen].into() } else { BTreeSet::new() };
                for effect in holding.pass(state.now(), &conditions) {
                    match effect {
                        countersign_leases::Effect::Undo => {
                            let deadline = state.now().plus_micros(STEP * 1_000_000);
                            state.undo = Some(store(&Work::new(Digest([2; 32]), Purpose::Undo, state.now(), deadline)));
                        }
                        countersign_leases::Effect::Notify(_) => state.told = true,
                        countersign_leases::Effect::AskToRestore | countersign_leases::Effect::Reapply => {}
                    }
                }
                state.holding = Some(store(&holding));
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("nothing is done that wasn't approved by both", |_, state: &State| {
                state.effects[0] == 0
                    || state.approval().votes().iter().filter(|vote| vote.answer == Answer::Approve).count() == 2
            }),
            Property::always("nothing is called without `started` on record", |_, state: &State| {
                (0..2).all(|slot| state.effects[slot] <= state.started[slot])
            }),
            Property::always("nothing is done twice unless others undid it", |_, state: &State| {
                state.effects.iter().all(|effects| *effects <= 1 + state.others)
            }),
            Property::always("an approval whose evidence is withdrawn lets nothing begin", |_, state: &State| {
                let ended = state.approval().state();
                !(ended == crate::State::Superseded && state.act.is_some())
            }),
            Property::always(
                "what is contained is somebody's: a work's, a lease's or a person's",
                |_, state: &State| {
                    let under_way = state.work(Which::Act).is_some_and(|work| !work.has_ended());
                    let held = state.holding().is_some_and(|holding| holding.standing() != Standing::Released);
                    state.there != OFF || state.effects[0] == 0 || under_way || held || state.told
                },
            ),
            Property::always("a lease that is over is undone, or a person is told", |_, state: &State| {
                let released = state.holding().is_some_and(|holding| holding.standing() == Standing::Released);
                !released || state.there != OFF
            }),
            Property::always("what others changed isn't changed back by an undo", |_, state: &State| {
                // An undo that had begun before is the exception that no one can rule out.
                state.others == 0 || state.effects[1] <= 1
            }),
            Property::always("what ends without an effect says so truly", |_, state: &State| {
                let stopped = state.work(Which::Act).is_some_and(|work| work.phase() == Phase::Stopped);
                !stopped || state.effects[0] == 0 || state.others > 0
            }),
            Property::sometimes("it is done, ends and is undone", |_, state: &State| {
                let released = state.holding().is_some_and(|holding| holding.standing() == Standing::Released);
                released && state.effects == [1, 1]
            }),
            Property::sometimes("it is settled after a death between effect and reply", |_, state: &State| {
                state.deaths > 0 && state.effects[0] == 1 && state.holding.is_some()
            }),
            Property::sometimes("an undo that others forestalled is a person's", |_, state: &State| {
                state.holding().is_some_and(|holding| holding.standing() == Standing::Conflict)
            }),
            Property::sometimes("it stays contained until its owner decides", |_, state: &State| {
                state.holding().is_some_and(|holding| holding.standing() == Standing::Owned)
            }),
        ]
    }
}

#[test]
fn the_whole_loop_within_bounds() {
    let began = std::time::Instant::now();
    let checker = Loop.checker().threads(2).spawn_bfs().join();
    println!(
        "{} states, {} of them different, in {:?}",
        checker.state_count(),
        checker.unique_state_count(),
        began.elapsed()
    );
    checker.assert_properties();
    assert!(checker.is_done());
}
