//! Approval, outbox, lease and undo together, explored whole within bounds (stateright): every order of answers, calls, lost
//! replies, deaths between any two steps, other people's changes and time. The code that is explored is the real one; the
//! provider is played. What is on record is all that survives a step, since each state is kept in its stored form.
//!
//! Bounds: one account, one action by two approvals, one lease that is prolonged at most once, a provider that fails, loses
//! replies, lies, does late what it was asked or can't be read at most `FAULTS` times in all, at most `DEATHS` deaths of the
//! host (both 1, or what `COUNTERSIGN_MODEL_FAULTS` and `_DEATHS` say), one change by somebody else, and `CLOCK` steps of
//! time, each longer than any wait.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use countersign_leases::{Begin, Condition, Conditions, Holding, Standing, Target, Undo, compare};
use countersign_model::{Digest, Timestamp};
use countersign_outbox::{Compared, Gate, Input, Next, Outcome as Called, Phase, Purpose, ReadBack, Work};
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

static FAULTS: LazyLock<u8> = LazyLock::new(|| bound("FAULTS"));
static DEATHS: LazyLock<u8> = LazyLock::new(|| bound("DEATHS"));
const CLOCK: i64 = 6;

/// Longer than any wait, seconds.
const STEP: i64 = 400;

/// For how long the provider may still do what it was asked, microseconds: less than a step.
const SETTLING: i64 = 100 * 1_000_000;

static PERSONS: LazyLock<Vec<Person>> = LazyLock::new(|| people::people(&["approver", "approver"]));

/// A bound: one, or what `COUNTERSIGN_MODEL_NAME` says.
fn bound(name: &str) -> u8 {
    let given = std::env::var(format!("COUNTERSIGN_MODEL_{name}")).ok();
    given.map_or(1, |given| given.parse().unwrap())
}

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
    /// What it was asked, and will do before time passes.
    pending: [bool; 2],
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

/// What a provider does when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    It,
    Later,
    Nothing,
}

/// What comes of it on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Accepted,
    Deferred,
    Refused,
    /// The reply is lost.
    Nothing,
    /// The host dies before a reply is on record.
    Dies,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Action {
    Says(usize),
    /// The evidence that the card rests on is withdrawn.
    Withdrawn,
    /// The gate's answer.
    Gate(bool),
    /// What undoing takes.
    Compare,
    Started(Which),
    /// What the provider does, and what it says.
    Call(Which, Does, Says),
    /// It does what it was asked before.
    Lands(Which),
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
            countersign_outbox::Effect::Done { ours } if which == Which::Act => {
                let before = work.begun().map_or(ON, |begun| begun.before.as_str()).to_owned();
                let begin = Begin { key: work.key(), seconds: 800, before, applied: OFF.to_owned() };
                let card = card();
                let target = Target { account: card.account, action: card.action, reference: None };
                let mut holding = Holding::begin(target, begin, 1_600, self.now());
                if !ours {
                    // Somebody else's: it is let go, and a person knows.
                    self.told = true;
                    holding = released(holding, self.now());
                }
                self.holding = Some(store(&holding));
            }
            countersign_outbox::Effect::Done { .. } => {
                let mut holding = self.holding().unwrap();
                holding.undone();
                self.holding = Some(store(&holding));
            }
            countersign_outbox::Effect::Dead(countersign_outbox::DeadReason::Conflict) => {
                let mut holding = self.holding().unwrap();
                self.told |= !holding.conflicts().is_empty();
                self.holding = Some(store(&holding));
            }
            countersign_outbox::Effect::Dead(_) | countersign_outbox::Effect::Overdue => self.told = true,
            countersign_outbox::Effect::Nothing | countersign_outbox::Effect::Released => {}
        }
        let stored = Some(store(&work));
        if which == Which::Act { self.act = stored } else { self.undo = stored }
    }

    /// The provider does what it was asked, once under a key.
    fn does(&mut self, which: Which) {
        let (slot, wanted) = slot(which);
        self.pending[slot] = false;
        if self.effects[slot] == 0 {
            self.there = wanted;
        }
        self.effects[slot] += 1;
    }

    fn call(&mut self, which: Which, does: Does, says: Says) {
        match does {
            Does::It => self.does(which),
            Does::Later => self.pending[slot(which).0] = true,
            Does::Nothing => {}
        }
        let attempt = self.work(which).map_or(0, |work| work.attempt());
        let outcome = match says {
            Says::Dies => {
                self.deaths += 1;
                return self.take(which, &Input::Restarted);
            }
            Says::Accepted => Called::Accepted,
            Says::Deferred => Called::Deferred { after: None },
            Says::Refused => Called::Refused,
            Says::Nothing => Called::Unknown,
        };
        self.faults += u8::from((does, says) != (Does::It, Says::Accepted));
        self.take(which, &Input::Outcome { attempt, outcome });
    }

    fn read_back(&mut self, which: Which, readable: bool) {
        let attempt = self.work(which).map_or(0, |work| work.attempt());
        let read = match which {
            _ if !readable => {
                self.faults += 1;
                ReadBack::Unreadable { after: None }
            }
            Which::Act if self.there == OFF => ReadBack::InEffect { ours: self.effects[0] > 0 },
            Which::Undo if compare(ON, OFF, self.there) == Undo::Nothing => ReadBack::InEffect { ours: true },
            _ => ReadBack::NotInEffect,
        };
        self.take(which, &Input::ReadBack { attempt, read });
    }
}

/// Where its figures are, and what it makes of the account.
fn slot(which: Which) -> (usize, &'static str) {
    if which == Which::Act { (0, OFF) } else { (1, ON) }
}

/// A holding of what somebody else made: it isn't ours.
fn released(mut holding: Holding, now: Timestamp) -> Holding {
    let conditions: Conditions = [Condition::BeforeIsLater].into();
    for _ in 0..2 {
        let end = holding.next_end().unwrap_or(now);
        holding.pass(end, &conditions);
    }
    holding.settle(countersign_leases::Settlement::LeaveAsIs, now);
    holding
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
            pending: [false; 2],
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
        let fails = state.faults < *FAULTS;
        let dies = state.deaths < *DEATHS;
        for which in [Which::Act, Which::Undo] {
            if state.pending[slot(which).0] {
                actions.push(Action::Lands(which));
            }
            match state.work(which).map(|work| work.next(state.now())) {
                // What was decided doesn't hold any more where its evidence was withdrawn.
                Some(Next::AskGate) => {
                    actions.push(Action::Gate(!state.withdrawn));
                    actions.push(Action::Gate(false));
                }
                // Nothing is undone that others changed.
                Some(Next::CommitStarted) => actions.push(Action::Started(which)),
                Some(Next::Compare) => actions.push(Action::Compare),
                Some(Next::Call) => {
                    actions.push(Action::Call(which, Does::It, Says::Accepted));
                    for does in [Does::It, Does::Later, Does::Nothing] {
                        if fails {
                            let all = [Says::Accepted, Says::Deferred, Says::Refused, Says::Nothing];
                            let others = all.into_iter().filter(|says| (does, *says) != (Does::It, Says::Accepted));
                            // What it accepts it does.
                            let honest = others.filter(|says| (does, *says) != (Does::Nothing, Says::Accepted));
                            actions.extend(honest.map(|says| Action::Call(which, does, says)));
                        }
                        if dies {
                            actions.push(Action::Call(which, does, Says::Dies));
                        }
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
                        SETTLING,
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
            Action::Gate(holds) => {
                let said = if holds { Gate::Holds } else { Gate::Less };
                state.take(Which::Act, &Input::Gate { said });
            }
            Action::Compare => {
                let takes = match compare(ON, OFF, state.there) {
                    Undo::Nothing => Compared::Nothing,
                    Undo::Restore => Compared::Restore,
                    Undo::Conflict => Compared::Conflict,
                };
                state.take(Which::Undo, &Input::Compared { takes });
            }
            Action::Lands(which) => state.does(which),
            Action::Started(which) => {
                let before = state.there.to_owned();
                state.take(which, &Input::Started { before });
                state.started[slot(which).0] += 1;
            }
            Action::Call(which, does, says) => state.call(which, does, says),
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
                // What it was asked it has done by then.
                for which in [Which::Act, Which::Undo] {
                    if state.pending[slot(which).0] {
                        state.does(which);
                    }
                }
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
                            state.undo = Some(store(&Work::new(
                                Digest([2; 32]),
                                Purpose::Undo,
                                state.now(),
                                deadline,
                                SETTLING,
                            )));
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
                    state.there != OFF || state.effects[0] == 0 || under_way || held
                },
            ),
            Property::always("a lease that is over is undone, or a person is told", |_, state: &State| {
                let released = state.holding().is_some_and(|holding| holding.standing() == Standing::Released);
                !released || state.there != OFF
            }),
            Property::always("what others changed isn't changed back by an undo", |_, state: &State| {
                // An undo that had begun before is the exception that no one can rule out.
                state.others == 0 || state.effects[1] <= state.started[1]
            }),
            Property::always("what ends without an effect says so truly", |_, state: &State| {
                let ended = |work: Work| matches!(work.phase(), Phase::Stopped | Phase::Dead);
                let without = state.work(Which::Act).is_some_and(ended);
                !without || (state.effects[0] == 0 && !state.pending[0]) || state.others > 0
            }),
            Property::sometimes("it is done late, and found out", |_, state: &State| {
                state.holding.is_some()
                    && state.work(Which::Act).is_some_and(|work| work.attempt() == 1)
                    && state.faults > 0
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
