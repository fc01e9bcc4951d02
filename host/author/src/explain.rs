//! Explains what happened to one event with one rule, step by step: its place in the sequence, what the rule was shown of
//! it and answered, and what the host made of the answer. The event is processed like any other, after all earlier ones.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use countersign_engine::{LoadedRule, Usage};
use countersign_formats::{DeadLetter, Record};
use countersign_inputs::Received;
use countersign_model::call::{CallFailure, DetectionAnswer, DetectionCall, Detector, FailureKind};
use countersign_model::vocabulary::SignalClass;
use countersign_model::{Event, Finding, Hold, Occasion, Patience, RawAddress, RuleId, Timestamp};
use countersign_stream::{BegunHold, HoldCause, RowFailure, Sequenced, Tick, is_held, partition_key};

use countersign_generation::{Generation, Rule};
use countersign_session::SessionOptions;
use countersign_session::chunk::{Chunk, Item, Judges, Placed};
use countersign_session::sequence::{Next, sequence};

/// Maximum of calls about one record that are kept: its own, those of findings on it and of timers that it set.
const MAX_CALLS: usize = 64;

/// Maximum of records of one id that are reported.
const MAX_SIGHTINGS: usize = 16;

/// What happened to the events of an id.
#[derive(Default)]
pub struct Explanation {
    /// The records that have the id, in order of arrival; at most 16.
    pub sightings: Vec<Sighting>,
    /// Events sequenced.
    pub events: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// The first dead letter whose excerpt contains the id: it may be the record that is looked for.
    pub suspect: Option<DeadLetter>,
}

/// What happened to one record.
pub enum Sighting {
    /// It was judged.
    Event(Box<Judged>),
    /// It came before, byte for byte or in all but its time of receipt.
    Duplicate(RawAddress),
    /// It became a dead letter.
    DeadLetter(DeadLetter),
}

/// An event that was judged.
pub struct Judged {
    /// In its place.
    pub event: Sequenced,
    /// The tick that came before it.
    pub tick: Option<Timestamp>,
    /// Whether an earlier record had its id with other content.
    pub id_reused: bool,
    /// Its partition key.
    pub key: Option<String>,
    /// Since when the rule was silenced at this event, if it was: a position, and why.
    pub silenced: Option<(u64, String)>,
    /// Findings of other rules on it, and whether the rule subscribes to them.
    pub fed: Vec<(Finding, bool)>,
    /// The calls that showed it to the rule, by itself or through findings and timers; at most 64.
    pub calls: Vec<Call>,
    /// The rule's findings on it.
    pub findings: Vec<Finding>,
    /// Its rows that were set aside, with why they came.
    pub failures: Vec<(Occasion, CallFailure)>,
    /// What differed where the rule contradicted itself.
    pub disagreements: Vec<&'static str>,
}

/// A call of one row.
#[derive(Clone)]
pub struct Call {
    /// The rule's input.
    pub call: DetectionCall,
    /// Its answer.
    pub answer: Result<DetectionAnswer, CallFailure>,
    /// What the call used.
    pub usage: Usage,
}

/// Runs records through a generation of a rule and those that feed it, and follows the events of an id. After the last
/// record time passes up to `until`, if there is one. The options `batch`, `workers` and `key` are ignored.
#[must_use]
pub fn explain(
    generation: &Generation,
    rule: &RuleId,
    event_id: &str,
    records: impl Iterator<Item = Received>,
    options: &SessionOptions,
    until: Option<Timestamp>,
) -> Explanation {
    let Some(place) = generation.detections.iter().position(|loaded| loaded.identity.id == *rule) else {
        return Explanation::default();
    };
    let Some(loaded) = generation.detections.get(place) else { return Explanation::default() };
    let recorder = Arc::new(CallRecorder { loaded: Arc::clone(&loaded.loaded), calls: Mutex::default() });
    let detector = |one: &Rule| -> Arc<dyn Detector + Send + Sync> {
        if one.identity.id == *rule { recorder.clone() } else { one.loaded.clone() }
    };
    let mut explainer = Explainer {
        judges: Judges::new(generation, 1, options.quarantine, &detector),
        rule: loaded,
        place,
        recorder: &recorder,
        holds: Vec::new(),
        explanation: Explanation::default(),
    };
    // A dead letter doesn't have the id of its event, so records with the id are noted before sequencing.
    let with_id = RefCell::new(BTreeSet::new());
    let records = records.inspect(|record| {
        if let Record::Event { event, .. } = &record.record
            && *event.id == *event_id
            && with_id.borrow().len() < MAX_SIGHTINGS
        {
            with_id.borrow_mut().insert((event.raw.input, event.raw.ordinal));
        }
    });
    let mut sequence = sequence(records, options.max_gap);
    for next in sequence.by_ref() {
        let sighting = match next {
            Next::Event { tick, event, id_reused } => {
                explainer.explanation.events += 1;
                explainer.process_event(tick, event, id_reused, event_id);
                continue;
            }
            Next::Duplicate(raw) if with_id.borrow().contains(&(raw.input, raw.ordinal)) => Sighting::Duplicate(raw),
            Next::Duplicate(_) => continue,
            Next::DeadLetter(letter) => {
                explainer.explanation.dead_letters += 1;
                if with_id.borrow().contains(&(letter.input, letter.ordinal)) {
                    Sighting::DeadLetter(letter)
                } else {
                    if explainer.explanation.suspect.is_none() && letter.excerpt.contains(event_id) {
                        explainer.explanation.suspect = Some(letter);
                    }
                    continue;
                }
            }
        };
        explainer.add_sighting(sighting);
    }
    let mut position = sequence.position();
    if let (Some(clock), Some(until)) = (sequence.clock().gate_clock(), until) {
        let arrived = until.plus_micros(Patience::USUAL.lateness);
        for tick in sequence.clock().ticks_until(arrived) {
            explainer.judges.tick(tick, position, clock.max(arrived));
            if explainer.judges.have_rows() {
                explainer.judge(Vec::new());
                position += 1;
            }
        }
    }
    explainer.finish()
}

struct Explainer<'g> {
    judges: Judges,
    rule: &'g Rule,
    /// The rule's place among the generation's detections.
    place: usize,
    recorder: &'g CallRecorder,
    /// The holds that last, each with the position at which it began and what it is.
    holds: Vec<(u64, Hold, &'static str)>,
    explanation: Explanation,
}

impl Explainer<'_> {
    fn add_sighting(&mut self, sighting: Sighting) {
        if self.explanation.sightings.len() < MAX_SIGHTINGS {
            self.explanation.sightings.push(sighting);
        }
    }

    /// Since when the rule isn't called with an event, and why; none if it is.
    fn silenced(&self, event: &Event) -> Option<(u64, String)> {
        let held = self.holds.iter().find(|(_, hold, _)| is_held(std::slice::from_ref(hold), event));
        held.map(|(position, hold, what)| (*position, format!("{what} until {}", hold.until)))
    }

    fn process_event(&mut self, tick: Option<Tick>, event: Sequenced, id_reused: bool, wanted: &str) {
        if let Some(tick) = tick {
            self.judges.tick(tick, event.position, event.clock);
        }
        if *event.event.id == *wanted && self.explanation.sightings.len() < MAX_SIGHTINGS {
            let key = partition_key(self.rule.declaration().partition_key, &event.event);
            self.recorder.follow(event.reference(&self.rule.identity.id, key.as_deref()));
            self.add_sighting(Sighting::Event(Box::new(Judged {
                event: event.clone(),
                tick: tick.map(|tick| tick.at),
                id_reused,
                key,
                silenced: self.silenced(&event.event),
                fed: Vec::new(),
                calls: Vec::new(),
                findings: Vec::new(),
                failures: Vec::new(),
                disagreements: Vec::new(),
            })));
        }
        self.judge(vec![event]);
    }

    /// Judges a chunk, and keeps the items that concern the followed events.
    fn judge(&mut self, events: Vec<Sequenced>) {
        let chunk = Chunk { events, ..Chunk::default() };
        let (placed, _) = self.judges.judge(&chunk.events, chunk.dead_letters, 1);
        for Placed { position, rule, item, .. } in placed {
            if rule != self.place {
                if let Item::Finding(finding) = item
                    && let Some(judged) = followed_event(&mut self.explanation, &finding.row)
                {
                    let wanted = subscribes(self.rule, &finding.finding.rule, finding.finding.signal_class);
                    judged.fed.push((finding.finding, wanted));
                }
                continue;
            }
            match item {
                Item::Finding(finding) => {
                    if let Some(judged) = followed_event(&mut self.explanation, &finding.row) {
                        judged.findings.push(finding.finding);
                    }
                }
                Item::SetAside(RowFailure { row, failure }) => self.add_failure(&row, failure),
                Item::Disagreement(other) => {
                    if let Some(judged) = followed_event(&mut self.explanation, &other.row) {
                        judged.disagreements.push(other.what);
                    }
                }
                Item::Held(held) => {
                    let BegunHold { hold, cause } = held.begun;
                    let what = match cause {
                        HoldCause::Accounts { .. } => "in quarantine for the source",
                        HoldCause::Charges { .. } => "parked for such rows",
                        HoldCause::Deadline { message } => {
                            self.add_failure(&held.row, CallFailure { kind: FailureKind::Deadline, message });
                            "stopped for the source, as it missed the deadline twice,"
                        }
                    };
                    self.holds.push((position, hold, what));
                }
                Item::Readmitted { hold, .. } => self.holds.retain(|(_, other, _)| *other != hold),
                Item::DeadLetter(_) | Item::Diagnostic(_) => {}
            }
        }
    }

    fn add_failure(&mut self, row: &Sequenced, failure: CallFailure) {
        if let Some(judged) = followed_event(&mut self.explanation, row) {
            judged.failures.push((row.occasion.recorded(), failure));
        }
    }

    fn finish(self) -> Explanation {
        let Explainer { mut explanation, recorder, rule, .. } = self;
        for sighting in &mut explanation.sightings {
            let Sighting::Event(judged) = sighting else { continue };
            let reference = judged.event.reference(&rule.identity.id, judged.key.as_deref());
            judged.calls = recorder.calls(reference);
        }
        explanation
    }
}

fn subscribes(rule: &Rule, feeder: &RuleId, class: SignalClass) -> bool {
    let subscribes = &rule.declaration().subscribes;
    subscribes.iter().any(|one| one.rule == *feeder && one.classes.contains(&class))
}

/// The followed event that a row shows.
fn followed_event<'e>(explanation: &'e mut Explanation, row: &Sequenced) -> Option<&'e mut Judged> {
    explanation.sightings.iter_mut().find_map(|sighting| match sighting {
        Sighting::Event(judged) if judged.event.event.raw == row.event.raw => Some(&mut **judged),
        _ => None,
    })
}

/// Passes calls on, and keeps those that show a followed event.
struct CallRecorder {
    loaded: Arc<LoadedRule>,
    /// By the event's reference.
    calls: Mutex<BTreeMap<u64, Vec<Call>>>,
}

impl CallRecorder {
    fn follow(&self, reference: u64) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).entry(reference).or_default();
    }

    fn calls(&self, reference: u64) -> Vec<Call> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).remove(&reference).unwrap_or_default()
    }
}

impl Detector for CallRecorder {
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
        // A call with a finding is repeated, to check whether the answer is the same.
        if kept.last().is_none_or(|last| last.call != *call) && kept.len() < MAX_CALLS {
            kept.push(Call { call: call.clone(), answer: answer.clone(), usage });
        }
        answer
    }

    fn migrate(&self, slot: u32, from_version: u32, blob: &[u8]) -> Result<Vec<u8>, CallFailure> {
        self.loaded.migrate(slot, from_version, blob)
    }
}
