//! A run over telemetry: records are read and put into sequence, judged chunk by chunk, decided, and committed.

use std::sync::mpsc::sync_channel;
use std::time::Instant;

use countersign_formats::Record;
use countersign_model::{DigestKey, Position, Timestamp};
use countersign_store::{Commit, Store, StoreError};
use countersign_stream::{QuarantineThreshold, Sequenced, Tick};

use crate::chunk::{Chunk, Judges};
use crate::ledger::{Ledger, Page};
use crate::report::{Observer, Report};
use crate::sequence::{Next, Sequencer};
use countersign_generation::Generation;

/// The options of a run. Only `max_gap`, `quarantine`, `until` and `key` affect what it decides or writes.
#[derive(Clone)]
pub struct RunOptions {
    /// Maximum rows of a call; at least 1.
    pub batch: usize,
    /// Threads that judge; at least 1. With more than one, another reads.
    pub workers: usize,
    /// How far ahead of earlier events an event's time may be, microseconds; further ahead it becomes a dead letter.
    pub max_gap: i64,
    /// When a rule goes into quarantine.
    pub quarantine: QuarantineThreshold,
    /// After the last record time passes up to here, and timers that are due by then fire. Without it, timers that aren't
    /// due when the records end are only counted.
    pub until: Option<Timestamp>,
    /// The key of digests of content.
    pub key: DigestKey,
    /// How many inputs the records come from.
    pub inputs: u32,
}

impl RunOptions {
    /// The default of `max_gap`: 24 hours.
    pub const MAX_GAP: i64 = 24 * 3_600 * 1_000_000;

    /// The default of `batch`.
    pub const BATCH: usize = 256;
}

impl Default for RunOptions {
    fn default() -> Self {
        RunOptions {
            batch: RunOptions::BATCH,
            workers: std::thread::available_parallelism().map_or(1, usize::from).min(8),
            max_gap: RunOptions::MAX_GAP,
            quarantine: QuarantineThreshold::default(),
            until: None,
            key: DigestKey::public(),
            inputs: 1,
        }
    }
}

/// Why a run ended early. What was committed before is complete.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A commit failed: then nothing that depends on it happens.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The observer failed.
    #[error("the output can't be written: {0}")]
    Observer(#[from] std::io::Error),
    /// A rule missed the deadline, and so did the canary.
    #[error(
        "this machine is stalled: `{0}` missed the deadline, and so did a call that takes milliseconds; \
         free the machine and run again"
    )]
    Stalled(countersign_model::RuleId),
    /// The bytes that a rule was loaded from can't be read again.
    #[error("the bytes of `{rule}` can't be read back from the temporary file that keeps them: {source}")]
    Rule {
        /// The rule.
        rule: countersign_model::RuleId,
        /// Why not.
        source: std::io::Error,
    },
    /// A bundle has no JSON form.
    #[error("a bundle can't be written as JSON: {0}")]
    Bundle(#[from] serde_json::Error),
}

/// Maximum length of a chunk, batches: enough to fill the batches of rules that want few events, and few enough events to
/// stay in a processor's cache until they are freed (see docs/BENCHMARKS.md).
const MAX_BATCHES_PER_CHUNK: usize = 4;

/// Minimum of events that are judged on several threads: fewer take less time than starting threads.
const MIN_EVENTS_FOR_THREADS: usize = 256;

/// Time after the last record passes in steps of this, microseconds, …
const STEP: i64 = 60 * 1_000_000;

/// … and at most so many, a month's; the rest passes at once.
const MAX_STEPS: usize = 31 * 24 * 60;

/// Records in one message from the thread that reads.
const PARCEL: usize = 256;

/// Maximum of such messages that wait.
const MAX_PARCELS: usize = 8;

/// Judges records to their end, and seals the audit file.
///
/// ```
/// use countersign_engine::{Engine, EngineConfig};
/// use countersign_generation::{Generation, Settings};
/// use countersign_session::{RunOptions, run};
/// use countersign_store::MemoryStore;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Engine::new(&EngineConfig::default())?;
/// // Rules' components, here none; faults has those that are refused, with every reason.
/// let (generation, faults) = Generation::load(&engine, 1, Vec::new(), Settings::shipped().expect("they ship"));
/// assert!(faults.is_empty());
/// // The records of some telemetry, here none.
/// let records = std::iter::empty();
/// let mut store = MemoryStore::new();
/// // The observer gets each decision as it is made; `()` ignores them.
/// let report = run(records, &generation, &mut store, &RunOptions::default(), &mut ())?;
/// assert_eq!(report.summary.findings, 0);
/// assert_eq!(countersign_audit::verify(store.audit(), None)?, report.head);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// When something can't be committed, or the observer fails. Faulty records and failing rules are no errors: they become
/// dead letters and rows set aside, and are reported.
pub fn run(
    records: impl Iterator<Item = Record> + Send,
    generation: &Generation,
    store: &mut dyn Store,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<Report, RunError> {
    let sequence = Sequencer::new(records, options.max_gap);
    if options.workers < 2 {
        return process(sequence, generation, store, options, observer, &mut drop);
    }
    std::thread::scope(|scope| {
        let (send, receive) = sync_channel::<Vec<Next>>(MAX_PARCELS);
        // Events are returned to be freed on the thread that allocated them: elsewhere allocators would lock.
        let (give_back, processed) = sync_channel::<Vec<Sequenced>>(MAX_PARCELS);
        scope.spawn(move || {
            let mut sequence = sequence;
            loop {
                processed.try_iter().for_each(drop);
                let parcel: Vec<Next> = sequence.by_ref().take(PARCEL).collect();
                // A failed send means that the run ended early.
                if parcel.is_empty() || send.send(parcel).is_err() {
                    return;
                }
            }
        });
        let sequence = receive.into_iter().flatten();
        process(sequence, generation, store, options, observer, &mut |events| drop(give_back.try_send(events)))
    })
}

fn process(
    sequence: impl Iterator<Item = Next>,
    generation: &Generation,
    store: &mut dyn Store,
    options: &RunOptions,
    observer: &mut dyn Observer,
    give_back: &mut dyn FnMut(Vec<Sequenced>),
) -> Result<Report, RunError> {
    let started = Instant::now();
    let mut run = RunState {
        ledger: Ledger::new(generation, options.key.clone(), options.quarantine)?,
        judges: Judges::new(generation, options.batch, options.quarantine, &|rule| rule.loaded.clone()),
        workers: options.workers,
        position: Position::default(),
        records: 0,
        store,
        observer,
        give_back,
    };
    let max_length = options.batch.max(1).saturating_mul(MAX_BATCHES_PER_CHUNK);
    let mut chunk = Chunk::default();
    let mut next_position = 0;
    let mut clock = None;
    for next in sequence {
        match next {
            Next::DeadLetter(letter) => {
                run.ledger.count_record(letter.input, letter.length, None);
                chunk.dead_letters.push((next_position, letter));
            }
            Next::Duplicate(raw) => {
                run.ledger.count_duplicate(&raw);
                chunk.duplicates += 1;
            }
            Next::Event { tick, event, id_reused } => {
                if let Some(tick) = tick {
                    run.flush(&mut chunk)?;
                    run.judges.tick(tick, event.position, event.clock);
                }
                let raw = &event.event.raw;
                run.ledger.count_record(raw.input, raw.length, Some(raw.digest));
                next_position = event.position + 1;
                clock = Some(event.clock);
                run.ledger.summary.events += 1;
                run.ledger.summary.id_reused += u64::from(id_reused);
                chunk.events.push(event);
            }
        }
        if chunk.len() >= max_length {
            run.flush(&mut chunk)?;
        }
    }
    run.flush(&mut chunk)?;
    if let (Some(clock), Some(until)) = (clock, options.until) {
        run.pass_time(clock, until, next_position)?;
    }
    run.ledger.record_inputs(options.inputs);
    run.flush(&mut chunk)?;
    let RunState { ledger, judges, store, .. } = run;
    let mut summary = ledger.summary;
    let rules = generation.detections.iter().map(|rule| rule.identity.id.clone());
    let nonzero = |counts: Vec<u64>| rules.clone().zip(counts).filter(|(_, count)| *count > 0).collect();
    summary.pending_timers = nonzero(judges.pending_timers().collect());
    summary.dropped_timers = nonzero(judges.dropped_timers().collect());
    summary.withheld_findings = nonzero(judges.withheld_findings().collect());
    summary.delivered = rules.clone().zip(judges.delivered()).collect();
    summary.forgotten = rules.clone().zip(judges.forgotten()).filter(|(_, slots)| !slots.is_empty()).collect();
    let head = store.seal()?;
    summary.seconds = started.elapsed().as_secs_f64();
    Ok(Report { summary, head, tally: judges.tally() })
}

/// The times of the ticks by which time passes from the clock at the last event.
pub fn tick_times(clock: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> {
    std::iter::successors(Some((0, clock.min(until))), move |(step, at)| {
        let next = if step + 1 < MAX_STEPS { at.plus_micros(STEP).min(until) } else { until };
        (*at < until).then_some((step + 1, next))
    })
    .map(|(_, at)| at)
}

/// The state of a run.
struct RunState<'r, 'g> {
    ledger: Ledger<'g>,
    judges: Judges,
    workers: usize,
    position: Position,
    records: u64,
    store: &'r mut dyn Store,
    observer: &'r mut dyn Observer,
    /// Takes back events that are processed.
    give_back: &'r mut dyn FnMut(Vec<Sequenced>),
}

impl RunState<'_, '_> {
    /// Lets time pass from the clock at the last event, by ticks without events. Timers that are due at one get a position
    /// of their own, after that of the last event.
    fn pass_time(&mut self, clock: Timestamp, until: Timestamp, mut position: u64) -> Result<(), RunError> {
        for at in tick_times(clock, until) {
            self.judges.tick(Tick { at }, position, clock.max(at));
            if self.judges.have_rows() {
                self.flush(&mut Chunk::default())?;
                position += 1;
            }
        }
        Ok(())
    }

    /// Judges a chunk and commits the results.
    fn flush(&mut self, chunk: &mut Chunk) -> Result<(), RunError> {
        let chunk = std::mem::take(chunk);
        self.records += chunk.len() as u64;
        if let Some(last) = chunk.events.last() {
            self.position.sequenced = last.position + 1;
        }
        self.position.inputs = self.ledger.records_per_input();
        let workers = if chunk.events.len() < MIN_EVENTS_FOR_THREADS { 1 } else { self.workers };
        let (placed, changes) = self.judges.judge(&chunk.events, chunk.dead_letters, workers);
        self.ledger.record_chunk(placed, self.observer)?;
        let Page { records, blobs, findings } = std::mem::take(&mut self.ledger.page);
        self.store.commit(Commit {
            records: &records,
            blobs: &blobs,
            findings: &findings,
            state: &changes.state,
            timers: &changes.timers,
            position: &self.position,
        })?;
        (self.give_back)(chunk.events);
        self.observer.progress(self.records);
        Ok(())
    }
}
