//! A trial: the generation that serves and a candidate judge the same recorded past, each from empty state, and what they
//! make of it is compared. Nothing of it is stored, and the one that serves goes on undisturbed.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use countersign_model::time::format_duration;
use countersign_model::{SourceId, Timestamp};
use countersign_recorder::{HostInputKind, RecordedBatch, RecorderError, RecorderReader};
use countersign_session::{Input, Session, SessionError, SessionOptions};
use countersign_store::HeadStore;
use serde::{Deserialize, Serialize};

use super::compared::{Compared, Comparison, Heard, Side};
use super::rules::differing;
use crate::decoders::{Decoders, names};
use crate::judge::patience;
use crate::material::Built;

/// Batches that are judged at most.
const MAX_BATCHES: u64 = 100_000;

/// How long a trial takes at most.
const LONGEST: Duration = Duration::from_secs(300);

/// Records after which both commit, so that what both made is forgotten.
const PER_COMMIT: u64 = 4_096;

/// The longest rest after a batch.
const LONGEST_REST: Duration = Duration::from_millis(200);

/// What a trial showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// How much of the recorded past was asked for, such as `24h`.
    pub asked: String,
    /// How much is on record.
    pub recorded: String,
    /// Whether that is enough. If not, all of it was judged.
    pub enough: bool,
    /// How long before it judging began, so that rules have state: what was found then doesn't count.
    pub warm_up: String,
    /// When the first record that counts arrived; none if there is none.
    pub from: Option<Timestamp>,
    /// When the last one did.
    pub to: Option<Timestamp>,
    /// Records that were judged, those of the warm-up too.
    pub records: u64,
    /// Why less was judged than asked for and recorded, if so.
    pub cut_short: Option<String>,
    /// Findings.
    pub findings: Compared,
    /// Decisions.
    pub decisions: Compared,
}

/// Why a trial has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrialError {
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error("the host is stopping")]
    Stopping,
}

/// A trial, before it begins.
pub(crate) struct Trial<'t> {
    pub(crate) reader: &'t RecorderReader,
    /// The last batch of it.
    pub(crate) last: u64,
    pub(crate) serving: &'t Built,
    pub(crate) candidate: &'t Built,
    /// How the host judges.
    pub(crate) options: SessionOptions,
    /// How much of the recorded past, microseconds of arrival.
    pub(crate) length: i64,
    /// Whether the host is to stop.
    pub(crate) is_stopping: &'t dyn Fn() -> bool,
    /// Whether the host has records to judge, which go first.
    pub(crate) is_behind: &'t dyn Fn() -> bool,
}

/// Which batches are judged.
struct Window {
    /// The first, which warms up.
    first: u64,
    /// The first that counts.
    counts: u64,
    behaviour: Behaviour,
}

impl Trial<'_> {
    /// Judges the past with both.
    pub(crate) fn run(&self) -> Result<Behaviour, TrialError> {
        let Window { first, counts, mut behaviour } = self.window()?;
        let names = names(self.reader)?;
        let comparison = RefCell::new(Comparison::default());
        let (mut stores, mut hearing) = (
            (HeadStore::new(), HeadStore::new()),
            (Heard::new(Side::Serving, &comparison), Heard::new(Side::Candidate, &comparison)),
        );
        let mut both = [
            Judging::new(self.serving, &self.options, &mut stores.0, &mut hearing.0)?,
            Judging::new(self.candidate, &self.options, &mut stores.1, &mut hearing.1)?,
        ];
        let (started, mut uncommitted) = (Instant::now(), 0);
        for seq in first..=self.last {
            if (self.is_stopping)() {
                return Err(TrialError::Stopping);
            }
            if seq == counts {
                both.iter_mut().try_for_each(|one| one.session.commit())?;
                comparison.borrow_mut().counts = true;
            }
            let cut_short = if started.elapsed() > LONGEST {
                Some(format!("it took longer than {} s", LONGEST.as_secs()))
            } else {
                comparison.borrow().is_full().then(|| "more differs than can be held".to_owned())
            };
            if cut_short.is_some() {
                behaviour.to = self.reader.arrived(seq - 1)?;
                behaviour.cut_short = cut_short;
                break;
            }
            let began = Instant::now();
            self.pass_time(seq, &mut both)?;
            let Some(batch) = self.reader.batch(seq)? else { break };
            let name = names.get(&batch.source).cloned().unwrap_or_else(|| SourceId::from("unknown"));
            both.iter_mut().try_for_each(|one| one.take(&batch, &name))?;
            let records = u64::from(batch.batch.records);
            behaviour.records += records;
            uncommitted += records;
            if uncommitted >= PER_COMMIT {
                both.iter_mut().try_for_each(|one| one.session.commit())?;
                uncommitted = 0;
            }
            if (self.is_behind)() {
                std::thread::sleep(began.elapsed().min(LONGEST_REST));
            }
        }
        if behaviour.cut_short.is_none() {
            self.pass_time(self.last + 1, &mut both)?;
        }
        for one in both {
            let Judging { mut session, .. } = one;
            session.finish(0)?;
        }
        drop(hearing);
        (behaviour.findings, behaviour.decisions) = comparison.into_inner().finish();
        Ok(behaviour)
    }

    /// Time that passed before a batch, by the host's clock.
    fn pass_time(&self, seq: u64, both: &mut [Judging<'_>]) -> Result<(), TrialError> {
        for input in self.reader.host_inputs_at(seq)? {
            // Both judge all of it: what served then doesn't matter.
            if input.kind == HostInputKind::Time {
                both.iter_mut().try_for_each(|one| one.session.push(Input::Time(input.time())))?;
            }
        }
        Ok(())
    }

    fn window(&self) -> Result<Window, TrialError> {
        let mut behaviour = Behaviour {
            asked: shown(self.length),
            recorded: shown(0),
            enough: false,
            warm_up: shown(0),
            from: None,
            to: None,
            records: 0,
            cut_short: None,
            findings: Compared::default(),
            decisions: Compared::default(),
        };
        let mut first = self.reader.first()?;
        let (oldest, newest) = (self.reader.arrived(first)?, self.reader.arrived(self.last)?);
        let (Some(oldest), Some(newest)) = (oldest, newest) else {
            return Ok(Window { first: self.last + 1, counts: self.last + 1, behaviour });
        };
        behaviour.recorded = shown(newest.micros_since(oldest));
        let from = newest.plus_micros(self.length.saturating_neg());
        behaviour.enough = oldest <= from;
        if let Some(capped) = (self.last + 1).checked_sub(MAX_BATCHES).filter(|capped| *capped > first) {
            first = capped;
            let wanted = from.plus_micros(self.warm_up().saturating_neg());
            if self.reader.arrived(first)?.is_some_and(|arrived| arrived > wanted) {
                behaviour.cut_short = Some(format!("only the last {MAX_BATCHES} batches were judged"));
            }
        }
        let counts = self.first_since(first, from)?;
        let warm = self.first_since(first, from.plus_micros(self.warm_up().saturating_neg()))?;
        let (counted, warmed) = (self.reader.arrived(counts)?, self.reader.arrived(warm)?);
        if let (Some(counted), Some(warmed)) = (counted, warmed) {
            behaviour.warm_up = shown(counted.micros_since(warmed));
        }
        (behaviour.from, behaviour.to) = (counted, Some(newest));
        Ok(Window { first: warm, counts, behaviour })
    }

    /// The first batch from `first` on that arrived then or later. Batches are in the order of their arrival.
    fn first_since(&self, first: u64, time: Timestamp) -> Result<u64, TrialError> {
        let (mut low, mut high) = (first, self.last);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.reader.arrived(middle)? {
                Some(arrived) if arrived < time => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    /// As long as state of the rules that differ lives, but at most as long as the trial, microseconds.
    fn warm_up(&self) -> i64 {
        let differing = differing(&self.serving.generation, &self.candidate.generation);
        let lives = differing.into_iter().flat_map(|rule| {
            let declaration = rule.declaration();
            let slots = declaration.slots.iter().map(|slot| slot.ttl);
            slots.chain(declaration.timers.iter().map(|timers| timers.longest)).collect::<Vec<_>>()
        });
        lives.max().unwrap_or_default().min(self.length)
    }
}

/// One of them, judging.
struct Judging<'s> {
    session: Session<'s>,
    decoders: Decoders,
}

impl<'s> Judging<'s> {
    fn new(
        built: &Built,
        options: &SessionOptions,
        store: &'s mut HeadStore,
        hearing: &'s mut Heard<'_>,
    ) -> Result<Judging<'s>, TrialError> {
        // One thread of its own: those of the host have the host's work.
        let options = SessionOptions { workers: 1, patience: patience(&built.sources), ..options.clone() };
        let session = Session::resume(store, std::sync::Arc::clone(&built.generation), options, hearing)?;
        Ok(Judging { session, decoders: Decoders::new(built.sources.clone(), Vec::new()) })
    }

    fn take(&mut self, recorded: &RecordedBatch, name: &SourceId) -> Result<(), SessionError> {
        let Judging { session, decoders } = self;
        decoders.for_each(recorded, name, 0, |_, arrival| session.push(Input::Record(arrival)))
    }
}

/// A duration in whole seconds, where it has one.
fn shown(micros: i64) -> String {
    const SECOND: i64 = 1_000_000;
    format_duration(if micros >= SECOND { micros - micros % SECOND } else { micros.max(0) })
}
