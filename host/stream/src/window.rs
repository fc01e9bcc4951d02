//! The sliding hour of event time in which failures count, in steps of five minutes: so that what is stored of an account
//! changes once a step, not with every row.

use countersign_model::Timestamp;
use serde::{Deserialize, Serialize};

/// A step, microseconds.
const STEP: i64 = 5 * 60 * 1_000_000;

/// So many steps are an hour.
const STEPS: i64 = 12;

/// Minimum event time after which nothing of a step counts, microseconds: an hour.
pub(crate) const HOUR: i64 = STEP * STEPS;

/// A step of event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Step(i64);

impl Step {
    /// The step that a time lies in.
    #[must_use]
    pub fn of(time: Timestamp) -> Step {
        Step(time.0.div_euclid(STEP))
    }

    /// The first step that still counts at this one: it and the eleven before it do.
    pub(crate) fn first_that_counts(self) -> Step {
        Step(self.0.saturating_sub(STEPS - 1))
    }
}
