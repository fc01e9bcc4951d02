//! What would change if the files on disk served: the difference, and what it would have made of the recorded past.

use std::sync::TryLockError;

use countersign_model::Digest;
use countersign_recorder::RecorderError;
use serde::{Deserialize, Serialize};

use crate::candidate::{Behaviour, Difference, Trial, TrialError};
use crate::generations::Last;
use crate::host::Host;
use crate::material::Material;

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
    /// Whether anything in it lets more happen, or drops a protection.
    pub widens: bool,
    /// What differs.
    #[serde(flatten)]
    pub difference: Difference,
    /// What both make of the recorded past; none if that wasn't asked for, or nothing differs.
    pub behaviour: Option<Behaviour>,
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
    /// The host stops.
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

impl From<TrialError> for PlanError {
    fn from(error: TrialError) -> PlanError {
        match error {
            TrialError::Stopping => PlanError::Stopping,
            error => PlanError::Failed(error.to_string()),
        }
    }
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
        let trial = trial.unwrap_or(self.open.reload.trial);
        let (recorder, generations) = (&self.open.recorder, &self.open.generations);
        let reader = recorder.reader()?;
        let last = generations.last(&reader, u64::MAX)?;
        let Last { seq, built } = last.ok_or_else(|| PlanError::Serving("none serves yet".to_owned()))?;
        let serving = built.map_err(|reasons| PlanError::Serving(reasons.join("; ")))?;
        let candidate = self.build(material).map_err(PlanError::Faults)?;
        let (from, digest) = (serving.manifest.digest(), candidate.manifest.digest());
        let difference = if from == digest { Difference::default() } else { Difference::between(&serving, &candidate) };
        let behaviour = if trial > 0 && from != digest {
            let is_behind = || {
                let figures = recorder.figures();
                self.status().judged.place.is_some_and(|place| place.batch <= figures.last)
            };
            let trial = Trial {
                reader: &reader,
                last: recorder.figures().last,
                serving: &serving,
                candidate: &candidate,
                options: self.open.session.clone(),
                length: trial,
                is_stopping: &|| self.open.shared.is_stopping(),
                is_behind: &is_behind,
            };
            Some(trial.run()?)
        } else {
            None
        };
        let refused = candidate.left_out.clone();
        let widens = difference.widens();
        Ok(Plan { generation: seq, serving: from, digest, refused, widens, difference, behaviour })
    }
}
