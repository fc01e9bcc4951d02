//! The thread that keeps the audit log: signs it, cuts it into segments, and drops those that are too old.
//!
//! It writes beside the thread that judges, in small transactions. What is judged doesn't depend on it: checkpoints lie
//! beside the chain, so that a recorded day gives the same log again whenever it was signed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use countersign_model::time::format_duration;
use countersign_model::{HostNote, SignedNote, Timestamp};
use countersign_recorder::Recorder;
use countersign_signing::{PublicKey, SecretKey};
use countersign_store::{LogKeeper, StoreError, Stored as _};
use serde::Serialize;

use crate::checkpoints::{Growing, KeepError, Says, opened};
use crate::host_key::HostKey;
use crate::notes;
use crate::remembered::Remembered;
use crate::shared::Shared;

/// A segment ends when it has so many records, or is so old.
const SEGMENT: (u64, i64) = (65_536, 86_400 * 1_000_000);

/// How long a record stays unsigned at most, while the host runs.
const UNSIGNED: Duration = Duration::from_secs(60);

/// How often it is looked whether there is something to do, and how long is waited between two steps of what there is.
const LOOK: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(20);

/// Nothing is dropped before the process has run for so long: whoever starts it with a wrong clock has time to notice.
const SETTLED: Duration = Duration::from_secs(3_600);

/// A clock that moved by so much more than time did, microseconds, isn't believed: nothing is dropped by it.
const STEPPED: i64 = 3_600 * 1_000_000;

/// How the audit log is kept.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Audited {
    /// The key that signs it; none if nothing can be signed.
    pub key: Option<PublicKey>,
    /// The first record that is kept.
    pub first: u64,
    /// All records before this number are signed.
    pub signed: u64,
    /// When they were.
    pub at: Option<Timestamp>,
    /// How many segments have ended.
    pub segments: u64,
    /// What is wrong, with what to do.
    pub problem: Option<String>,
}

/// Keeps a log.
pub(crate) struct Keeper {
    pub(crate) shared: Arc<Shared>,
    pub(crate) recorder: Recorder,
    pub(crate) store: PathBuf,
    pub(crate) key: Option<SecretKey>,
    /// How old segments become, microseconds; none for ever.
    pub(crate) keep: Option<i64>,
    /// The system's clock. Checkpoints have the host's time; what is dropped is too old by both.
    pub(crate) clock: fn() -> Timestamp,
    pub(crate) work: Mutex<Work>,
}

/// What is known from one step to the next.
pub(crate) struct Work {
    keeper: Option<(i64, LogKeeper)>,
    /// When it was signed last by this process.
    signed: Option<Instant>,
    remembered: Option<Remembered>,
    /// How far the log was signed, as the recorder remembers it.
    noted: Option<SignedNote>,
    /// Why the log isn't as it was signed, as it is on record and hasn't ended.
    accused: Option<String>,
    time: Time,
}

/// How far the host's time is believed where something is dropped by it.
struct Time {
    began: (Instant, Timestamp),
    /// It was said that it isn't.
    said: bool,
}

impl Time {
    /// Whether something may be dropped: the process has run for a while, and the time didn't step ahead.
    fn is_believed(&mut self, now: Timestamp) -> bool {
        let (began, time) = self.began;
        let elapsed = began.elapsed();
        let passed = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX);
        let stepped = now.micros_since(time).saturating_sub(passed) > STEPPED;
        if stepped && !self.said {
            tracing::warn!(
                "the clock was set ahead: nothing of the audit log is dropped until the host is started again"
            );
        }
        self.said |= stepped;
        elapsed >= SETTLED && !self.said
    }
}

impl Work {
    pub(crate) fn new(now: Timestamp, (noted, accused): (Option<SignedNote>, Option<String>)) -> Work {
        let time = Time { began: (Instant::now(), now), said: false };
        Work { keeper: None, signed: None, remembered: None, noted, accused, time }
    }
}

impl Keeper {
    /// A keeper with the key as it was at the start.
    pub(crate) fn new(
        (shared, recorder): (&Arc<Shared>, &Recorder),
        store: PathBuf,
        key: HostKey,
        noted: (Option<SignedNote>, Option<String>),
        (keep, clock): (Option<i64>, fn() -> Timestamp),
    ) -> Keeper {
        let (shared, recorder) = (Arc::clone(shared), recorder.clone());
        let public = key.key.as_ref().map(SecretKey::public);
        if let Some(problem) = &key.problem {
            tracing::error!("{problem}");
        }
        let tampered = key.problem.clone().filter(|_| key.not_as_signed);
        shared.audit(|audited| (audited.key, audited.problem) = (public, key.problem));
        let work = Mutex::new(Work::new(recorder.now(), noted));
        let keeper = Keeper { shared, recorder, store, key: key.key, keep, clock, work };
        if let Some(why) = tampered {
            keeper.accuse(&mut keeper.work.lock().unwrap_or_else(PoisonError::into_inner), why);
        }
        keeper
    }

    /// Keeps it until the host is to stop.
    pub(crate) fn run(&self) {
        while !self.shared.is_stopping() {
            let wait = if self.step(false) { STEP } else { LOOK };
            self.recorder.wait(wait, |_| self.shared.is_stopping());
        }
    }

    /// Signs all that is there, once nothing more comes.
    pub(crate) fn finish(&self) {
        self.step(true);
    }

    /// Does what there is to do, a bit of it. Whether there is more.
    fn step(&self, is_last: bool) -> bool {
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        match self.try_step(&mut work, is_last) {
            Ok(more) => more,
            // The thread that judges says so.
            Err(KeepError::Store(StoreError::Superseded(_))) => {
                work.keeper = None;
                false
            }
            Err(error) => {
                let problem = error.to_string();
                if matches!(error, KeepError::Checkpoint { .. } | KeepError::NotAsSigned { .. }) {
                    self.accuse(&mut work, problem.clone());
                }
                self.shared.audit(|audited| {
                    if audited.problem.as_ref() != Some(&problem) {
                        tracing::error!("the audit log isn't signed: {problem}");
                    }
                    audited.problem = Some(problem);
                });
                work.keeper = None;
                false
            }
        }
    }

    /// Puts on record that the log isn't as it was signed, once for each reason.
    fn accuse(&self, work: &mut Work, why: String) {
        if work.accused.as_ref() == Some(&why) {
            return;
        }
        match notes::put(&self.recorder, &HostNote::NotAsSigned { why: why.clone() }) {
            Ok(()) => work.accused = Some(why),
            Err(error) => tracing::error!("that the log isn't as it was signed isn't on record: {error}"),
        }
    }

    /// Has the recorder remember how far the log was signed: who takes checkpoints away has to change it too.
    fn note(&self, noted: &mut Option<SignedNote>, growing: &Growing) {
        let Some(signed) = growing.signed().filter(|signed| noted.as_ref() != Some(signed)) else { return };
        match notes::set_signed(&self.recorder, &signed) {
            Ok(()) => *noted = Some(signed),
            Err(error) => tracing::error!("how far the log was signed isn't on record: {error}"),
        }
    }

    fn try_step(&self, work: &mut Work, is_last: bool) -> Result<bool, KeepError> {
        let Some(epoch) = self.shared.epoch() else { return Ok(false) };
        let keeper = match &mut work.keeper {
            Some((known, keeper)) if *known == epoch => keeper,
            other => &mut other.insert((epoch, LogKeeper::open(&self.store, epoch)?)).1,
        };
        let Some(key) = &self.key else { return Ok(false) };
        let remembered = match &mut work.remembered {
            Some(remembered) => remembered,
            other => other.insert(Remembered::beside(&self.store)?),
        };
        let now = self.recorder.now();
        let mut growing = Growing::read(keeper.reader())?;
        let records =
            growing.check(keeper.reader(), (remembered.last.as_ref(), work.noted.as_ref()), Some(key.public()))?;
        work.accused = None;
        growing.remember(keeper.reader(), remembered)?;
        let long_ago = work.signed.is_none_or(|signed| signed.elapsed() >= UNSIGNED);
        let (most, longest) = SEGMENT;
        let grown = records.saturating_sub(growing.first);
        let is_old = growing.begun.is_some_and(|begun| now.micros_since(begun) >= longest);
        let ends = grown >= most || grown > 0 && is_old;
        if ends || records > growing.signed && (long_ago || is_last) {
            let says = Says { ends, ..Says::default() };
            let pause = &mut || {
                if !self.shared.is_stopping() {
                    std::thread::yield_now();
                }
            };
            let checkpoint = growing.sign(keeper.reader(), says, now, (key, None), pause)?;
            keeper.put(&checkpoint)?;
            work.signed = Some(Instant::now());
            growing = Growing::read(keeper.reader())?;
            growing.remember(keeper.reader(), remembered)?;
        }
        self.note(&mut work.noted, &growing);
        let first = keeper.reader().beginning()?.map_or(0, |beginning| beginning.first);
        self.shared.audit(|audited| {
            audited.first = first;
            audited.signed = growing.signed;
            audited.at = growing.last.as_ref().map(|(last, _)| last.at);
            audited.segments = growing.segment.saturating_sub(1);
            audited.problem = None;
        });
        if is_last {
            return Ok(false);
        }
        if let Some(keep) = self.keep {
            if keeper.list_blobs()? {
                return Ok(true);
            }
            if work.time.is_believed(now) {
                self.drop_old(keeper, &growing, (first, records), now, keep)?;
            }
        }
        Ok(keeper.erase()?)
    }

    /// Drops segments that ended so long ago.
    ///
    /// INVARIANT: what is dropped is signed: a segment without a checkpoint that ends it stays. The last record stays too.
    fn drop_old(
        &self,
        keeper: &mut LogKeeper,
        growing: &Growing,
        (first, records): (u64, u64),
        now: Timestamp,
        keep: i64,
    ) -> Result<(), KeepError> {
        let Some(key) = &self.key else { return Ok(()) };
        let oldest = now.min((self.clock)()).plus_micros(-keep);
        let reader = keeper.reader();
        let mut dropped = None;
        let mut segment = reader.first_segment()?;
        while let Some(ended) =
            reader.checkpoint(segment)?.filter(|one| one.standing.is_some() && one.records < records)
        {
            let said = opened(&ended)?.0;
            if said.at >= oldest || reader.link_at(said.records)?.is_some_and(|link| link != said.link) {
                break;
            }
            dropped = Some(ended).filter(|ended| ended.records > first).or(dropped);
            segment += 1;
        }
        let Some(ended) = dropped else { return Ok(()) };
        let says = Says { kept: Some(ended.records), ..Says::default() };
        let checkpoint = growing.sign(reader, says, now, (key, None), &mut || {})?;
        keeper.drop_up_to(&ended, &checkpoint)?;
        let (last, keep) = (ended.records - 1, format_duration(keep));
        tracing::info!("records {first} to {last} of the audit log were dropped: they are older than {keep}");
        Ok(())
    }
}

#[cfg(test)]
#[path = "../tests/unit/keeper.rs"]
mod tests;
