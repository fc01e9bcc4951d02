//! The generation that serves and a candidate, judging the same records side by side. Nothing of it is stored.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use countersign_model::{Place, SourceId};
use countersign_recorder::{RecordedBatch, RecordedHostInput};
use countersign_session::SessionOptions;
use countersign_store::Store;

use super::compared::{Comparison, Heard, Made, Side};
use crate::aside::{Aside, AsideError};
use crate::material::Built;

/// Records after which both commit, so that what both made is forgotten.
const PER_COMMIT: u64 = 4_096;

/// Why judging ends where so much differs.
pub(super) const MORE_DIFFERS: &str = "more differs than can be held";

/// The longest rest after a batch.
const LONGEST_REST: Duration = Duration::from_millis(200);

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
        feed: impl FnOnce(&mut Both<'_>) -> Result<(), AsideError>,
    ) -> Result<Made, AsideError> {
        let comparison = RefCell::new(Comparison::default());
        let [mut first, mut second] = stores;
        let (mut heard, mut also_heard) =
            (Heard::new(Side::Serving, &comparison), Heard::new(Side::Candidate, &comparison));
        // One thread for each: those of the host have the host's work.
        let options = SessionOptions { workers: 1, ..self.options.clone() };
        let each = [
            Aside::resume(self.serving, &options, &mut first, &mut heard)?,
            Aside::resume(self.candidate, &options, &mut second, &mut also_heard)?,
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
    each: [Aside<'b>; 2],
    comparison: &'b RefCell<Comparison>,
    /// Records that they have judged.
    pub(super) records: u64,
    uncommitted: u64,
}

impl Both<'_> {
    /// Has everything count from here on.
    pub(super) fn count(&mut self) -> Result<(), AsideError> {
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

    /// Both take what isn't a record.
    pub(super) fn pass(&mut self, input: &RecordedHostInput) -> Result<(), AsideError> {
        self.each.iter_mut().try_for_each(|one| one.pass(input))
    }

    /// Both take a batch after its first so many records, and rest for as long as that took if the host has work.
    pub(super) fn take(&mut self, batch: &RecordedBatch, name: &SourceId, after: u32) -> Result<(), AsideError> {
        if (self.pair.is_interrupted)() {
            return Err(AsideError::Interrupted);
        }
        let began = Instant::now();
        self.each.iter_mut().try_for_each(|one| one.take(batch, name, after))?;
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

    pub(super) fn commit(&mut self) -> Result<(), AsideError> {
        self.uncommitted = 0;
        Ok(self.each.iter_mut().try_for_each(|one| one.session.commit())?)
    }
}
