//! What became of one event with one rule, step by step: how it came into the sequence, what the rule was shown of it and
//! answered, and what the host made of the answer. The event goes the way of all events, with all that come before it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use countersign_engine::{LoadedRule, Usage};
use countersign_formats::{DeadLetter, Record};
use countersign_model::call::{CallFailure, DetectionAnswer, DetectionCall, Detector, FailureKind};
use countersign_model::vocabulary::SignalClass;
use countersign_model::{Finding, Occasion, RawAddress, RuleId, Timestamp};
use countersign_stream::{Sequenced, Tick, partition_key};

use crate::chunk::{Chunk, Item, Judges, Placed};
use crate::generation::{Generation, Rule};
use crate::run::{RunOptions, steps};
use crate::sequence::{Next, Sequencer};

/// The most calls about one record that are kept: its own, those of findings on it and of timers that it set.
const MAX_CALLS: usize = 64;

/// The most records of one id that are told of.
const MAX_SIGHTINGS: usize = 16;

/// What became of an event.
#[derive(Default)]
pub struct Explanation {
    /// The records that have its id, in the order of their coming; at most 16.
    pub sightings: Vec<Sighting>,
    /// Events sequenced.
    pub events: u64,
    /// Records that aren't judged.
    pub dead_letters: u64,
    /// The first record that isn't judged and whose first bytes hold the id: it may be the one that is looked for.
    pub suspect: Option<DeadLetter>,
}

/// What became of one record.
pub enum Sighting {
    /// It was judged.
    Event(Box<Judged>),
    /// It came before, byte for byte or in all but its time of receipt.
    Duplicate(RawAddress),
    /// It isn't judged.
    SetAside(DeadLetter),
}

/// An event that was judged.
pub struct Judged {
    /// In its place.
    pub event: Sequenced,
    /// The tick that came before it.
    pub tick: Option<Timestamp>,
    /// Whether another record claimed its id before and said something else.
    pub id_reused: bool,
    /// What the rule keeps it by.
    pub key: Option<String>,
    /// Since when the rule isn't heard, if it wasn't at this event: a position, and why.
    pub silenced: Option<(u64, String)>,
    /// What other rules found on it, and whether the rule subscribes to that.
    pub fed: Vec<(Finding, bool)>,
    /// The calls that showed it to the rule, by itself or through findings and timers; at most 64.
    pub calls: Vec<Call>,
    /// What the host made of the answers: findings.
    pub findings: Vec<Finding>,
    /// What the host made of the answers: rows set aside, with what brought the row about.
    pub failures: Vec<(Occasion, CallFailure)>,
    /// What the host made of the answers: where a rule contradicted itself.
    pub disagreements: Vec<&'static str>,
}

/// A call of one row.
#[derive(Clone)]
pub struct Call {
    /// What the rule was given.
    pub call: DetectionCall,
    /// What it answered.
    pub answer: Result<DetectionAnswer, CallFailure>,
    /// What that used.
    pub usage: Usage,
}

/// Runs records through a generation of a rule and those that feed it, and follows the events of an id. After the last
/// record time passes up to `options.until`. Of the options, `batch`, `workers`, `key` and `inputs` count for nothing.
#[must_use]
pub fn explain(
    generation: &Generation,
    rule: &RuleId,
    event_id: &str,
    records: impl Iterator<Item = Record>,
    options: &RunOptions,
) -> Explanation {
    let Some(place) = generation.detections.iter().position(|loaded| loaded.identity.id == *rule) else {
        return Explanation::default();
    };
    let Some(loaded) = generation.detections.get(place) else { return Explanation::default() };
    let watch = Arc::new(Watch { loaded: Arc::clone(&loaded.loaded), calls: Mutex::default() });
    let detector = |one: &Rule| -> Arc<dyn Detector + Send + Sync> {
        if one.identity.id == *rule { watch.clone() } else { one.loaded.clone() }
    };
    let mut run = Run {
        judges: Judges::new(generation, 1, options.quarantine, &detector),
        rule: loaded,
        place,
        watch: &watch,
        silenced: None,
        explanation: Explanation::default(),
    };
    let mut clock = None;
    let mut position = 0;
    // What an event that is set aside in sequencing was called, is known only before.
    let named = RefCell::new(BTreeSet::new());
    let records = records.inspect(|record| {
        if let Record::Event { event, .. } = record
            && *event.id == *event_id
            && named.borrow().len() < MAX_SIGHTINGS
        {
            named.borrow_mut().insert((event.raw.input, event.raw.ordinal));
        }
    });
    for next in Sequencer::new(records, options.max_gap) {
        let sighting = match next {
            Next::Event { tick, event, id_reused } => {
                (clock, position) = (Some(event.clock), event.position + 1);
                run.explanation.events += 1;
                run.event(tick, event, id_reused, event_id);
                continue;
            }
            Next::Duplicate(raw) if named.borrow().contains(&(raw.input, raw.ordinal)) => Sighting::Duplicate(raw),
            Next::Duplicate(_) => continue,
            Next::SetAside(letter) => {
                run.explanation.dead_letters += 1;
                if named.borrow().contains(&(letter.input, letter.ordinal)) {
                    Sighting::SetAside(letter)
                } else {
                    if run.explanation.suspect.is_none() && letter.excerpt.contains(event_id) {
                        run.explanation.suspect = Some(letter);
                    }
                    continue;
                }
            }
        };
        run.sighted(sighting);
    }
    if let (Some(clock), Some(until)) = (clock, options.until) {
        for at in steps(clock, until) {
            run.judges.tick(Tick { at }, position, clock.max(at));
            if run.judges.have_rows() {
                run.judge(Vec::new());
                position += 1;
            }
        }
    }
    run.finish()
}

struct Run<'g> {
    judges: Judges,
    rule: &'g Rule,
    /// The rule's place among the generation's detections.
    place: usize,
    watch: &'g Watch,
    silenced: Option<(u64, String)>,
    explanation: Explanation,
}

impl Run<'_> {
    fn sighted(&mut self, sighting: Sighting) {
        if self.explanation.sightings.len() < MAX_SIGHTINGS {
            self.explanation.sightings.push(sighting);
        }
    }

    fn event(&mut self, tick: Option<Tick>, event: Sequenced, id_reused: bool, wanted: &str) {
        if let Some(tick) = tick {
            self.judges.tick(tick, event.position, event.clock);
        }
        if *event.event.id == *wanted && self.explanation.sightings.len() < MAX_SIGHTINGS {
            let key = partition_key(self.rule.declaration().partition_key, &event.event);
            self.watch.follow(event.reference(&self.rule.identity.id, key.as_deref()));
            self.sighted(Sighting::Event(Box::new(Judged {
                event: event.clone(),
                tick: tick.map(|tick| tick.at),
                id_reused,
                key,
                silenced: self.silenced.clone(),
                fed: Vec::new(),
                calls: Vec::new(),
                findings: Vec::new(),
                failures: Vec::new(),
                disagreements: Vec::new(),
            })));
        }
        self.judge(vec![event]);
    }

    /// Judges a stretch, and keeps what of it is about the events that are followed.
    fn judge(&mut self, events: Vec<Sequenced>) {
        let chunk = Chunk { events, ..Chunk::default() };
        let (placed, _) = self.judges.judge(&chunk.events, chunk.dead, 1);
        for Placed { position, rule, item, .. } in placed {
            if rule != self.place {
                if let Item::Found(found) = item
                    && let Some(judged) = followed(&mut self.explanation, &found.row)
                {
                    let wanted = subscribes(self.rule, &found.finding.rule, found.finding.signal_class);
                    judged.fed.push((found.finding, wanted));
                }
                continue;
            }
            match item {
                Item::Found(found) => {
                    if let Some(judged) = followed(&mut self.explanation, &found.row) {
                        judged.findings.push(found.finding);
                    }
                }
                Item::Failed(failed) | Item::Stopped(failed) => {
                    let occasion = failed.row.occasion();
                    if failed.failure.kind == FailureKind::Deadline {
                        let why = "stopped: it ran past the deadline twice".to_owned();
                        self.silenced.get_or_insert((position, why));
                    }
                    if let Some(judged) = followed(&mut self.explanation, &failed.row) {
                        judged.failures.push((occasion, failed.failure));
                    }
                }
                Item::Disagreed(other) => {
                    if let Some(judged) = followed(&mut self.explanation, &other.row) {
                        judged.disagreements.push(other.what);
                    }
                }
                Item::Quarantined { accounts: (failing, all) } => {
                    let why = format!("in quarantine: it failed on {failing} of {all} accounts");
                    self.silenced.get_or_insert((position, why));
                }
                Item::Dead(_) | Item::Said(_) => {}
            }
        }
    }

    fn finish(self) -> Explanation {
        let Run { mut explanation, watch, rule, .. } = self;
        for sighting in &mut explanation.sightings {
            let Sighting::Event(judged) = sighting else { continue };
            let reference = judged.event.reference(&rule.identity.id, judged.key.as_deref());
            judged.calls = watch.calls(reference);
        }
        explanation
    }
}

fn subscribes(rule: &Rule, feeder: &RuleId, class: SignalClass) -> bool {
    let subscribes = &rule.declaration().subscribes;
    subscribes.iter().any(|one| one.rule == *feeder && one.classes.contains(&class))
}

/// The followed event that a row shows.
fn followed<'e>(explanation: &'e mut Explanation, row: &Sequenced) -> Option<&'e mut Judged> {
    explanation.sightings.iter_mut().find_map(|sighting| match sighting {
        Sighting::Event(judged) if judged.event.event.raw == row.event.raw => Some(&mut **judged),
        _ => None,
    })
}

/// Passes calls on, and keeps those that show an event which is followed.
struct Watch {
    loaded: Arc<LoadedRule>,
    /// By the event's reference.
    calls: Mutex<BTreeMap<u64, Vec<Call>>>,
}

impl Watch {
    fn follow(&self, reference: u64) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).entry(reference).or_default();
    }

    fn calls(&self, reference: u64) -> Vec<Call> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).remove(&reference).unwrap_or_default()
    }
}

impl Detector for Watch {
    fn detect(&self, call: &DetectionCall) -> Result<DetectionAnswer, CallFailure> {
        let shown = call.batch.rows.references.as_slice();
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = match shown {
            [reference] => calls.get_mut(reference),
            _ => None,
        };
        let Some(kept) = kept else {
            drop(calls);
            return self.loaded.detect(call);
        };
        let (answer, usage) = self.loaded.measured_detect(call);
        // A call with a finding is made once more, to see whether it answers the same.
        if kept.last().is_none_or(|last| last.call != *call) && kept.len() < MAX_CALLS {
            kept.push(Call { call: call.clone(), answer: answer.clone(), usage });
        }
        answer
    }

    fn migrate(&self, slot: u32, from_version: u32, blob: &[u8]) -> Result<Vec<u8>, CallFailure> {
        self.loaded.migrate(slot, from_version, blob)
    }
}
