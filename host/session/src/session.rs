//! The session: takes inputs one after another, judges and decides in chunks, and commits what came of each chunk before
//! anything else hears of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign_audit::record::{Migration, TimePassed};
use countersign_audit::{ChainWriter, Record};
use countersign_generation::Generation;
use countersign_inputs::Processed;
use countersign_model::{
    Digest, DigestKey, HostNote, Intent, Patience, Place, RuleId, SourceId, SourceStanding, Timestamp,
};
use countersign_store::{Commit, MemoryChange, Store};
use countersign_stream::{Clock, Migrated, QuarantineThreshold, Sequenced, Tick};

use crate::activity::{Accounts, Counting};
use crate::chunk::{Changes, Chunk, Judges};
use crate::error::SessionError;
use crate::input::{Input, Swap, Taken};
use crate::kept::KeptRules;
use crate::ledger::{Ledger, Page};
use crate::report::{Line, Observer, Report};
use crate::resume::Fingerprints;
use crate::sequence::{Next, Sequencer, Turn};

/// The options of a session. Only `max_gap`, `quarantine`, `key` and `patience` affect what it decides or writes.
#[derive(Clone)]
pub struct SessionOptions {
    /// Maximum rows of a call; at least 1.
    pub batch: usize,
    /// Threads that judge; at least 1.
    pub workers: usize,
    /// How far ahead of earlier events an event's time may be, microseconds; further ahead it becomes a dead letter.
    pub max_gap: i64,
    /// When a rule goes into quarantine for a source.
    pub quarantine: QuarantineThreshold,
    /// The key of digests of content.
    pub key: DigestKey,
    /// How long what is judged may wait for its commit: several chunks share one, since a commit waits for the disk.
    pub commit_after: Duration,
    /// How long the records of these sources are waited for; the usual patience is that of the others.
    pub patience: Arc<BTreeMap<SourceId, Patience>>,
    /// Whether a sample of rows is judged on its own too though a batch said nothing about their keys.
    pub sample: bool,
}

impl SessionOptions {
    /// The default of `max_gap`: 24 hours.
    pub const MAX_GAP: i64 = 24 * 3_600 * 1_000_000;

    /// The default of `batch`.
    pub const BATCH: usize = 256;

    /// The default of `commit_after`: 50 milliseconds.
    pub const COMMIT_AFTER: Duration = Duration::from_millis(50);
}

impl Default for SessionOptions {
    fn default() -> Self {
        SessionOptions {
            batch: SessionOptions::BATCH,
            workers: std::thread::available_parallelism().map_or(1, usize::from).min(8),
            max_gap: SessionOptions::MAX_GAP,
            quarantine: QuarantineThreshold::default(),
            key: DigestKey::public(),
            commit_after: SessionOptions::COMMIT_AFTER,
            patience: Arc::default(),
            sample: true,
        }
    }
}

/// Maximum length of a chunk, batches: enough to fill the batches of rules that want few events, and few enough events to
/// stay in a processor's cache until they are freed (see docs/BENCHMARKS.md).
const MAX_BATCHES_PER_CHUNK: usize = 4;

/// Maximum of events and audit records that share a commit.
const MAX_PER_COMMIT: usize = 65_536;

/// What the blobs of audit records and the state that changed take, bytes, beyond which they aren't kept waiting for more to
/// share their commit.
const MAX_BYTES_PER_COMMIT: u64 = 64 << 20;

/// Minimum of events that are judged on several threads: fewer take less time than starting threads.
const MIN_EVENTS_FOR_THREADS: usize = 256;

/// Takes back events that are judged, so that they are freed where they were made.
pub(crate) type Reclaim<'s> = Box<dyn FnMut(Vec<Sequenced>) + 's>;

/// A session over a store. [`Session::resume`] begins one or goes on with one.
pub struct Session<'s> {
    pub(crate) store: &'s mut dyn Store,
    pub(crate) observer: &'s mut dyn Observer,
    pub(crate) options: SessionOptions,
    /// Whether the store keeps what a later session needs.
    pub(crate) keeps: bool,
    /// The end of the log.
    pub(crate) head: ChainWriter,
    pub(crate) sequencer: Sequencer,
    pub(crate) judges: Judges,
    pub(crate) ledger: Ledger,
    pub(crate) configuration: Digest,
    /// How far each input was processed when the session was resumed.
    pub(crate) resumed: Vec<Processed>,
    /// Where each input goes on, after what was taken.
    pub(crate) places: BTreeMap<u32, Processed>,
    /// Whether the inputs' ends are on record, and nothing came since.
    pub(crate) finished: bool,
    /// How many records were taken, of this session alone.
    pub(crate) records: u64,
    /// How many inputs of any kind had their turn, of all sessions.
    pub(crate) taken: u64,
    /// The place after the last of them that came of a recorder.
    pub(crate) place: Option<Place>,
    /// The same of those that are part of a commit.
    pub(crate) committed_place: Option<Place>,
    pub(crate) pending: Pending,
    pub(crate) fingerprints: Fingerprints,
    pub(crate) accounts: Accounts,
    pub(crate) reclaim: Option<Reclaim<'s>>,
    chunk: Chunk,
    /// When it was committed last.
    committed: Instant,
    /// How often it was committed, and how long that took in all.
    pub(crate) commits: (u64, Duration),
}

/// What the next commit has beside the page and the changes of rules.
#[derive(Default)]
pub(crate) struct Pending {
    /// Whether a tick came since the commit before.
    pub(crate) tick: bool,
    /// Inputs with records since.
    pub(crate) inputs: BTreeSet<u32>,
    /// Whether everything about all rules is to be stored.
    pub(crate) all_rules: bool,
    /// Changes of memory that are known already.
    pub(crate) memory: Vec<MemoryChange>,
    /// Fingerprints of the events taken since.
    pub(crate) fingerprints: Vec<u8>,
    /// Uses of accounts by them.
    pub(crate) activity: Counting,
    /// Lines that were received since, by the numbers of their records.
    pub(crate) received: Vec<u64>,
    /// Changes of what rules keep, by chunks that are judged.
    pub(crate) changes: Changes,
    /// What the changed state takes, bytes.
    pub(crate) bytes: u64,
    /// How many events are judged and not committed.
    pub(crate) judged: usize,
    /// Whether there is anything to commit although no record was taken.
    pub(crate) dirty: bool,
}

/// How far the stream was as of a commit.
pub(crate) struct Reached {
    pub(crate) clock: Clock,
    /// The position of the next event.
    pub(crate) position: u64,
    /// How many inputs of any kind had their turn.
    pub(crate) taken: u64,
    pub(crate) place: Option<Place>,
}

impl<'s> Session<'s> {
    pub(crate) fn from_parts(
        store: &'s mut dyn Store,
        observer: &'s mut dyn Observer,
        options: SessionOptions,
        generation: Arc<Generation>,
        number: u64,
    ) -> Result<Session<'s>, SessionError> {
        let (key, threshold) = (options.key.clone(), options.quarantine);
        Ok(Session {
            keeps: store.keeps(),
            head: store.head()?,
            sequencer: Sequencer::new(options.max_gap, Arc::clone(&options.patience)),
            judges: judges(&generation, &options),
            ledger: Ledger::new(generation, number, key, threshold),
            configuration: Digest([0; 32]),
            resumed: Vec::new(),
            places: BTreeMap::new(),
            finished: false,
            records: 0,
            taken: 0,
            place: None,
            committed_place: None,
            pending: Pending::default(),
            fingerprints: Fingerprints::default(),
            accounts: Accounts::default(),
            reclaim: None,
            chunk: Chunk::default(),
            committed: Instant::now(),
            commits: (0, Duration::ZERO),
            store,
            observer,
            options,
        })
    }

    /// How far each input was processed when the session was resumed, by ordinal: records after that are to be pushed.
    #[must_use]
    pub fn processed(&self) -> Vec<Processed> {
        self.resumed.clone()
    }

    /// How many inputs of any kind have had their turn, in this session and those before it.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Where the recorder of the inputs goes on after those that have had their turn, in this session and those before it;
    /// none if none came of a recorder. Once a session was resumed this is where to read on.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    /// The same of what is part of a commit: a recorder may forget what lies before.
    #[must_use]
    pub fn committed_place(&self) -> Option<Place> {
        self.committed_place
    }

    /// Whether an input that was pushed waits for its turn: an event for witnesses to its time.
    #[must_use]
    pub fn has_waiting(&self) -> bool {
        self.sequencer.has_waiting()
    }

    /// The end of the log.
    #[must_use]
    pub fn head(&self) -> ChainWriter {
        self.head
    }

    /// The number of the generation that serves.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.ledger.number()
    }

    /// Takes an input, and judges and commits whatever fills a chunk with it. What is pushed has its turn in this order,
    /// but not necessarily yet: an event may wait for witnesses to its time. So a record counts as processed only once
    /// [`processed`](Self::processed) of a later session says so.
    ///
    /// # Errors
    /// When something can't be committed, or the observer fails: then this session is over, and another may resume.
    pub fn push(&mut self, input: Input) -> Result<(), SessionError> {
        self.sequencer.push(input, None);
        self.take_turns()
    }

    /// The same for an input that comes of a recorder, with the place after it.
    ///
    /// # Errors
    /// As for [`Session::push`].
    pub fn push_from(&mut self, input: Input, after: Place) -> Result<(), SessionError> {
        self.sequencer.push(input, Some(after));
        self.take_turns()
    }

    /// Has another generation of the same sources serve from the next input on. No tick comes between: what is known since the last one goes
    /// on too, with state, timers and holds.
    ///
    /// # Errors
    /// As for [`Session::push`].
    pub fn swap(&mut self, generation: Arc<Generation>) -> Result<(), SessionError> {
        let patience = Arc::clone(&self.options.patience);
        let restored = KeptRules::default();
        self.push(Input::Generation(Swap { generation, number: None, patience, restored }))
    }

    /// Time passed by the host's own clock: what waits for witnesses for too long has its turn, timers fire, and
    /// everything that was taken is judged and committed.
    ///
    /// # Errors
    /// As for [`Session::push`].
    pub fn poll(&mut self, arrived: Timestamp) -> Result<(), SessionError> {
        self.push(Input::Time(arrived))?;
        self.commit()
    }

    /// Judges and commits everything that was taken.
    ///
    /// # Errors
    /// As for [`Session::push`].
    pub fn commit(&mut self) -> Result<(), SessionError> {
        self.flush(None)
    }

    /// Commits everything that was taken, and that lines were received: a later session doesn't pass them again.
    ///
    /// # Errors
    /// As for [`Session::push`].
    pub fn pause(&mut self) -> Result<(), SessionError> {
        self.flush(None)?;
        // The lines of the last commit were received.
        if self.keeps && !self.pending.received.is_empty() {
            self.pending.dirty = true;
            self.flush(None)?;
        }
        Ok(())
    }

    /// The inputs have ended, so many of them: what waits has its turn, their ends go on record, and everything is
    /// committed. More may be pushed later, by this session or another.
    ///
    /// # Errors
    /// As for [`Session::push`].
    pub fn finish(&mut self, inputs: u32) -> Result<Report, SessionError> {
        self.sequencer.end();
        self.take_turns()?;
        self.flush(None)?;
        if !self.finished {
            self.ledger.record_inputs(inputs);
            self.finished = true;
        }
        self.report()
    }

    /// Commits everything that was taken, and reports on it. The inputs haven't ended: what waits for witnesses goes on to.
    ///
    /// # Errors
    /// As for [`Session::push`].
    pub fn report(&mut self) -> Result<Report, SessionError> {
        self.pause()?;
        let mut chain = self.head;
        let head = chain.seal(&mut Vec::new()).map_err(countersign_store::StoreError::from)?;
        Ok(Report { summary: self.summary(), head, tally: self.judges.tally() })
    }

    fn take_turns(&mut self) -> Result<(), SessionError> {
        while let Some(turn) = self.sequencer.next() {
            match turn {
                Turn::Record { taken, before_tick, next } => self.take_record(taken, before_tick, next)?,
                Turn::Time(arrived, place) => self.pass_time(arrived, place)?,
                Turn::Generation(swap, place) => self.serve(swap, place)?,
                Turn::Source(standing, place) => self.hear(standing, place)?,
                Turn::Note(note, place) => self.note(note, place)?,
            }
        }
        Ok(())
    }

    fn take_record(&mut self, taken: Taken, before_tick: Option<Box<Clock>>, next: Next) -> Result<(), SessionError> {
        match next {
            Next::DeadLetter(letter) => {
                self.count(taken, false);
                self.chunk.dead_letters.push((self.sequencer.position(), letter));
            }
            Next::Duplicate(_) => {
                self.ledger.count_duplicate(taken.input);
                self.count(taken, true);
                self.chunk.duplicates += 1;
            }
            Next::Event { tick, event, id_reused } => {
                if let Some(tick) = tick {
                    // What is committed now knows nothing of this event yet, nor of its tick.
                    let clock = before_tick.map_or_else(|| self.sequencer.clock().clone(), |clock| *clock);
                    self.settle(Some(Reached {
                        clock,
                        position: event.position,
                        taken: self.taken,
                        place: self.place,
                    }))?;
                    self.tick(tick, event.position, event.clock);
                }
                self.count(taken, true);
                if self.keeps {
                    let now = self.sequencer.clock().now().unwrap_or(event.event.time);
                    self.pending.activity.add(&event.event, now);
                }
                self.ledger.summary.events += 1;
                self.ledger.summary.id_reused += u64::from(id_reused);
                self.chunk.events.push(event);
            }
        }
        if self.chunk.record_count() >= self.options.batch.max(1).saturating_mul(MAX_BATCHES_PER_CHUNK) {
            self.settle(None)?;
        }
        Ok(())
    }

    /// Counts a record whose turn has come; `is_event` says that it became one, if only again.
    fn count(&mut self, taken: Taken, is_event: bool) {
        self.advance(taken.place);
        self.ledger.count_record(&taken, is_event);
        if !self.keeps {
            return;
        }
        let place = self.places.entry(taken.input).or_default();
        place.records += 1;
        place.bookmark = taken.bookmark;
        (place.time, place.turned) = (taken.turn, taken.turned);
        place.content = Processed::content_after(&place.content, &taken.digest);
        self.pending.inputs.insert(taken.input);
        self.pending.remember(&taken);
    }

    /// An input had its turn, after which a recorder goes on at this place.
    fn advance(&mut self, place: Option<Place>) {
        self.finished = false;
        self.taken += 1;
        self.place = place.or(self.place);
    }

    fn tick(&mut self, tick: Tick, position: u64, clock: Timestamp) {
        self.judges.tick(tick, position, clock);
        self.ledger.tick(position, clock);
        self.pending.tick = true;
        // What they were at the tick before is of no use any more.
        self.pending.changes.baselines.clear();
    }

    /// Lets time pass, by ticks without events. Timers that are due at one get a position of their own.
    fn pass_time(&mut self, arrived: Timestamp, place: Option<Place>) -> Result<(), SessionError> {
        self.flush(None)?;
        self.advance(place);
        self.sequencer.arrive(arrived);
        let position = self.sequencer.position();
        self.ledger.page.records.push(Record::Time(TimePassed { position, at: arrived }));
        let ticks: Vec<Tick> = self.sequencer.clock().ticks_until(arrived).collect();
        for tick in ticks {
            self.sequencer.pass(tick);
            let clock = self.sequencer.clock().gate_clock().unwrap_or(tick.at).max(tick.at);
            self.tick(tick, self.sequencer.position(), clock);
            if self.judges.have_rows() {
                self.sequencer.take_position();
                self.judge()?;
            }
        }
        // One commit: a session that ends here has taken the input or not.
        self.flush(None)
    }

    /// Has a source stand otherwise from here on: what is decided from then on takes it into account.
    fn hear(&mut self, standing: SourceStanding, place: Option<Place>) -> Result<(), SessionError> {
        self.flush(None)?;
        self.advance(place);
        self.ledger.record_source(self.sequencer.position(), standing);
        self.flush(None)
    }

    /// Puts a note of the host on record.
    fn note(&mut self, note: HostNote, place: Option<Place>) -> Result<(), SessionError> {
        self.flush(None)?;
        self.advance(place);
        self.ledger.record_note(self.sequencer.position(), note);
        self.flush(None)
    }

    /// Has a generation serve from here on.
    fn serve(&mut self, swap: Swap, place: Option<Place>) -> Result<(), SessionError> {
        let Swap { generation, number, patience, restored } = swap;
        self.flush(None)?;
        self.advance(place);
        self.sequencer.set_patience(Arc::clone(&patience));
        self.options.patience = patience;
        let mut remembered = self.judges.take_remembered();
        if !restored.is_empty() {
            self.pending.tick = true;
            self.pending.changes.merge(restored.put(&mut remembered));
        }
        let number = number.unwrap_or(self.ledger.number() + 1);
        self.judges = judges(&generation, &self.options);
        let now = self.sequencer.clock().gate_clock().unwrap_or_default();
        let migrated = self.judges.hand_over(remembered, &generation.codes(), now, self.sequencer.position());
        self.ledger.set_holds(&self.judges);
        self.ledger.set_sources(&self.judges);
        self.begin_generation(generation, number)?;
        self.record_migrations(migrated);
        self.flush(None)
    }

    /// Puts a generation on record, from the next position on.
    pub(crate) fn begin_generation(&mut self, generation: Arc<Generation>, number: u64) -> Result<(), SessionError> {
        let position = self.sequencer.position();
        self.ledger.record_generation(generation, number, position)?;
        self.ledger.renew(position);
        self.configuration = self.ledger.configuration(&self.options)?;
        self.pending.all_rules = true;
        Ok(())
    }

    /// Puts on record what became of slots whose keys another version had written.
    pub(crate) fn record_migrations(&mut self, migrated: Vec<(RuleId, Migrated)>) {
        let position = self.sequencer.position();
        let Ledger { page, summary, .. } = &mut self.ledger;
        for (rule, counts) in migrated {
            for (all, count) in [(&mut summary.migrated_keys, counts.migrated), (&mut summary.lost_keys, counts.failed)]
            {
                if count > 0 {
                    *all.entry(rule.clone()).or_default() += count;
                }
            }
            page.records.push(Record::Migration(Migration {
                position,
                rule,
                slot: counts.slot,
                migrated: counts.migrated,
                failed: counts.failed,
            }));
        }
    }

    /// Judges what was taken, and commits what came of it unless more may share the commit. `reached` is how far the stream
    /// was, if it has gone on since.
    fn settle(&mut self, reached: Option<Reached>) -> Result<(), SessionError> {
        self.judge()?;
        let waiting = self.pending.judged.max(self.ledger.page.records.len());
        let bytes = self.pending.bytes + self.ledger.page.blobs.bytes();
        let full = waiting >= MAX_PER_COMMIT
            || bytes >= MAX_BYTES_PER_COMMIT
            || self.committed.elapsed() >= self.options.commit_after;
        if full { self.flush(reached) } else { Ok(()) }
    }

    /// Judges what was taken, commits what came of it, and passes the lines on. `reached` is how far the stream was, if it
    /// has gone on since.
    fn flush(&mut self, reached: Option<Reached>) -> Result<(), SessionError> {
        let idle = self.chunk.record_count() == 0 && self.ledger.page.is_empty() && !self.judges.have_rows();
        if idle && self.pending.judged == 0 && !self.pending.dirty {
            return Ok(());
        }
        let reached = reached.unwrap_or_else(|| Reached {
            clock: self.sequencer.clock().clone(),
            position: self.sequencer.position(),
            taken: self.taken,
            place: self.place,
        });
        self.judge()?;
        let page = std::mem::take(&mut self.ledger.page);
        let mut changes = std::mem::take(&mut self.pending.changes);
        changes.compact();
        let place = reached.place;
        let memory = if self.keeps { self.memory_changes(&page, &changes, reached)? } else { Vec::new() };
        self.write(&page, &changes, &memory)?;
        self.committed_place = place;
        self.committed = Instant::now();
        Ok(())
    }

    /// Judges what was taken; what comes of it is committed next.
    fn judge(&mut self) -> Result<(), SessionError> {
        let Chunk { events, dead_letters, duplicates } = std::mem::take(&mut self.chunk);
        let records = events.len() + dead_letters.len() + duplicates;
        self.records += records as u64;
        self.pending.judged += records;
        let workers = if events.len() < MIN_EVENTS_FOR_THREADS { 1 } else { self.options.workers };
        let (placed, changes) = self.judges.judge(&events, dead_letters, workers);
        self.ledger.add_sources(self.judges.take_new_sources());
        if self.keeps {
            self.pending.bytes += changes.state_bytes();
            self.pending.changes.merge(changes);
        }
        self.ledger.record_chunk(placed)?;
        if let Some(reclaim) = &mut self.reclaim {
            reclaim(events);
        }
        Ok(())
    }

    fn write(&mut self, page: &Page, changes: &Changes, memory: &[MemoryChange]) -> Result<(), SessionError> {
        let first = self.head.records();
        let number = |place: usize| first + place as u64;
        let intents: Vec<Intent> =
            page.intents.iter().map(|intent| intent.draft.clone().into_intent(number(intent.record))).collect();
        let began = Instant::now();
        self.head = self.store.commit(Commit {
            expected: self.head,
            records: &page.records,
            blobs: page.blobs.all(),
            findings: &page.findings,
            intents: &intents,
            tick: self.pending.tick,
            baselines: &changes.baselines,
            state: &changes.state,
            timers: &changes.timers,
            memory,
        })?;
        self.commits = (self.commits.0 + 1, self.commits.1 + began.elapsed());
        self.pending = Pending::default();
        // INVARIANT: nobody hears of anything before it is on record.
        self.pass_lines(page.lines.iter().map(|(place, line)| (number(*place), line)))?;
        Ok(self.observer.progress(self.records)?)
    }

    /// Passes lines on. That they were received is stored with the next commit.
    pub(crate) fn pass_lines<'l>(&mut self, lines: impl Iterator<Item = (u64, &'l Line)>) -> Result<(), SessionError> {
        let mut received = Vec::new();
        for (seq, line) in lines {
            line.pass(seq, self.observer)?;
            received.push(seq);
        }
        if !received.is_empty() {
            self.observer.received()?;
            self.pending.received.extend(received);
        }
        Ok(())
    }
}

/// The judges of a generation's rules.
pub(crate) fn judges(generation: &Generation, options: &SessionOptions) -> Judges {
    let judges = Judges::new(generation, options.batch, options.quarantine, &|rule| rule.loaded.clone());
    if options.sample { judges.with_sample(&options.key) } else { judges }
}
