//! What would change if the files on disk served: the difference, and what it would have made of the recorded past.

use std::sync::{Arc, TryLockError};
use std::time::Duration;

use countersign_model::{Digest, Place};
use countersign_recorder::RecorderError;
use serde::{Deserialize, Serialize};

use crate::aside::AsideError;
use crate::candidate::{Behaviour, Difference, Pair, Shadow, Trial};
use crate::generations::Last;
use crate::host::Host;
use crate::material::{Built, Material};

/// How a candidate differs from what serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The number of the generation that serves.
    pub generation: u64,
    /// Its digest.
    pub serving: Digest,
    /// The candidate's, which names the files that this is about.
    pub digest: Digest,
    /// Rules of the candidate that are refused, each with every reason. As long as there are any, it can't be applied.
    pub refused: Vec<String>,
    /// Rules of the candidate that would be left out, each with every reason, as `reload.partial` allows.
    pub left_out: Vec<String>,
    /// Whether anything in it lets more happen, or drops a protection.
    pub widens: bool,
    /// What differs.
    #[serde(flatten)]
    pub difference: Difference,
    /// What both make of the recorded past; none if that wasn't asked for, or nothing differs.
    pub behaviour: Option<Behaviour>,
    /// Sources of the candidate of which a host reads nothing, each with what to write.
    #[serde(default)]
    pub unread: Vec<String>,
}

impl Plan {
    /// Whether the candidate is another than what serves.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.serving != self.digest
    }
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Another one is being made.
    #[error("expected no other plan at the same time, got one that is still being made: try again later")]
    Busy,
    /// The candidate's files have faults.
    #[error("{}", .0.join("\n"))]
    Faults(Vec<String>),
    /// No generation serves yet, or the one that does can't be built any more.
    #[error("the generation that serves can't be compared: {0}")]
    Serving(String),
    /// The host stops, or something else goes first.
    #[error("the host is stopping")]
    Stopping,
    /// Something else failed.
    #[error("the plan can't be made: {0}")]
    Failed(String),
}

impl From<RecorderError> for PlanError {
    fn from(error: RecorderError) -> PlanError {
        PlanError::Failed(error.to_string())
    }
}

impl From<AsideError> for PlanError {
    fn from(error: AsideError) -> PlanError {
        match error {
            AsideError::Interrupted => PlanError::Stopping,
            error => PlanError::Failed(error.to_string()),
        }
    }
}

/// What serves and a candidate, compared.
pub(crate) struct Comparing {
    /// The number of the generation that serves.
    pub(crate) number: u64,
    pub(crate) serving: Arc<Built>,
    pub(crate) candidate: Arc<Built>,
    pub(crate) difference: Difference,
}

impl Host {
    /// How a candidate differs from what serves, tried on so much of the recorded past (microseconds of arrival; 0 for
    /// none; as configured where nobody says). It may take minutes, on one thread, and changes nothing. One at a time.
    ///
    /// # Errors
    /// When another one is being made, or the candidate's files have faults.
    pub fn plan(&self, material: &Material, trial: Option<i64>) -> Result<Plan, PlanError> {
        let _one = match self.open.planning.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(PlanError::Busy),
            // It guards nothing but itself.
            Err(TryLockError::Poisoned(lock)) => lock.into_inner(),
            Ok(lock) => lock,
        };
        let comparing = self.compare(material)?;
        let trial = trial.unwrap_or(self.open.reload.trial);
        let behaviour = if trial > 0 && comparing.differs() {
            Some(self.try_on_past(&comparing, trial, &|| self.open.shared.is_stopping())?)
        } else {
            None
        };
        let Comparing { number: generation, serving, candidate, difference } = comparing;
        let (refused, left_out) = match candidate.left_out.clone() {
            left_out if self.open.reload.partial => (Vec::new(), left_out),
            refused => (refused, Vec::new()),
        };
        Ok(Plan {
            generation,
            serving: serving.manifest.digest(),
            digest: candidate.manifest.digest(),
            refused,
            left_out,
            widens: difference.widens(),
            difference,
            behaviour,
            unread: candidate.sources.unread(),
        })
    }

    /// Compares a candidate with what serves, or is about to.
    pub(crate) fn compare(&self, material: &Material) -> Result<Comparing, PlanError> {
        let reader = self.open.recorder.reader()?;
        let last = self.open.generations.last(&reader, u64::MAX)?;
        let Last { number, built, .. } = last.ok_or_else(|| PlanError::Serving("none serves yet".to_owned()))?;
        let serving = built.map_err(|reasons| PlanError::Serving(reasons.join("; ")))?;
        let candidate = self.build(material).map_err(PlanError::Faults)?;
        let mut comparing = Comparing { number, serving, candidate, difference: Difference::default() };
        if comparing.differs() {
            comparing.difference = Difference::between(&comparing.serving, &comparing.candidate);
        }
        Ok(comparing)
    }

    /// What both make of so much of the recorded past, microseconds of arrival.
    pub(crate) fn try_on_past(
        &self,
        comparing: &Comparing,
        length: i64,
        is_interrupted: &dyn Fn() -> bool,
    ) -> Result<Behaviour, PlanError> {
        let reader = self.open.recorder.reader()?;
        let last = self.open.recorder.figures().last;
        let is_behind = || self.is_behind();
        let pair = self.pair(comparing, is_interrupted, &is_behind);
        Ok(Trial { reader, last, pair, length }.run()?)
    }

    /// What both make of what comes in for so long, microseconds.
    pub(crate) fn shadow(
        &self,
        comparing: &Comparing,
        length: i64,
        is_interrupted: &dyn Fn() -> bool,
    ) -> Result<Behaviour, PlanError> {
        let is_behind = || self.is_behind();
        let pair = self.pair(comparing, is_interrupted, &is_behind);
        let judged = || self.open.shared.judged().place;
        let wait = |place: Place, longest: Duration| {
            self.open.recorder.wait(longest, |_| judged().is_some_and(|now| now.batch > place.batch));
        };
        let store = self.store_path();
        Ok(Shadow { recorder: &self.open.recorder, store: &store, pair, length, judged: &judged, wait: &wait }.run()?)
    }

    fn pair<'p>(
        &'p self,
        comparing: &'p Comparing,
        is_interrupted: &'p dyn Fn() -> bool,
        is_behind: &'p dyn Fn() -> bool,
    ) -> Pair<'p> {
        let Comparing { serving, candidate, .. } = comparing;
        Pair { serving, candidate, options: &self.open.session, is_interrupted, is_behind }
    }

    /// Whether it has records to judge.
    fn is_behind(&self) -> bool {
        let last = self.open.recorder.figures().last;
        self.open.shared.judged().place.is_some_and(|place| place.batch <= last)
    }
}

impl Comparing {
    /// Whether the candidate is another than what serves.
    pub(crate) fn differs(&self) -> bool {
        self.serving.manifest.digest() != self.candidate.manifest.digest()
    }
}
