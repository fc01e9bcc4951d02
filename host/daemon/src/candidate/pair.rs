//! The generation that serves and a candidate, judging the same records side by side. Nothing of it is stored.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use countersign_model::{Place, SourceId};
use countersign_recorder::{HostInputKind, RecordedBatch, RecordedHostInput, RecorderError};
use countersign_session::{Input, Session, SessionError, SessionOptions};
use countersign_store::{Store, StoreError};

use super::compared::{Comparison, Heard, Made, Side};
use crate::decoders::Decoders;
use crate::judge::patience;
use crate::material::Built;

/// Records after which both commit, so that what both made is forgotten.
const PER_COMMIT: u64 = 4_096;

/// Why judging ends where so much differs.
pub(super) const MORE_DIFFERS: &str = "more differs than can be held";

/// The longest rest after a batch.
const LONGEST_REST: Duration = Duration::from_millis(200);

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrialError {
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error("it was interrupted")]
    Interrupted,
}

/// What judges side by side, and beside what.
#[derive(Clone, Copy)]
pub(crate) struct Pair<'p> {
    pub(crate) serving: &'p Built,
    pub(crate) candidate: &'p Built,
    /// How the host judges.
    pub(crate) options: &'p SessionOptions,
    /// Whether it is to end without a result.
    pub(crate) is_interrupted: &'p dyn Fn() -> bool,
    /// Whether the host has records to judge, which go first.
    pub(crate) is_behind: &'p dyn Fn() -> bool,
}

impl Pair<'_> {
    /// Has both go on from what these stores have, and judge what `feed` gives them. How what they made differs.
    pub(super) fn judge<S: Store>(
        &self,
        stores: [S; 2],
        feed: impl FnOnce(&mut Both<'_>) -> Result<(), TrialError>,
    ) -> Result<Made, TrialError> {
        let comparison = RefCell::new(Comparison::default());
        let [mut first, mut second] = stores;
        let (mut heard, mut also_heard) =
            (Heard::new(Side::Serving, &comparison), Heard::new(Side::Candidate, &comparison));
        let each = [
            Judging::new(self.serving, self.options, &mut first, &mut heard)?,
            Judging::new(self.candidate, self.options, &mut second, &mut also_heard)?,
        ];
        let mut both = Both { pair: *self, each, comparison: &comparison, records: 0, uncommitted: 0 };
        feed(&mut both)?;
        both.each.iter_mut().try_for_each(|one| one.session.finish(0).map(drop))?;
        drop(both);
        drop((heard, also_heard));
        Ok(comparison.into_inner().finish())
    }
}

/// Both, while they judge.
pub(super) struct Both<'b> {
    pair: Pair<'b>,
    each: [Judging<'b>; 2],
    comparison: &'b RefCell<Comparison>,
    /// Records that they have judged.
    pub(super) records: u64,
    uncommitted: u64,
}

impl Both<'_> {
    /// Has everything count from here on.
    pub(super) fn count(&mut self) -> Result<(), TrialError> {
        self.commit()?;
        self.comparison.borrow_mut().counts = true;
        Ok(())
    }

    /// Whether so much differs that not all of it is held.
    pub(super) fn is_full(&self) -> bool {
        self.comparison.borrow().is_full()
    }

    /// Where the stores' sessions were in a recorder.
    pub(super) fn place(&self) -> Option<Place> {
        self.each.iter().find_map(|one| one.session.place())
    }

    /// Both take time that passed. Which generation served doesn't matter to them.
    pub(super) fn pass(&mut self, inputs: &[RecordedHostInput]) -> Result<(), TrialError> {
        for input in inputs.iter().filter(|input| input.kind == HostInputKind::Time) {
            for one in &mut self.each {
                one.session.push(Input::Time(input.time()))?;
            }
        }
        Ok(())
    }

    /// Both take a batch after its first so many records, and rest for as long as that took if the host has work.
    pub(super) fn take(&mut self, batch: &RecordedBatch, name: &SourceId, after: u32) -> Result<(), TrialError> {
        if (self.pair.is_interrupted)() {
            return Err(TrialError::Interrupted);
        }
        let began = Instant::now();
        for Judging { session, decoders } in &mut self.each {
            decoders.for_each(batch, name, after, |_, arrival| session.push(Input::Record(arrival)))?;
        }
        let records = u64::from(batch.batch.records.saturating_sub(after));
        self.records += records;
        self.uncommitted += records;
        if self.uncommitted >= PER_COMMIT {
            self.commit()?;
        }
        if (self.pair.is_behind)() {
            std::thread::sleep(began.elapsed().min(LONGEST_REST));
        }
        Ok(())
    }

    pub(super) fn commit(&mut self) -> Result<(), TrialError> {
        self.uncommitted = 0;
        Ok(self.each.iter_mut().try_for_each(|one| one.session.commit())?)
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
        store: &'s mut dyn Store,
        hearing: &'s mut Heard<'_>,
    ) -> Result<Judging<'s>, TrialError> {
        // One thread of its own: those of the host have the host's work.
        let options = SessionOptions { workers: 1, patience: patience(&built.sources), ..options.clone() };
        let session = Session::resume(store, std::sync::Arc::clone(&built.generation), options, hearing)?;
        let decoders = Decoders::new(built.sources.clone(), session.processed());
        Ok(Judging { session, decoders })
    }
}
