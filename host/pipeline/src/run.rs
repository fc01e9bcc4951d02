//! A run over telemetry: records are read and put into sequence, judged stretch by stretch, decided, and committed.

use std::sync::mpsc::sync_channel;
use std::time::Instant;

use countersign_formats::Record;
use countersign_model::{DigestKey, Position, Timestamp};
use countersign_store::{Commit, Store, StoreError};
use countersign_stream::{QuarantineThreshold, Sequenced, Tick};

use crate::chunk::{Chunk, Judges};
use crate::generation::Generation;
use crate::ledger::{Ledger, Page};
use crate::report::{Observer, Report};
use crate::sequence::{Next, Sequencer};

/// How a run goes. Nothing here but `max_gap`, `quarantine`, `until` and `key` shows in what it decides or writes.
#[derive(Clone)]
pub struct RunOptions {
    /// Most rows of a call; at least 1.
    pub batch: usize,
    /// Threads that judge; at least 1. With more than one, another reads.
    pub workers: usize,
    /// How far ahead of what was seen an event's time may lie, microseconds.
    pub max_gap: i64,
    /// When a rule goes into quarantine.
    pub quarantine: QuarantineThreshold,
    /// After the last record time passes up to here: timers that are due by then come. Without it, what isn't due when
    /// the records end is only counted.
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

/// Why a run ended early. What was committed before is whole.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It couldn't be committed: then nothing that depends on it happens.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Whoever listens couldn't be told.
    #[error("what was decided can't be told: {0}")]
    Observer(#[from] std::io::Error),
    /// A rule missed the wall-clock deadline, and so did the canary.
    #[error(
        "this machine is stalled: `{0}` missed the wall-clock deadline, and so did a call that takes milliseconds; \
         free the machine and run again"
    )]
    Stalled(countersign_model::RuleId),
    /// The bytes that a rule was loaded from can't be had again.
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

/// A stretch is at most so many batches long: enough to fill the batches of rules that want few events, and not more
/// events than stay in a processor's cache until they are let go of (see docs/BENCHMARKS.md).
const BATCHES: usize = 4;

/// Judging fewer events than this takes less time than starting threads for it.
const WORTH_THREADS: usize = 256;

/// Time that passes after the last record is cut into so much, microseconds, …
const STEP: i64 = 60 * 1_000_000;

/// … as long as there aren't more steps than a month has; the rest passes at once.
const STEPS: usize = 31 * 24 * 60;

/// Records on their way from the thread that reads.
const PARCEL: usize = 256;
const PARCELS: usize = 8;

/// Judges records to their end, and seals the audit file.
///
/// # Errors
/// When something can't be committed or told. Faulty records and rules are no errors: they are set aside and told.
pub fn run(
    records: impl Iterator<Item = Record> + Send,
    generation: &Generation,
    store: &mut dyn Store,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<Report, RunError> {
    let sequence = Sequencer::new(records, options.max_gap);
    if options.workers < 2 {
        return work_off(sequence, generation, store, options, observer, &mut drop);
    }
    std::thread::scope(|scope| {
        let (send, receive) = sync_channel::<Vec<Next>>(PARCELS);
        // Events go back to be dropped where they were made: allocators make other threads wait for that.
        let (give_back, worked_off) = sync_channel::<Vec<Sequenced>>(PARCELS);
        scope.spawn(move || {
            let mut sequence = sequence;
            loop {
                worked_off.try_iter().for_each(drop);
                let parcel: Vec<Next> = sequence.by_ref().take(PARCEL).collect();
                // Nobody receives any more: the run ended early.
                if parcel.is_empty() || send.send(parcel).is_err() {
                    return;
                }
            }
        });
        let sequence = receive.into_iter().flatten();
        work_off(sequence, generation, store, options, observer, &mut |events| drop(give_back.try_send(events)))
    })
}

fn work_off(
    sequence: impl Iterator<Item = Next>,
    generation: &Generation,
    store: &mut dyn Store,
    options: &RunOptions,
    observer: &mut dyn Observer,
    give_back: &mut dyn FnMut(Vec<Sequenced>),
) -> Result<Report, RunError> {
    let started = Instant::now();
    let mut run = Run {
        ledger: Ledger::new(generation, options.key.clone(), options.quarantine)?,
        judges: Judges::new(generation, options.batch, options.quarantine, &|rule| rule.loaded.clone()),
        workers: options.workers,
        position: Position::default(),
        records: 0,
        store,
        observer,
        give_back,
    };
    let longest = options.batch.max(1).saturating_mul(BATCHES);
    let mut chunk = Chunk::default();
    let mut next_position = 0;
    let mut clock = None;
    for next in sequence {
        match next {
            Next::SetAside(letter) => {
                run.ledger.read(letter.input, letter.length, None);
                chunk.dead.push((next_position, letter));
            }
            Next::Duplicate(raw) => {
                run.ledger.duplicate(&raw);
                chunk.duplicates += 1;
            }
            Next::Event { tick, event, id_reused } => {
                if let Some(tick) = tick {
                    run.flush(&mut chunk)?;
                    run.judges.tick(tick, event.position, event.clock);
                }
                let raw = &event.event.raw;
                run.ledger.read(raw.input, raw.length, Some(raw.digest));
                next_position = event.position + 1;
                clock = Some(event.clock);
                run.ledger.summary.events += 1;
                run.ledger.summary.id_reused += u64::from(id_reused);
                chunk.events.push(event);
            }
        }
        if chunk.len() >= longest {
            run.flush(&mut chunk)?;
        }
    }
    run.flush(&mut chunk)?;
    if let (Some(clock), Some(until)) = (clock, options.until) {
        run.pass(clock, until, next_position)?;
    }
    run.ledger.close(options.inputs);
    run.flush(&mut chunk)?;
    let Run { ledger, judges, store, .. } = run;
    let mut summary = ledger.summary;
    let rules = generation.detections.iter().map(|rule| rule.identity.id.clone());
    let some = |counts: Vec<u64>| rules.clone().zip(counts).filter(|(_, count)| *count > 0).collect();
    summary.pending_timers = some(judges.pending_timers().collect());
    summary.dropped_timers = some(judges.dropped_timers().collect());
    summary.withheld_findings = some(judges.withheld_findings().collect());
    summary.delivered = rules.clone().zip(judges.delivered()).collect();
    summary.forgotten = rules.clone().zip(judges.forgotten()).filter(|(_, slots)| !slots.is_empty()).collect();
    let head = store.seal()?;
    summary.seconds = started.elapsed().as_secs_f64();
    Ok(Report { summary, head, tally: judges.tally() })
}

/// The ticks by which time passes from the clock at the last event.
pub(crate) fn steps(clock: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> {
    std::iter::successors(Some((0, clock.min(until))), move |(step, at)| {
        let next = if step + 1 < STEPS { at.plus_micros(STEP).min(until) } else { until };
        (*at < until).then_some((step + 1, next))
    })
    .map(|(_, at)| at)
}

struct Run<'r, 'g> {
    ledger: Ledger<'g>,
    judges: Judges,
    workers: usize,
    position: Position,
    records: u64,
    store: &'r mut dyn Store,
    observer: &'r mut dyn Observer,
    /// Takes events that are worked off.
    give_back: &'r mut dyn FnMut(Vec<Sequenced>),
}

impl Run<'_, '_> {
    /// Lets time pass from the clock at the last event, by ticks that no event brings. Timers that are due at one have a
    /// position of their own, past that of the last event.
    fn pass(&mut self, clock: Timestamp, until: Timestamp, mut position: u64) -> Result<(), RunError> {
        for at in steps(clock, until) {
            self.judges.tick(Tick { at }, position, clock.max(at));
            if self.judges.have_rows() {
                self.flush(&mut Chunk::default())?;
                position += 1;
            }
        }
        Ok(())
    }

    /// Judges a stretch and commits what came of it.
    fn flush(&mut self, chunk: &mut Chunk) -> Result<(), RunError> {
        let chunk = std::mem::take(chunk);
        self.records += chunk.len() as u64;
        if let Some(last) = chunk.events.last() {
            self.position.sequenced = last.position + 1;
        }
        self.position.inputs = self.ledger.read_of_inputs();
        let workers = if chunk.events.len() < WORTH_THREADS { 1 } else { self.workers };
        let (placed, changes) = self.judges.judge(&chunk.events, chunk.dead, workers);
        self.ledger.enter(placed, self.observer)?;
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
