//! A stretch of the stream between two ticks: every rule judges its rows of it, on as many threads as there are
//! workers, and what came of it is brought into one total order, which shows neither threads nor batches.

use std::collections::{BTreeMap, BTreeSet};

use countersign_model::StateChange;
use countersign_model::call::FailureKind;
use countersign_sources::DeadLetter;
use countersign_stream::{
    Disagreement, Forgotten, Found, Outcome, Quarantine, QuarantineThreshold, Router, RowDiagnostic, RowFailure,
    RuleStream, Sequenced, Tally, Tick,
};

use crate::generation::Generation;
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

/// One detection rule of a run.
struct Judge {
    stream: RuleStream,
    quarantine: Quarantine,
    /// Rows delivered while it was heard.
    delivered: u64,
    /// Whether it is no longer heard.
    silenced: bool,
    /// Of this chunk.
    outcomes: Vec<Outcome>,
}

/// The detection rules of a run. A rule that no event reaches costs nothing: neither stretches nor ticks visit it.
pub(crate) struct Judges {
    judges: Vec<Judge>,
    router: Router,
    /// The rules that hold something which a tick may change, or which is still to be told.
    holding: BTreeSet<usize>,
    batch: usize,
}

impl Judges {
    pub(crate) fn new(generation: &Generation, batch: usize, threshold: QuarantineThreshold) -> Judges {
        let judges = generation
            .detections
            .iter()
            .map(|rule| Judge {
                stream: RuleStream::new(
                    rule.declaration().clone(),
                    rule.loaded.clone(),
                    rule.parameters.clone(),
                    rule.data.clone(),
                )
                .with_context(generation.context.clone()),
                quarantine: Quarantine::new(threshold),
                delivered: 0,
                silenced: false,
                outcomes: Vec::new(),
            })
            .collect();
        Judges::of(judges, batch)
    }

    fn of(judges: Vec<Judge>, batch: usize) -> Judges {
        let router = Router::new(judges.iter().map(|judge| judge.stream.declaration()));
        Judges { judges, router, holding: BTreeSet::new(), batch: batch.max(1) }
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

    /// What a tick does to every rule's state.
    pub(crate) fn tick(&mut self, tick: Tick) {
        for rule in &self.holding {
            if let Some(judge) = self.judges.get_mut(*rule) {
                judge.stream.tick(tick);
            }
        }
    }

    /// Judges a stretch on so many threads: what happened, in its total order, and the state that it leads to.
    pub(crate) fn judge(
        &mut self,
        events: &[Sequenced],
        dead: Vec<(u64, DeadLetter)>,
        workers: usize,
    ) -> (Vec<Placed>, Vec<StateChange>) {
        let Judges { judges, router, holding, batch } = self;
        router.route(events);
        let reached = picked(judges, router.reached());
        let work = reached.into_iter().map(|(rule, judge)| (judge, router.rows(rule))).collect();
        workers::each(work, workers, |(judge, rows): (&mut Judge, &[usize])| judge.all(events, rows, *batch));

        let mut placed: Vec<Placed> =
            dead.into_iter().map(|(position, letter)| Placed { position, rule: 0, item: Item::Dead(letter) }).collect();
        let mut state = Vec::new();
        holding.extend(router.reached());
        for rule in std::mem::take(holding) {
            let Some(judge) = judges.get_mut(rule) else { continue };
            judge.settle(rule, events, router.rows(rule), &mut placed, &mut state);
            if judge.silenced {
                router.silence(rule);
            } else if !judge.stream.is_idle() {
                holding.insert(rule);
            }
        }
        // Stable: findings and diagnostics of a row stay in the order of their indices.
        placed.sort_by_key(|placed| (placed.position, placed.item.order(), placed.rule));
        (placed, state)
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
    /// Judges the rows that reach the rule.
    fn all(&mut self, events: &[Sequenced], rows: &[usize], batch: usize) {
        for rows in rows.chunks(batch) {
            let rows: Vec<&Sequenced> = rows.iter().filter_map(|place| events.get(*place)).collect();
            let outcome = self.stream.judge(&rows);
            let stopped = outcome.stopped.is_some();
            self.outcomes.push(outcome);
            if stopped {
                break;
            }
        }
    }

    /// Cuts what came of the rows at the position from which the rule is no longer heard, and hands it over.
    fn settle(
        &mut self,
        rule: usize,
        events: &[Sequenced],
        rows: &[usize],
        placed: &mut Vec<Placed>,
        state: &mut Vec<StateChange>,
    ) {
        let outcomes = std::mem::take(&mut self.outcomes);
        let failed: BTreeMap<u64, FailureKind> = outcomes
            .iter()
            .flat_map(|outcome| &outcome.failures)
            .map(|failure| (failure.row.position, failure.failure.kind))
            .collect();
        let stopped = outcomes.iter().find_map(|outcome| outcome.stopped.as_ref()).map(|stopped| stopped.row.position);
        let mut last = None;
        for row in rows.iter().filter_map(|place| events.get(*place)) {
            let position = row.position;
            self.delivered += 1;
            if self.quarantine.note(row, failed.contains_key(&position)) {
                let accounts = self.quarantine.accounts();
                placed.push(Placed { position, rule, item: Item::Quarantined { accounts } });
                last = Some(position);
            } else if stopped == Some(position) {
                last = Some(position);
            }
            if last.is_some() {
                self.silenced = true;
                break;
            }
        }
        let heard = |position: u64| last.is_none_or(|last| position <= last);
        let mut place = |position: u64, item: Item| {
            if heard(position) {
                placed.push(Placed { position, rule, item });
            }
        };
        for outcome in outcomes {
            outcome.failures.into_iter().for_each(|failed| place(failed.row.position, Item::Failed(failed)));
            outcome.stopped.into_iter().for_each(|stopped| place(stopped.row.position, Item::Stopped(stopped)));
            outcome.disagreements.into_iter().for_each(|other| place(other.row.position, Item::Disagreed(other)));
            outcome.diagnostics.into_iter().for_each(|said| place(said.position, Item::Said(said)));
            outcome.found.into_iter().for_each(|found| place(found.row.position, Item::Found(Box::new(found))));
            // A silenced rule's state serves nobody, and how far it got would show the batch: what was stored goes too.
            let silenced = last.is_some();
            let changes = outcome.state.into_iter();
            state.extend(changes.map(|change| if silenced { StateChange { entry: None, ..change } } else { change }));
        }
        // What ticks forgot is told though no row came since.
        state.extend(if last.is_some() { self.stream.forget() } else { self.stream.changes() });
    }
}

#[cfg(test)]
mod tests;
