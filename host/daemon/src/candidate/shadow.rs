//! A shadow: a candidate runs beside the generation that serves, on what comes in, both from the state that the host has when
//! it begins. Nothing of it is stored, and the one that serves goes on undisturbed.

use std::path::Path;
use std::time::{Duration, Instant};

use countersign_model::Place;
use countersign_recorder::{HostInputKind, Recorder};
use countersign_store::{Snapshot, SqliteStore};

use super::behaviour::{Behaviour, shown};
use super::pair::{Both, MORE_DIFFERS, Pair};
use crate::aside::AsideError;
use crate::walk::{BEGIN, Step, Walk};

/// How long after its end a shadow may take to judge what came before it.
const LONGEST_REST: Duration = Duration::from_secs(300);

/// Batches that the host may have to judge yet when a shadow ends.
const MAX_WAITING: u64 = 1_000;

/// A shadow, before it begins.
pub(crate) struct Shadow<'s> {
    pub(crate) recorder: &'s Recorder,
    /// The host's store.
    pub(crate) store: &'s Path,
    pub(crate) pair: Pair<'s>,
    /// How long it lasts, microseconds by the host's time.
    pub(crate) length: i64,
    /// How far the host has judged and committed.
    pub(crate) judged: &'s dyn Fn() -> Option<Place>,
    /// Waits until the host has judged more than this, or for so long at most.
    pub(crate) wait: &'s dyn Fn(Place, Duration),
}

impl Shadow<'_> {
    /// Judges what comes with both.
    pub(crate) fn run(&self) -> Result<Behaviour, AsideError> {
        let mut behaviour = Behaviour { enough: true, ..Behaviour::asked(self.length) };
        let snapshot = Snapshot::of(SqliteStore::read(self.store)?)?;
        let made = self.pair.judge([snapshot.fork()?, snapshot.fork()?], |both| {
            // What it has was read.
            snapshot.release();
            self.follow(both, &mut behaviour)
        })?;
        Ok(behaviour.with(made))
    }

    fn follow(&self, both: &mut Both<'_>, behaviour: &mut Behaviour) -> Result<(), AsideError> {
        both.count()?;
        let (began, length) = (Instant::now(), Duration::from_micros(self.length.unsigned_abs()));
        let place = both.place().unwrap_or(BEGIN);
        let mut walk = Walk::new(self.recorder.reader()?, place)?;
        loop {
            let is_over = began.elapsed() >= length;
            // Never ahead of the host, which gives its own inputs their places.
            let reached = (self.judged)().unwrap_or(place);
            self.judge(both, &mut walk, reached, behaviour, || began.elapsed() > length + LONGEST_REST)?;
            both.commit()?;
            let waiting = self.recorder.figures().last.saturating_sub(reached.batch);
            if is_over && waiting > MAX_WAITING && behaviour.cut_short.is_none() {
                behaviour.cut_short = Some(format!("the host had {waiting} batches to judge that had come in"));
            }
            if is_over || behaviour.cut_short.is_some() {
                let lasted = i64::try_from(began.elapsed().min(length).as_micros()).unwrap_or(i64::MAX);
                behaviour.recorded = shown(lasted);
                behaviour.records = both.records;
                return Ok(());
            }
            (self.wait)(reached, length.saturating_sub(began.elapsed()).min(Duration::from_secs(1)));
        }
    }

    fn judge(
        &self,
        both: &mut Both<'_>,
        walk: &mut Walk,
        reached: Place,
        behaviour: &mut Behaviour,
        is_late: impl Fn() -> bool,
    ) -> Result<(), AsideError> {
        if (self.pair.is_interrupted)() {
            return Err(AsideError::Interrupted);
        }
        while let Some(step) = walk.next(reached.batch)? {
            let (batch, name, taken) = match step {
                // What it was compared with serves no longer.
                Step::Host(input) if input.kind == HostInputKind::Generation => return Err(AsideError::Interrupted),
                Step::Host(input) => {
                    both.pass(&input)?;
                    continue;
                }
                Step::Batch(batch, name, taken) => (batch, name, taken),
            };
            both.take(&batch, &name, taken)?;
            behaviour.from = behaviour.from.or(Some(batch.arrived));
            behaviour.to = Some(batch.arrived);
            behaviour.cut_short = if is_late() {
                Some("it couldn't keep up with what came in".to_owned())
            } else {
                both.is_full().then(|| MORE_DIFFERS.to_owned())
            };
            if behaviour.cut_short.is_some() {
                break;
            }
        }
        Ok(())
    }
}
