//! The thread that judges: takes what is recorded in its one order, and reports how far it has come.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign_inputs::Sources;
use countersign_logging::LogRate;
use countersign_model::{Patience, Place, SourceId, SourceStanding, Timestamp};
use countersign_recorder::{
    AppendError, HostInputKind, NewHostInput, RecordedBatch, RecordedHostInput, Recorder, RecorderError, RecorderReader,
};
use countersign_session::sequence::MAX_WAIT;
use countersign_session::{Input, Session, SessionError, SessionOptions, Standing, Swap};
use countersign_store::{SqliteStore, StoreError};

use crate::decoders::Decoders;
use crate::generations::{Generations, Last};
use crate::material::Built;
use crate::notes::note;
use crate::observer::LogObserver;
use crate::past::Past;
use crate::rollback::{kept, replaced};
use crate::shared::Shared;
use crate::walk::{BEGIN, Step, Walk};

/// How long no input comes until time itself is one, where an event waits for witnesses to its time.
const WITNESSES_AFTER: Duration = Duration::from_micros(MAX_WAIT.unsigned_abs() + 1);

/// The same where nothing waits.
const TICK_AFTER: Duration = Duration::from_secs(60);

/// How often the session is asked what it has done.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// How long is waited after an error, at first and at most.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Judges what a recorder has.
pub(crate) struct Judge {
    pub(crate) shared: Arc<Shared>,
    pub(crate) recorder: Recorder,
    pub(crate) generations: Arc<Generations>,
    pub(crate) store: PathBuf,
    pub(crate) past: Arc<Past>,
    pub(crate) options: SessionOptions,
}

/// Why judging stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JudgeError {
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    #[error(transparent)]
    Append(#[from] AppendError),
    /// What serves according to the recorder can't be built.
    #[error("generation {number} can't be built any more: {}", reasons.join("; "))]
    Generation {
        /// Its number.
        number: u64,
        /// Why.
        reasons: Vec<String>,
    },
    #[error("the recorder has no generation")]
    NoGeneration,
}

impl JudgeError {
    /// Whether another process has taken over.
    fn is_superseded(&self) -> bool {
        matches!(
            self,
            JudgeError::Session(SessionError::Store(StoreError::Superseded(_)))
                | JudgeError::Store(StoreError::Superseded(_))
                | JudgeError::Append(AppendError::Superseded)
        )
    }
}

impl Judge {
    /// Judges until the host is to stop, or another process has taken over. After any other error it goes on from what is
    /// committed.
    pub(crate) fn run(self) {
        let mut wait = RETRY.0;
        while !self.shared.is_stopping() {
            let started = Instant::now();
            let Err(error) = self.judge() else { return };
            let superseded = error.is_superseded();
            tracing::error!("judging stopped: {error}");
            self.shared.failed(&error, superseded);
            if superseded {
                return;
            }
            // What went well for a while begins anew.
            wait = if started.elapsed() > RETRY.1 * 2 { RETRY.0 } else { wait };
            self.recorder.wait(wait, |_| self.shared.is_stopping());
            wait = (wait * 2).min(RETRY.1);
        }
    }

    fn judge(&self) -> Result<(), JudgeError> {
        let mut store = SqliteStore::open(&self.store)?;
        self.shared.opened(store.epoch());
        let reader = self.recorder.reader()?;
        let standing = Standing::read(&store)?;
        let place = standing.and_then(|standing| standing.place).unwrap_or(BEGIN);
        let serving = self.serving(&reader, place)?;
        let Serving { number, built, .. } = &serving;
        let mut options = self.options.clone();
        options.patience = patience(&built.sources);
        let mut observer = LogObserver { counters: &self.shared.counters, rate: LogRate::new() };
        let numbered = (Arc::clone(&built.generation), Some(*number));
        let session = Session::resume_numbered(&mut store, numbered, options, &mut observer)?;
        let decoders = Decoders::new(built.sources.clone(), session.processed());
        self.serve(*number, built);
        self.recorder.wake();
        let walk = Walk::new(reader, place)?;
        let (heard, told) = (Instant::now(), None);
        let uncommitted = VecDeque::new();
        Judging { judge: self, walk, session, decoders, serving, heard, told, uncommitted }.run()
    }

    /// A generation serves: its sources have their shares.
    fn serve(&self, number: u64, built: &Arc<Built>) {
        self.recorder.share_among(built.sources.iter().map(|source| source.name().clone()).collect());
        self.shared.serves(number, built);
    }

    /// The generation that serves at a place.
    fn serving(&self, reader: &RecorderReader, place: Place) -> Result<Serving, JudgeError> {
        let last = self.generations.last(reader, place.host)?.ok_or(JudgeError::NoGeneration)?;
        let Last { input, number, built } = last;
        let built = built.map_err(|reasons| JudgeError::Generation { number, reasons })?;
        Ok(Serving { input, number, built })
    }
}

/// The generation that serves.
struct Serving {
    /// Which of the host's own inputs it is.
    input: u64,
    /// Its number.
    number: u64,
    built: Arc<Built>,
}

/// Judging, from a session's resumption on.
struct Judging<'j, 's> {
    judge: &'j Judge,
    /// Next is what lies at its place; what lies before was pushed.
    walk: Walk,
    session: Session<'s>,
    decoders: Decoders,
    serving: Serving,
    /// When the last input came.
    heard: Instant,
    /// When it was told last what the session has done.
    told: Option<Instant>,
    /// The batches that were pushed and aren't committed, with when they arrived and how many records they have.
    uncommitted: VecDeque<(u64, Timestamp, u32)>,
}

impl Judging<'_, '_> {
    fn run(mut self) -> Result<(), JudgeError> {
        // What an earlier process has committed.
        self.report();
        loop {
            if self.judge.shared.is_stopping() {
                self.session.pause()?;
                self.report();
                return Ok(());
            }
            if self.walk.place.within == 0 {
                self.stand_still()?;
                if self.judge.shared.is_stopping() {
                    // INVARIANT: what made it stand still may put an input before this batch.
                    continue;
                }
            }
            let recorder = &self.judge.recorder;
            let give_turn = |last, before| recorder.give_turn(last, before).map_err(JudgeError::from);
            match self.walk.next_turn(recorder.figures().last_host, give_turn)? {
                Some(Step::Host(input)) => self.take_host_input(&input)?,
                Some(Step::Batch(batch, name, taken)) => self.take_batch(&batch, &name, taken)?,
                None => self.idle()?,
            }
            self.report();
        }
    }

    /// Stands still for as long as somebody wants that.
    fn stand_still(&mut self) -> Result<(), JudgeError> {
        if !self.judge.shared.is_pause_wanted() {
            return Ok(());
        }
        self.session.commit()?;
        self.report();
        let shared = &self.judge.shared;
        while shared.is_pause_wanted() && !shared.is_stopping() {
            // Again where another one began meanwhile.
            shared.pause_at(self.walk.place);
            self.judge.recorder.wake();
            self.judge.recorder.wait(TICK_AFTER, |_| !shared.is_pause_wanted() || shared.is_stopping());
        }
        Ok(())
    }

    fn report(&mut self) {
        let records = self.session.head().records();
        if self.session.committed_place().is_none() {
            // The first generation is on record before anything has come.
            self.judge.shared.has_records(records);
        }
        if let Some(place) = self.session.committed_place() {
            self.judge.shared.committed(place, records);
            self.judge.recorder.judged(place);
            while let Some((_, arrived, records)) = self.uncommitted.pop_front_if(|(batch, ..)| *batch < place.batch) {
                let now = self.judge.recorder.now();
                let took = Duration::from_micros(now.micros_since(arrived).max(0).unsigned_abs());
                self.judge.shared.counters.durable.count(took, records.into());
            }
        }
        if self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            self.told = Some(Instant::now());
            self.judge.shared.set_figures(self.session.figures());
        }
    }

    /// Takes a batch after its first so many records, which were taken before the session was resumed.
    fn take_batch(&mut self, recorded: &RecordedBatch, name: &SourceId, taken: u32) -> Result<(), JudgeError> {
        let after_batch = self.walk.place;
        let Judging { session, decoders, .. } = self;
        let dead = decoders.dead();
        push_batch((session, decoders), recorded, (name, taken), after_batch)?;
        let shared = &self.judge.shared;
        shared.tally(name, recorded.batch.records.into(), self.decoders.dead() - dead);
        shared.counters.batches.count_records(recorded.batch.records);
        self.uncommitted.push_back((recorded.seq, recorded.arrived, recorded.batch.records));
        self.heard = Instant::now();
        Ok(())
    }

    fn take_host_input(&mut self, input: &RecordedHostInput) -> Result<(), JudgeError> {
        self.heard = Instant::now();
        let place = self.walk.place;
        match input.kind {
            HostInputKind::Time => {
                self.session.push_from(Input::Time(input.time()), place)?;
                self.session.commit()?;
            }
            HostInputKind::Generation => {
                let number = input.number;
                let fails = |reasons| JudgeError::Generation { number, reasons };
                let built = self.judge.generations.recorded(&self.walk.reader, input).map_err(fails)?;
                let Judge { store, past, options, .. } = self.judge;
                let ended = &self.serving;
                if !replaced(&built.generation, &ended.built.generation).is_empty() {
                    past.keep(store, (ended.input, ended.number), &options.key);
                }
                let restored = kept(&self.walk.reader, store.parent(), input).map_err(|why| fails(vec![why]))?;
                let (generation, patience) = (Arc::clone(&built.generation), patience(&built.sources));
                let swap = Swap { generation, number: Some(number), patience, restored };
                self.session.push_from(Input::Generation(swap), place)?;
                self.decoders.swap(built.sources.clone());
                self.judge.serve(number, &built);
                self.serving = Serving { input: input.seq, number, built };
            }
            HostInputKind::Source => {
                let Some(standing) = standing(input) else { return Ok(()) };
                self.session.push_from(Input::Source(standing), place)?;
            }
            HostInputKind::Note => {
                let Some(note) = note(input) else { return Ok(()) };
                self.session.push_from(Input::Note(note), place)?;
            }
            // Nothing puts these in yet.
            HostInputKind::Word | HostInputKind::Outcome => {}
        }
        Ok(())
    }

    /// Commits what was taken, and waits for more. Where none comes for a while, time itself becomes an input.
    fn idle(&mut self) -> Result<(), JudgeError> {
        self.session.commit()?;
        self.report();
        let longest = if self.session.has_waiting() { WITNESSES_AFTER } else { TICK_AFTER };
        let left = longest.saturating_sub(self.heard.elapsed());
        if left.is_zero() {
            let payload = self.judge.recorder.now().to_string().into_bytes();
            let (kind, before) = (HostInputKind::Time, Some(self.walk.place.batch));
            let (about, contents) = (None, Vec::new());
            self.judge.recorder.put(NewHostInput { kind, payload, about, contents, before })?;
            return Ok(());
        }
        let place = self.walk.place;
        let shared = &self.judge.shared;
        // What the session has done since it was told last is told soon.
        let untold = self.told.map_or(Duration::ZERO, |told| TELL_EVERY.saturating_sub(told.elapsed()));
        let left = if untold.is_zero() { left } else { left.min(untold) };
        self.judge.recorder.wait(left, |figures| {
            figures.last >= place.batch
                || figures.last_host > place.host
                || shared.is_pause_wanted()
                || shared.is_stopping()
        });
        Ok(())
    }
}

/// Pushes the records of a batch after its first so many. `after` is the place after all of it.
pub(crate) fn push_batch(
    (session, decoders): (&mut Session<'_>, &mut Decoders),
    recorded: &RecordedBatch,
    (name, taken): (&SourceId, u32),
    after: Place,
) -> Result<(), SessionError> {
    decoders.for_each(recorded, name, taken, |number, arrival| {
        let within = Place { batch: recorded.seq, within: number, ..after };
        session.push_from(Input::Record(arrival), if number >= recorded.batch.records { after } else { within })
    })
}

/// How a source stands, by an input on record; none where another version wrote it.
pub(crate) fn standing(input: &RecordedHostInput) -> Option<SourceStanding> {
    let standing = serde_json::from_slice(&input.payload);
    standing.inspect_err(|error| tracing::error!("host input {}: {error}: it is passed over", input.seq)).ok()
}

/// How long the records of sources are waited for.
pub(crate) fn patience(sources: &Sources) -> Arc<BTreeMap<SourceId, Patience>> {
    Arc::new(sources.iter().map(|source| (source.name().clone(), source.patience())).collect())
}
