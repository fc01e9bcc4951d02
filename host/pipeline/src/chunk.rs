//! A stretch of the stream between two ticks: every rule judges its rows of it, on as many threads as there are
//! workers, and what came of it is brought into one total order, which shows neither threads nor batches. Rules judge
//! level by level: those that subscribe to nothing first, then those that subscribe to them, and so on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_formats::DeadLetter;
use countersign_model::call::Detector;
use countersign_model::vocabulary::SignalClass;
use countersign_model::{RuleId, StateChange, TimerChange, Timestamp};
use countersign_stream::{
    Disagreement, Forgotten, Found, Outcome, Quarantine, QuarantineThreshold, Router, RowDiagnostic, RowFailure,
    RuleStream, Sequenced, Tally, Tick, Turn,
};

use crate::generation::{Generation, Rule};
use crate::workers;

/// Something that happened at a position.
pub(crate) enum Item {
    /// A record that isn't judged, before the event of this position.
    Dead(DeadLetter),
    /// A row set aside for one rule.
    Failed(RowFailure),
    /// A rule ran past the wall-clock backstop twice.
    Stopped(RowFailure),
    /// A rule failed on so many accounts that it is no longer heard.
    Quarantined {
        /// The failing row's event.
        accounts: (u64, u64),
    },
    /// A rule contradicted itself.
    Disagreed(Disagreement),
    /// A rule said something to its author.
    Said(RowDiagnostic),
    /// A finding.
    Found(Box<Found>),
}

impl Item {
    /// Its place among what happens at one position: what silences a rule comes before what it says.
    fn order(&self) -> u8 {
        match self {
            Item::Dead(_) => 0,
            Item::Failed(_) => 1,
            Item::Stopped(_) => 2,
            Item::Quarantined { .. } => 3,
            Item::Disagreed(_) => 4,
            Item::Said(_) => 5,
            Item::Found(_) => 6,
        }
    }
}

/// An item in its place.
pub(crate) struct Placed {
    pub(crate) position: u64,
    /// Whether it happened on another row than a timer's: those come first.
    pub(crate) after_timers: bool,
    /// How deep the rule lies in the graph of subscriptions.
    pub(crate) depth: usize,
    /// Index of the rule among the generation's detections, which are in order of their ids.
    pub(crate) rule: usize,
    pub(crate) item: Item,
}

/// Events and dead letters of a stretch.
#[derive(Default)]
pub(crate) struct Chunk {
    pub(crate) events: Vec<Sequenced>,
    pub(crate) dead: Vec<(u64, DeadLetter)>,
    /// How many records were only counted.
    pub(crate) duplicates: usize,
}

impl Chunk {
    /// Its records.
    pub(crate) fn len(&self) -> usize {
        self.events.len() + self.dead.len() + self.duplicates
    }
}

/// What a stretch did to what rules keep.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) state: Vec<StateChange>,
    pub(crate) timers: Vec<TimerChange>,
}

impl Changes {
    fn extend(&mut self, (state, timers): (Vec<StateChange>, Vec<TimerChange>)) {
        self.state.extend(state);
        self.timers.extend(timers);
    }
}

/// Which of a chunk's rows a rule is given.
#[derive(Clone, Copy)]
enum Place {
    /// An event, by its place in the chunk.
    Event(usize),
    /// A row for this rule alone, by its place among those.
    Own(usize),
}

/// One detection rule of a run.
struct Judge {
    stream: RuleStream,
    quarantine: Quarantine,
    /// How deep it lies in the graph of subscriptions.
    depth: usize,
    /// Rows delivered while it was heard.
    delivered: u64,
    /// Whether it is no longer heard.
    silenced: bool,
    /// Of this chunk.
    outcomes: Vec<Outcome>,
    /// Timers that were due at the tick before this chunk, and findings that it subscribes to.
    own: Vec<Sequenced>,
    /// What it was given of this chunk, in order.
    rows: Vec<Place>,
}

/// The detection rules of a run. A rule that no event reaches costs nothing: neither stretches nor ticks visit it.
pub(crate) struct Judges {
    judges: Vec<Judge>,
    router: Router,
    /// The rules that hold something which a tick may change, or which is still to be told.
    holding: BTreeSet<usize>,
    /// For each rule, who subscribes to which classes of its findings.
    subscribers: Vec<Vec<(usize, Vec<SignalClass>)>>,
    batch: usize,
    /// Timers dropped because their rule had too many, in the rules' order.
    dropped_timers: Vec<u64>,
    /// Findings that fed nobody because their rule had too many about one event, in the rules' order.
    withheld: Vec<u64>,
}

/// So many of a rule's findings about one event at one position feed other rules: as many as it may find on the event
/// itself. Else rules that each find so many on what feeds them would multiply: sixteenfold with each that stands behind
/// another. Counted for each feeder by itself, so that none can crowd out what others find.
const MAX_FEEDING: u64 = 16;

impl Judges {
    /// Of a generation's rules, each called through what `detector` makes of it.
    pub(crate) fn new(
        generation: &Generation,
        batch: usize,
        threshold: QuarantineThreshold,
        detector: &dyn Fn(&Rule) -> Arc<dyn Detector + Send + Sync>,
    ) -> Judges {
        let judges = generation
            .detections
            .iter()
            .map(|rule| {
                let stream = RuleStream::new(
                    rule.declaration().clone(),
                    detector(rule),
                    rule.parameters.clone(),
                    rule.data.clone(),
                )
                .with_context(generation.context.clone());
                Judge::new(stream, rule.depth, Quarantine::new(threshold))
            })
            .collect();
        Judges::of(judges, batch)
    }

    /// Of rules in order of their ids.
    fn of(judges: Vec<Judge>, batch: usize) -> Judges {
        let places: BTreeMap<RuleId, usize> =
            judges.iter().zip(0..).map(|(judge, place)| (judge.stream.declaration().id.clone(), place)).collect();
        let mut subscribers: Vec<Vec<(usize, Vec<SignalClass>)>> = judges.iter().map(|_| Vec::new()).collect();
        for (judge, place) in judges.iter().zip(0..) {
            for subscription in &judge.stream.declaration().subscribes {
                let feeder = places.get(&subscription.rule).and_then(|feeder| subscribers.get_mut(*feeder));
                feeder.into_iter().for_each(|feeder| feeder.push((place, subscription.classes.clone())));
            }
        }
        Judges {
            router: Router::new(judges.iter().map(|judge| judge.stream.declaration())),
            holding: BTreeSet::new(),
            subscribers,
            batch: batch.max(1),
            dropped_timers: vec![0; judges.len()],
            withheld: vec![0; judges.len()],
            judges,
        }
    }

    /// How much work it was so far to bring events to rules.
    pub(crate) fn tally(&self) -> Tally {
        self.router.tally()
    }

    /// Rows delivered to each rule while it was heard, in the rules' order.
    pub(crate) fn delivered(&self) -> impl Iterator<Item = u64> {
        self.judges.iter().map(|judge| judge.delivered)
    }

    /// What ticks forgot of each rule's state, by slot, in the rules' order; only slots of which they forgot anything.
    pub(crate) fn forgotten(&self) -> impl Iterator<Item = BTreeMap<String, Forgotten>> {
        self.judges.iter().map(|judge| {
            let slots = judge.stream.forgotten().filter(|(_, forgotten)| *forgotten != Forgotten::default());
            slots.map(|(slot, forgotten)| (slot.to_owned(), forgotten)).collect()
        })
    }

    /// Whether a rule has rows of its own to judge: timers that are due.
    pub(crate) fn have_rows(&self) -> bool {
        self.holding.iter().filter_map(|rule| self.judges.get(*rule)).any(|judge| !judge.own.is_empty())
    }

    /// How many timers of each rule are yet to come, in the rules' order.
    pub(crate) fn pending_timers(&self) -> impl Iterator<Item = u64> {
        self.judges.iter().map(|judge| judge.stream.pending_timers())
    }

    /// How many timers of each rule were dropped because it had too many, in the rules' order.
    pub(crate) fn dropped_timers(&self) -> impl Iterator<Item = u64> {
        self.dropped_timers.iter().copied()
    }

    /// How many findings of each rule fed nobody because it had too many about one event, in the rules' order.
    pub(crate) fn withheld_findings(&self) -> impl Iterator<Item = u64> {
        self.withheld.iter().copied()
    }

    /// What a tick does to every rule's state; the timers that are due come with the next stretch. `position` and
    /// `clock` are those of the event that brought the tick, the first of that stretch.
    pub(crate) fn tick(&mut self, tick: Tick, position: u64, clock: Timestamp) {
        for rule in &self.holding {
            if let (Some(judge), Some(dropped)) = (self.judges.get_mut(*rule), self.dropped_timers.get_mut(*rule)) {
                judge.stream.tick(tick);
                let due = judge.stream.due(tick, position, clock);
                judge.own.extend(due.rows);
                *dropped += due.dropped;
            }
        }
    }

    /// Judges a stretch on so many threads: what happened, in its total order, and the state that it leads to.
    pub(crate) fn judge(
        &mut self,
        events: &[Sequenced],
        dead: Vec<(u64, DeadLetter)>,
        workers: usize,
    ) -> (Vec<Placed>, Changes) {
        let dead = dead.into_iter().map(|(position, letter)| {
            let item = Item::Dead(letter);
            Placed { position, after_timers: false, depth: 0, rule: 0, item }
        });
        let mut placed: Vec<Placed> = dead.collect();
        let mut changes = Changes::default();
        self.router.route(events);
        // By depth: what a level finds may reach the deeper ones.
        let mut waiting: BTreeSet<(usize, usize)> = std::mem::take(&mut self.holding)
            .into_iter()
            .chain(self.router.reached().iter().copied())
            .filter_map(|rule| Some((self.judges.get(rule)?.depth, rule)))
            .collect();
        while let Some((depth, _)) = waiting.first().copied() {
            let deeper = waiting.split_off(&(depth + 1, 0));
            let level: Vec<usize> = std::mem::replace(&mut waiting, deeper).into_iter().map(|(_, rule)| rule).collect();
            let Judges { judges, router, batch, .. } = self;
            let work = picked(judges, &level).into_iter().map(|(rule, judge)| (judge, router.rows(rule))).collect();
            workers::each(work, workers, |(judge, rows): (&mut Judge, &[usize])| judge.all(events, rows, *batch));
            for rule in level {
                let Some(judge) = self.judges.get_mut(rule) else { continue };
                let before = placed.len();
                judge.settle(rule, events, &mut placed, &mut changes);
                if judge.silenced {
                    self.router.silence(rule);
                } else if !judge.stream.is_idle() {
                    self.holding.insert(rule);
                }
                self.deliver(rule, depth, placed.get(before..).unwrap_or_default(), &mut waiting);
            }
        }
        // Stable: findings and diagnostics of a row stay in the order of their indices.
        placed.sort_by_key(|one| (one.position, one.item.order(), one.after_timers, one.depth, one.rule));
        (placed, changes)
    }

    /// Hands a rule's findings to those that subscribe to them: all of them lie deeper, so they judge later. `placed` is
    /// all that came of the rule's stretch, and so all that it found at the stretch's positions.
    fn deliver(&mut self, rule: usize, depth: usize, placed: &[Placed], waiting: &mut BTreeSet<(usize, usize)>) {
        let Some(subscribers) = self.subscribers.get(rule).filter(|subscribers| !subscribers.is_empty()) else {
            return;
        };
        let mut feeding: BTreeMap<(u64, u32, u64), u64> = BTreeMap::new();
        for found in placed.iter().filter_map(|placed| match &placed.item {
            Item::Found(found) => Some(found),
            _ => None,
        }) {
            let wanting = subscribers.iter().filter(|(_, classes)| classes.contains(&found.finding.signal_class));
            let mut wanting = wanting.peekable();
            if wanting.peek().is_none() {
                continue;
            }
            // Several timers may be due at one position, each with the event that set it.
            let raw = &found.row.event.raw;
            let feeding = feeding.entry((found.row.position, raw.input, raw.ordinal)).or_default();
            *feeding += 1;
            if *feeding > MAX_FEEDING {
                self.withheld.get_mut(rule).into_iter().for_each(|withheld| *withheld += 1);
                continue;
            }
            let mut row = None;
            for (subscriber, _) in wanting {
                let row = row.get_or_insert_with(|| Sequenced::of_finding(found, depth));
                if let Some(judge) = self.judges.get_mut(*subscriber).filter(|judge| !judge.silenced) {
                    judge.own.push(row.clone());
                    waiting.insert((judge.depth, *subscriber));
                }
            }
        }
    }
}

/// Some of the judges, by their places in order, without a look at the others.
fn picked<'j>(mut judges: &'j mut [Judge], places: &[usize]) -> Vec<(usize, &'j mut Judge)> {
    let mut picked = Vec::with_capacity(places.len());
    let mut passed = 0;
    for place in places {
        let Some((judge, rest)) = judges.get_mut(place - passed..).and_then(<[Judge]>::split_first_mut) else { break };
        picked.push((*place, judge));
        judges = rest;
        passed = place + 1;
    }
    picked
}

impl Judge {
    fn new(stream: RuleStream, depth: usize, quarantine: Quarantine) -> Judge {
        Judge {
            stream,
            quarantine,
            depth,
            delivered: 0,
            silenced: false,
            outcomes: Vec::new(),
            own: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Judges its rows: timers, events that reach the rule, and findings that it subscribes to, in one order.
    fn all(&mut self, events: &[Sequenced], wanted: &[usize], batch: usize) {
        self.own.sort_by(|a, b| a.order().cmp(&b.order()));
        self.rows = merge(events, wanted, &self.own);
        for rows in self.rows.chunks(batch) {
            let rows: Vec<&Sequenced> = rows.iter().filter_map(|place| row(*place, events, &self.own)).collect();
            let outcome = self.stream.judge(&rows);
            let stopped = outcome.stopped.is_some();
            self.outcomes.push(outcome);
            if stopped {
                break;
            }
        }
    }

    /// Cuts what came of the rows at the row from which the rule is no longer heard, and hands it over.
    fn settle(&mut self, rule: usize, events: &[Sequenced], placed: &mut Vec<Placed>, changes: &mut Changes) {
        let rows = std::mem::take(&mut self.rows);
        let own = std::mem::take(&mut self.own);
        let outcomes = std::mem::take(&mut self.outcomes);
        if self.silenced {
            return;
        }
        let depth = self.depth;
        let mut place = |row: &Sequenced, item: Item| {
            placed.push(Placed { position: row.position, after_timers: !row.is_timer(), depth, rule, item });
        };
        let failed: BTreeSet<(u64, &Turn)> =
            outcomes.iter().flat_map(|outcome| &outcome.failures).map(|failure| failure.row.order()).collect();
        let stopped = outcomes.iter().find_map(|outcome| outcome.stopped.as_ref()).map(|stopped| stopped.row.clone());
        let mut last: Option<Sequenced> = None;
        for row in rows.iter().filter_map(|place| row(*place, events, &own)) {
            self.delivered += 1;
            if self.quarantine.note(row, failed.contains(&row.order())) {
                place(row, Item::Quarantined { accounts: self.quarantine.accounts() });
                last = Some(row.clone());
            } else if stopped.as_ref().is_some_and(|stopped| stopped.order() == row.order()) {
                last = Some(row.clone());
            }
            if last.is_some() {
                self.silenced = true;
                break;
            }
        }
        let mut place = |row: &Sequenced, item: Item| {
            if last.as_ref().is_none_or(|last| row.order() <= last.order()) {
                place(row, item);
            }
        };
        for outcome in outcomes {
            outcome.failures.into_iter().for_each(|failed| place(&failed.row.clone(), Item::Failed(failed)));
            outcome.stopped.into_iter().for_each(|stopped| place(&stopped.row.clone(), Item::Stopped(stopped)));
            outcome.disagreements.into_iter().for_each(|other| place(&other.row.clone(), Item::Disagreed(other)));
            outcome.diagnostics.into_iter().for_each(|said| place(&said.row.clone(), Item::Said(said)));
            outcome.found.into_iter().for_each(|found| place(&found.row.clone(), Item::Found(Box::new(found))));
            // A silenced rule's state serves nobody, and how far it got would show the batch: what was stored goes too.
            let silenced = last.is_some();
            let state = outcome.state.into_iter();
            let state = state.map(|change| if silenced { StateChange { entry: None, ..change } } else { change });
            let timers = outcome.timers.into_iter();
            let timers = timers.map(|change| if silenced { TimerChange { entry: None, ..change } } else { change });
            changes.extend((state.collect(), timers.collect()));
        }
        // What ticks forgot is told though no row came since.
        changes.extend(if last.is_some() { self.stream.forget() } else { self.stream.changes() });
    }
}

/// A row that a rule is given.
fn row<'a>(place: Place, events: &'a [Sequenced], own: &'a [Sequenced]) -> Option<&'a Sequenced> {
    match place {
        Place::Event(place) => events.get(place),
        Place::Own(place) => own.get(place),
    }
}

/// Events and rows of a rule's own, both in order, in one order.
fn merge(events: &[Sequenced], wanted: &[usize], own: &[Sequenced]) -> Vec<Place> {
    let mut merged = Vec::with_capacity(wanted.len() + own.len());
    let mut wanted = wanted.iter().copied().peekable();
    for (next, place) in own.iter().zip(0..) {
        let earlier = |place: &usize| events.get(*place).is_some_and(|event| event.order() < next.order());
        while let Some(event) = wanted.next_if(earlier) {
            merged.push(Place::Event(event));
        }
        merged.push(Place::Own(place));
    }
    merged.extend(wanted.map(Place::Event));
    merged
}

#[cfg(test)]
#[path = "../tests/unit/chunk_fed.rs"]
mod fed;
#[cfg(test)]
#[path = "../tests/unit/chunk.rs"]
mod tests;
