//! Measures what rows cost a rule: time, fuel, memory, output and state, in calls of several sizes.
//!
//! The rows are those that the rule gets of some records: events that it wants, and findings of the rules that feed it.
//! They are repeated, each time as other events at later times, so that state expires and grows as it does in telemetry;
//! between two calls there is a tick. The number of keys stays the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use countersign_engine::{LoadedRule, Usage};
use countersign_inputs::Received;
use countersign_model::call::{CallFailure, DetectionAnswer, DetectionCall, Detector, FailureKind};
use countersign_model::response::ResponseCall;
use countersign_model::{Digest, Event, Patience};
use countersign_stream::{DeliveredFinding, OrderedOccasion, Placement, RuleStream, Sequenced, Tick, matches};

use countersign_generation::{Generation, Rule};
use countersign_session::SessionOptions;
use countersign_session::chunk::{Chunk, Item, Judges};
use countersign_session::sequence::{Next, sequence};

/// Time between two repetitions, microseconds.
const PAUSE: i64 = 60 * 1_000_000;

/// Maximum of rows that are repeated.
const MAX_ROWS: usize = 65_536;

/// The figures of calls of one size.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Rows of a call.
    pub batch: usize,
    /// Calls of that size that gave an answer. If there are none, all figures are 0.
    pub calls: u64,
    /// The time of a call divided by its rows, the median of all calls.
    pub time: Duration,
    /// The fuel of a call divided by its rows: the median of all calls, and the maximum.
    pub fuel: (u64, u64),
    /// The maximum fuel of a call.
    pub fuel_of_call: u64,
    /// The maximum memory of a call, bytes.
    pub memory: u64,
    /// The largest answer, bytes.
    pub output: u64,
    /// The largest state that a call left of a key, bytes, by slot in declared order.
    pub state: Vec<u64>,
    /// Calls of any size that failed, by kind; the rows of a failed batch were judged again.
    pub failures: BTreeMap<FailureKind, u64>,
}

/// One call.
struct Sample {
    rows: usize,
    time: Duration,
    usage: Usage,
    /// By slot, the largest blob of a key.
    state: Vec<u64>,
    failure: Option<FailureKind>,
}

/// Rows of a rule, ready to be repeated.
pub struct Rows<'g> {
    generation: &'g Generation,
    rule: &'g Rule,
    rows: Vec<Sequenced>,
}

impl<'g> Rows<'g> {
    /// Collects the rows that a rule of a generation gets of some telemetries, one after the other; at most 65,536 rows.
    #[must_use]
    pub fn collect(generation: &'g Generation, rule: &'g Rule, telemetries: Vec<Vec<Received>>) -> Rows<'g> {
        let mut rows: Vec<Sequenced> = Vec::new();
        for records in telemetries {
            let more = rows_for_rule(generation, rule, records);
            let shift = shift_after(rows.last(), more.first());
            let from = rows.len();
            let more = more.iter().zip(from..).map(|(row, position)| repeat_row(row, 0, position as u64, shift));
            rows.extend(more.take(MAX_ROWS - from.min(MAX_ROWS)));
        }
        Rows { generation, rule, rows }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Judges at least so many rows in calls of `batch` rows.
    #[must_use]
    pub fn measure(&self, batch: usize, min_rows: usize) -> Measured {
        let meter = Arc::new(Meter { loaded: Arc::clone(&self.rule.loaded), samples: Mutex::default() });
        let Rule { parameters, data, .. } = self.rule;
        let declaration = self.rule.declaration().clone();
        let slots = declaration.slots.len();
        let mut stream = RuleStream::new(declaration, meter.clone(), parameters.clone(), data.clone())
            .with_context(self.generation.context.clone());
        let (mut judged, mut round, mut shift) = (0, 0_u64, 0_i64);
        let mut waiting: Vec<Sequenced> = Vec::with_capacity(batch);
        while judged < min_rows && !self.rows.is_empty() {
            for row in &self.rows {
                waiting.push(repeat_row(row, round, judged as u64, shift));
                judged += 1;
                if waiting.len() >= batch {
                    judge_chunk(&mut stream, &mut waiting);
                }
            }
            round += 1;
            shift = shift.saturating_add(shift_after(self.rows.last(), self.rows.first()));
        }
        drop(stream);
        let samples = std::mem::take(&mut *meter.samples.lock().unwrap_or_else(PoisonError::into_inner));
        summarise(batch, slots, &samples)
    }
}

/// Measures a response rule, each call so many times.
#[must_use]
pub fn measure_responses(rule: &LoadedRule, calls: &[ResponseCall], times: usize) -> Measured {
    let mut samples = Vec::new();
    for call in std::iter::repeat_n(calls, times).flatten() {
        let started = Instant::now();
        let (answer, usage) = rule.measured_respond(call);
        let failure = answer.err().map(|failure| failure.kind);
        samples.push(Sample { rows: 1, time: started.elapsed(), usage, state: Vec::new(), failure });
    }
    summarise(1, 0, &samples)
}

/// The rows that a rule gets of records.
fn rows_for_rule(generation: &Generation, rule: &Rule, records: Vec<Received>) -> Vec<Sequenced> {
    let defaults = SessionOptions::default();
    let mut judges = Judges::new(generation, SessionOptions::BATCH, defaults.quarantine, &|rule| rule.loaded.clone());
    let declaration = rule.declaration();
    let mut rows = Vec::new();
    for next in sequence(records.into_iter(), defaults.max_gap) {
        let Next::Event { tick, event, .. } = next else { continue };
        if let Some(tick) = tick {
            judges.tick(tick, event.position, event.clock);
        }
        if matches(declaration, &event.event) {
            rows.push(event.clone());
        }
        if declaration.subscribes.is_empty() {
            continue;
        }
        let chunk = Chunk { events: vec![event], ..Chunk::default() };
        for placed in judges.judge(&chunk.events, chunk.dead_letters, 1).0 {
            let depth = placed.depth;
            if let Item::Finding(finding) = placed.item
                && declaration
                    .subscribes
                    .iter()
                    .any(|one| one.rule == finding.finding.rule && one.classes.contains(&finding.finding.signal_class))
            {
                rows.push(Sequenced::finding_row(&finding, depth));
            }
        }
    }
    rows
}

/// By how much a row must be moved in time to follow another, microseconds.
fn shift_after(last: Option<&Sequenced>, first: Option<&Sequenced>) -> i64 {
    last.zip(first).map_or(0, |(last, first)| last.clock.micros_since(first.event.time).saturating_add(PAUSE))
}

/// A row as another event, so much later.
fn repeat_row(row: &Sequenced, round: u64, position: u64, shift: i64) -> Sequenced {
    let mut event = Event::clone(&row.event);
    event.time = event.time.plus_micros(shift);
    event.ingest_time = event.ingest_time.plus_micros(shift);
    if round > 0 {
        event.id = Arc::from(format!("{}+{round}", event.id));
        event.raw.digest = Digest::of(&[event.raw.digest.0.as_slice(), &round.to_be_bytes()].concat());
    }
    let placement =
        Placement { watermark: row.watermark.plus_micros(shift), clock: row.clock.plus_micros(shift), late: row.late };
    let mut again = Sequenced::new(position, Arc::new(event), placement);
    again.occasion = match &row.occasion {
        OrderedOccasion::Finding(finding) => OrderedOccasion::Finding(Arc::new(DeliveredFinding {
            time: finding.time.plus_micros(shift),
            ..DeliveredFinding::clone(finding)
        })),
        other => other.clone(),
    };
    again
}

/// Judges one call's rows, then a tick with the timers that are due.
fn judge_chunk(stream: &mut RuleStream, waiting: &mut Vec<Sequenced>) {
    let rows = std::mem::take(waiting);
    drop(stream.judge(&rows.iter().collect::<Vec<_>>()));
    let Some(last) = rows.last() else { return };
    let tick = Tick { at: last.clock.plus_micros(-Patience::USUAL.lateness) };
    stream.tick(tick);
    let due = stream.due(tick, last.position, last.clock);
    if !due.is_empty() {
        drop(stream.judge(&due.iter().collect::<Vec<_>>()));
    }
}

fn summarise(batch: usize, slots: usize, samples: &[Sample]) -> Measured {
    let mut measured = Measured { batch, state: vec![0; slots], ..Measured::default() };
    let (mut times, mut fuels) = (Vec::new(), Vec::new());
    for sample in samples {
        if let Some(kind) = sample.failure {
            *measured.failures.entry(kind).or_default() += 1;
            continue;
        }
        // Output and state count for calls of any size: findings are made by one-row calls.
        measured.output = measured.output.max(sample.usage.output);
        measured.state.iter_mut().zip(&sample.state).for_each(|(max, bytes)| *max = (*max).max(*bytes));
        if sample.rows != batch {
            continue;
        }
        measured.calls += 1;
        measured.memory = measured.memory.max(sample.usage.memory);
        measured.fuel_of_call = measured.fuel_of_call.max(sample.usage.fuel);
        let rows = u32::try_from(sample.rows.max(1)).unwrap_or(u32::MAX);
        times.push(sample.time / rows);
        fuels.push(sample.usage.fuel / u64::from(rows));
    }
    measured.time = median(&mut times);
    measured.fuel = (median(&mut fuels), fuels.last().copied().unwrap_or_default());
    measured
}

/// The median of some values, which are sorted in place; the default without values.
fn median<T: Ord + Copy + Default>(values: &mut [T]) -> T {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Passes calls on, and records their cost.
struct Meter {
    loaded: Arc<LoadedRule>,
    samples: Mutex<Vec<Sample>>,
}

impl Detector for Meter {
    fn detect(&self, call: &DetectionCall) -> Result<DetectionAnswer, CallFailure> {
        let started = Instant::now();
        let (answer, usage) = self.loaded.measured_detect(call);
        let time = started.elapsed();
        let mut state = vec![0; call.state.len()];
        for changes in answer.iter().flat_map(|answer| &answer.states) {
            let blobs = changes.blob_offsets.iter().zip(changes.blob_offsets.iter().skip(1));
            let largest = blobs.map(|(from, to)| u64::from(to.saturating_sub(*from))).max().unwrap_or_default();
            if let Some(max) = usize::try_from(changes.slot).ok().and_then(|slot| state.get_mut(slot)) {
                *max = largest.max(*max);
            }
        }
        let failure = answer.as_ref().err().map(|failure| failure.kind);
        let sample = Sample { rows: call.batch.len(), time, usage, state, failure };
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
        answer
    }

    fn migrate(&self, slot: u32, from_version: u32, blob: &[u8]) -> Result<Vec<u8>, CallFailure> {
        self.loaded.migrate(slot, from_version, blob)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(rows: usize, fuel: u64, failure: Option<FailureKind>) -> Sample {
        let usage = Usage { fuel, memory: fuel * 2, output: fuel * 3 };
        Sample { rows, time: Duration::from_micros(fuel), usage, state: vec![fuel, 1], failure }
    }

    #[test]
    fn figures_count_calls_of_the_size_that_gave_an_answer() {
        let samples = [
            sample(4, 40, None),
            sample(4, 80, None),
            sample(4, 800, None),
            sample(1, 900, None),
            sample(4, 5_000, Some(FailureKind::FuelExhausted)),
        ];
        let measured = summarise(4, 2, &samples);
        assert_eq!((measured.calls, measured.fuel, measured.fuel_of_call), (3, (20, 200), 800));
        assert_eq!((measured.time, measured.memory), (Duration::from_micros(20), 1_600));
        assert_eq!((measured.output, measured.state), (2_700, vec![900, 1]), "also of calls of one row");
        assert_eq!(measured.failures, BTreeMap::from([(FailureKind::FuelExhausted, 1)]));
        assert_eq!(summarise(4, 0, &[]).fuel, (0, 0));
    }
}
