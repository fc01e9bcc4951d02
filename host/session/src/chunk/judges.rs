//! The detection rules of a run: routes a chunk to them, level by level, and orders their items.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_formats::DeadLetter;
use countersign_model::call::Detector;
use countersign_model::vocabulary::{PartitionKey, SignalClass};
use countersign_model::{Digest, DigestKey, Hold, HoldEnd, RuleId, SourceId, Timestamp};
use countersign_stream::{Forgotten, Holds, QuarantineThreshold, Router, RuleStream, Sequenced, Spending, Tally, Tick};

use super::judge::Judge;
use super::remembered::{Absent, take_forgotten};
use super::{Changes, Item, Placed};
use crate::figures::RuleFigures;
use countersign_generation::workers;
use countersign_generation::{Generation, Rule};

/// The detection rules of a run. A rule that no event reaches costs nothing: neither chunks nor ticks visit it.
pub struct Judges {
    pub(super) judges: Vec<Judge>,
    pub(super) router: Router,
    /// The rules that hold something which a tick may change, or which is still to be reported.
    pub(super) holding: BTreeSet<usize>,
    /// The rules of which it is counted on what they fail: ticks forget that, and end holds.
    pub(super) counting: BTreeSet<usize>,
    /// The holds that ended, to be reported.
    pub(super) ended: Vec<Placed>,
    /// Rules that are gone, and what rules don't declare any more.
    pub(super) absent: BTreeMap<RuleId, Absent>,
    /// What was forgotten of these, to be reported.
    pub(super) forgotten: Changes,
    /// For each rule, its subscribers with the classes of findings that they want.
    subscribers: Vec<Vec<(usize, Vec<SignalClass>)>>,
    batch: usize,
}

/// Maximum of a rule's findings about one event at one position that are delivered to other rules: as many as it may have
/// on the event itself. Otherwise findings would multiply sixteenfold with each level of subscriptions. Counted for each
/// feeding rule separately, so that none can crowd out the findings of others.
const MAX_FEEDING: u64 = 16;

impl Judges {
    /// The judges of a generation's rules, each called through the detector that `detector` returns for it.
    pub fn new(
        generation: &Generation,
        batch: usize,
        threshold: QuarantineThreshold,
        detector: &dyn Fn(&Rule) -> Arc<dyn Detector + Send + Sync>,
    ) -> Judges {
        let kept = generation.policy.limits().kept();
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
                .with_context(generation.context.clone())
                .with_greatest_severity(rule.greatest_severity)
                .with_kept(kept)
                .with_holds(Holds::new(threshold));
                Judge::new(stream, rule.depth)
            })
            .collect();
        Judges::from_judges(judges, batch)
    }

    /// The same with a sample of rows that are judged on their own too, drawn under the key of the run's digests.
    #[must_use]
    pub fn with_sample(mut self, key: &DigestKey) -> Judges {
        let judges = self.judges.into_iter();
        self.judges = judges.map(|judge| judge.with_sample(key)).collect();
        self
    }

    /// From the judges of rules in order of their ids.
    fn from_judges(judges: Vec<Judge>, batch: usize) -> Judges {
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
            counting: BTreeSet::new(),
            ended: Vec::new(),
            absent: BTreeMap::new(),
            forgotten: Changes::default(),
            subscribers,
            batch: batch.max(1),
            judges,
        }
    }

    /// How much work it was so far to route events to rules.
    pub fn tally(&self) -> Tally {
        self.router.tally()
    }

    /// Rows that each rule was called with, in the rules' order.
    pub fn delivered(&self) -> impl Iterator<Item = u64> {
        self.judges.iter().map(|judge| judge.delivered)
    }

    /// Rows of each rule that were held, in the rules' order.
    pub fn held_rows(&self) -> impl Iterator<Item = u64> {
        self.judges.iter().map(|judge| judge.held)
    }

    /// The holds of all rules, with the rule.
    pub fn holds(&self) -> impl Iterator<Item = (&RuleId, &Hold)> {
        let judges = self.judges.iter();
        judges.flat_map(|judge| judge.stream.holds().holds().map(|hold| (&judge.stream.declaration().id, hold)))
    }

    /// What rules have done, as far as they know it themselves.
    pub(crate) fn figures(&self) -> impl Iterator<Item = (RuleId, RuleFigures)> {
        self.judges.iter().map(|judge| {
            let figures = RuleFigures {
                delivered: judge.delivered,
                held: judge.held,
                state_bytes: judge.stream.held(),
                timers: judge.stream.pending_timers(),
                ..RuleFigures::default()
            };
            (judge.stream.declaration().id.clone(), figures)
        })
    }

    /// The sources of rows that what rules keep may be made of, each with the position of its first one.
    pub fn sources(&self) -> impl Iterator<Item = (&RuleId, &BTreeMap<SourceId, u64>)> {
        self.judges.iter().map(|judge| (&judge.stream.declaration().id, &judge.sources.all))
    }

    /// Those that came since this was called last.
    pub fn take_new_sources(&mut self) -> Vec<(RuleId, SourceId, u64)> {
        let judges = self.judges.iter_mut().filter(|judge| !judge.sources.new.is_empty());
        let new = judges.flat_map(|judge| {
            let id = judge.stream.declaration().id.clone();
            std::mem::take(&mut judge.sources.new).into_iter().map(move |(source, from)| (id.clone(), source, from))
        });
        new.collect()
    }

    /// How many keys were forgotten at ticks, for each rule by slot, in the rules' order; only slots with any.
    pub fn forgotten(&self) -> impl Iterator<Item = BTreeMap<String, Forgotten>> {
        self.judges.iter().map(|judge| {
            let slots = judge.stream.forgotten().filter(|(_, forgotten)| *forgotten != Forgotten::default());
            slots.map(|(slot, forgotten)| (slot.to_owned(), forgotten)).collect()
        })
    }

    /// Whether a rule has rows of its own to judge: timers that are due.
    pub fn have_rows(&self) -> bool {
        self.holding.iter().filter_map(|rule| self.judges.get(*rule)).any(|judge| !judge.own.is_empty())
    }

    /// How many timers of each rule are pending, in the rules' order.
    pub fn pending_timers(&self) -> impl Iterator<Item = u64> {
        self.judges.iter().map(|judge| judge.stream.pending_timers())
    }

    /// How many timers of each rule were dropped because it had too many, in the rules' order.
    pub fn dropped_timers(&self) -> impl Iterator<Item = u64> {
        self.judges.iter().map(|judge| judge.dropped_timers)
    }

    /// How many findings of each rule weren't delivered because it had too many about one event, in the rules' order.
    pub fn withheld_findings(&self) -> impl Iterator<Item = u64> {
        self.judges.iter().map(|judge| judge.withheld)
    }

    /// Applies a tick to every rule's state and holds; the timers that are due come with the next chunk. `position` and `clock` are
    /// those of the event that brought the tick, the first of that chunk.
    pub fn tick(&mut self, tick: Tick, position: u64, clock: Timestamp) {
        for rule in &self.holding {
            if let Some(judge) = self.judges.get_mut(*rule) {
                judge.stream.tick(tick);
                judge.own.extend(judge.stream.due(tick, position, clock));
                judge.dropped_timers += judge.stream.take_dropped_timers();
            }
        }
        for rule in std::mem::take(&mut self.counting) {
            let Some(judge) = self.judges.get_mut(rule) else { continue };
            let ended = judge.stream.holds_mut().tick(clock);
            if judge.stream.holds().has_changes() || !ended.is_empty() {
                self.holding.insert(rule);
            }
            if !judge.stream.holds().is_empty() {
                self.counting.insert(rule);
            }
            self.end_holds(rule, ended, HoldEnd::Time, position);
        }
        self.tick_absent(tick);
    }

    /// Reports holds that ended with the next chunk: rows from this position on aren't held by them.
    pub(super) fn end_holds(&mut self, rule: usize, ended: Vec<Hold>, end: HoldEnd, position: u64) {
        let depth = self.judges.get(rule).map_or(0, |judge| judge.depth);
        self.ended.extend(ended.into_iter().map(|hold| Placed {
            position,
            after_timers: false,
            depth,
            rule,
            item: Item::Readmitted { hold, end },
        }));
    }

    /// Judges a chunk on so many threads. Returns its items in their total order, and the changes of state.
    pub fn judge(
        &mut self,
        events: &[Sequenced],
        dead_letters: Vec<(u64, DeadLetter)>,
        workers: usize,
    ) -> (Vec<Placed>, Changes) {
        let dead_letters = dead_letters.into_iter().map(|(position, letter)| {
            let item = Item::DeadLetter(letter);
            Placed { position, after_timers: false, depth: 0, rule: 0, item }
        });
        let mut placed: Vec<Placed> = dead_letters.chain(std::mem::take(&mut self.ended)).collect();
        let mut changes = take_forgotten(self);
        self.router.route(events);
        // By depth: findings of a level may be delivered to deeper ones.
        let mut waiting: BTreeSet<(usize, usize)> = std::mem::take(&mut self.holding)
            .into_iter()
            .chain(self.router.reached().iter().copied())
            .filter_map(|rule| Some((self.judges.get(rule)?.depth, rule)))
            .collect();
        while let Some((depth, _)) = waiting.first().copied() {
            let deeper = waiting.split_off(&(depth + 1, 0));
            let level: Vec<usize> = std::mem::replace(&mut waiting, deeper).into_iter().map(|(_, rule)| rule).collect();
            let Judges { judges, router, batch, .. } = self;
            let work = pick(judges, &level).into_iter().map(|(rule, judge)| (judge, router.rows(rule))).collect();
            workers::each(work, workers, |(judge, rows): (&mut Judge, &[usize])| {
                judge.judge_rows(events, rows, *batch)
            });
            for rule in level {
                let Some(judge) = self.judges.get_mut(rule) else { continue };
                let before = placed.len();
                judge.finish_chunk(rule, &mut placed, &mut changes);
                if !judge.stream.is_idle() {
                    self.holding.insert(rule);
                }
                if !judge.stream.holds().is_empty() {
                    self.counting.insert(rule);
                }
                self.deliver(rule, depth, placed.get(before..).unwrap_or_default(), &mut waiting);
            }
        }
        // Stable: findings and diagnostics of a row stay in the order of their indices.
        placed.sort_by_key(|one| (one.position, one.item.order(), one.after_timers, one.depth, one.rule));
        (placed, changes)
    }

    /// Delivers a rule's findings to its subscribers, which are deeper and so judge later. `placed` has all items of the
    /// rule in this chunk, and so all its findings at the chunk's positions.
    fn deliver(&mut self, rule: usize, depth: usize, placed: &[Placed], waiting: &mut BTreeSet<(usize, usize)>) {
        let Some(subscribers) = self.subscribers.get(rule).filter(|subscribers| !subscribers.is_empty()) else {
            return;
        };
        let mut delivered: BTreeMap<(u64, u32, u64), u64> = BTreeMap::new();
        let mut withheld = 0;
        for finding in placed.iter().filter_map(|placed| match &placed.item {
            Item::Finding(finding) => Some(finding),
            _ => None,
        }) {
            let wanting = subscribers.iter().filter(|(_, classes)| classes.contains(&finding.finding.signal_class));
            let mut wanting = wanting.peekable();
            if wanting.peek().is_none() {
                continue;
            }
            // Several timers may be due at one position, each with the event that set it.
            let raw = &finding.row.event.raw;
            let delivered = delivered.entry((finding.row.position, raw.input, raw.ordinal)).or_default();
            *delivered += 1;
            if *delivered > MAX_FEEDING {
                withheld += 1;
                continue;
            }
            let mut row = None;
            for (subscriber, _) in wanting {
                let row = row.get_or_insert_with(|| Sequenced::finding_row(finding, depth));
                if let Some(judge) = self.judges.get_mut(*subscriber) {
                    judge.own.push(row.clone());
                    waiting.insert((judge.depth, *subscriber));
                }
            }
        }
        self.judges.get_mut(rule).into_iter().for_each(|judge| judge.withheld += withheld);
    }

    /// What is to be remembered of a rule beside its state, timers and counts.
    pub(crate) fn view(&self, place: usize) -> Option<JudgeView> {
        let judge = self.judges.get(place)?;
        Some(JudgeView {
            partition_key: judge.stream.declaration().partition_key,
            code: judge.code,
            delivered: judge.delivered,
            held: judge.held,
            holds: judge.stream.holds().holds().cloned().collect(),
            judged: judge.stream.judged(),
            sources: judge.sources.all.clone(),
            dropped_timers: judge.dropped_timers,
            withheld: judge.withheld,
            forgotten: judge.stream.forgotten().map(|(slot, forgotten)| (slot.to_owned(), forgotten)).collect(),
            stamp: judge.stream.stamp(),
            spending: judge.stream.spending().clone(),
        })
    }
}

/// What is to be remembered of a rule beside its state, timers and counts.
pub(crate) struct JudgeView {
    pub(crate) partition_key: PartitionKey,
    pub(crate) code: Option<Digest>,
    pub(crate) delivered: u64,
    pub(crate) held: u64,
    pub(crate) holds: Vec<Hold>,
    pub(crate) judged: u64,
    pub(crate) sources: BTreeMap<SourceId, u64>,
    pub(crate) dropped_timers: u64,
    pub(crate) withheld: u64,
    pub(crate) forgotten: BTreeMap<String, Forgotten>,
    pub(crate) stamp: Option<Timestamp>,
    pub(crate) spending: Spending,
}

/// Some of the judges, by their places in order, in time that grows with those alone.
fn pick<'j>(mut judges: &'j mut [Judge], places: &[usize]) -> Vec<(usize, &'j mut Judge)> {
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

#[cfg(test)]
#[path = "../../tests/unit/chunk_fed.rs"]
mod fed;
#[cfg(test)]
#[path = "../../tests/unit/chunk.rs"]
mod tests;
