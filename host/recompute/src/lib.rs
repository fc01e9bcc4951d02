//! Recomputation: every finding and decision on record is made again from bundles and rule bytes, and compared. All
//! differences are reported, each with what may be its cause.
//!
//! **By version.** A generation names the engine that ran its rules and the version of the gate that decided. Where one of
//! them isn't the running one, what may differ with it differs *by version*: a rule's answer with the engine, the gate's
//! inputs and decisions with the gate. Everything else has to be equal under every version: digests, links, what names
//! what, and that a finding is what its answer says. A forger can claim an older version, so the caller decides whether a
//! difference by version is accepted.
//!
//! **What is taken as recorded**, since it can't be made again: which rules were stopped at the deadline, how an event's
//! roles were resolved, and whether a rule was suspect. The circumstances aren't: nothing sets them yet.

mod compare;
mod difference;
mod explain;
mod finding;
mod generation;
mod incident;
mod log;
mod recomputer;

use countersign_audit::{Head, ReadError, VerifyError};
use countersign_engine::Engine;
use countersign_model::DigestKey;
use serde::Serialize;

pub use self::difference::{Cause, Difference, OtherVersion, Versioned};
pub use self::log::Log;

/// The result of a recomputation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recomputed {
    /// The head of the record.
    #[serde(serialize_with = "head_digest")]
    pub head: Head,
    /// Findings made again.
    pub findings: u64,
    /// Decisions made again.
    pub decisions: u64,
    /// The generations that other versions judged.
    pub versions: Vec<OtherVersion>,
    /// All differences; none if the record is what its bundles and rules lead to.
    pub differences: Vec<Difference>,
}

impl Recomputed {
    /// How many differences nothing but a change of the record explains.
    #[must_use]
    pub fn tampered(&self) -> usize {
        self.differences.len() - self.by_version()
    }

    /// How many differences may come of another version.
    #[must_use]
    pub fn by_version(&self) -> usize {
        self.differences.iter().filter(|difference| difference.cause.is_version()).count()
    }
}

fn head_digest<S: serde::Serializer>(head: &Head, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&head.digest)
}

/// Why nothing could be recomputed.
#[derive(Debug, thiserror::Error)]
pub enum RecomputeError {
    /// The record can't be read, or isn't as it was written.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// It was written under another key.
    #[error("{}", wrong_key(*.private, *.given))]
    WrongKey {
        /// Whether it was written under a private key of the operator.
        private: bool,
        /// Whether a key was given.
        given: bool,
    },
    /// A generation can't be loaded again.
    #[error("line {line}: generation {number} can't be loaded: {reason}")]
    Generation {
        /// The record's line.
        line: u64,
        /// The generation's number.
        number: u64,
        /// Why.
        reason: String,
    },
}

impl From<ReadError> for RecomputeError {
    fn from(error: ReadError) -> RecomputeError {
        RecomputeError::Verify(match error {
            ReadError::Unreadable(error) => VerifyError::Unreadable(error),
            ReadError::Fault(fault) => VerifyError::Faults(vec![fault]),
        })
    }
}

fn wrong_key(private: bool, given: bool) -> &'static str {
    match (private, given) {
        (true, false) => "the file was written under a private key: give it with `--audit-key`",
        (true, true) => "the file was written under another key than the one given with `--audit-key`",
        (false, _) => "the file was written under the documented key: leave out `--audit-key`",
    }
}

/// Makes every finding and decision of a record again. `progress` gets the number of records done and of all records.
///
/// # Errors
/// When the record doesn't verify, the key is another, or a generation can't be loaded. Differences aren't errors: they are
/// reported in [`Recomputed::differences`].
pub fn recompute(
    log: &dyn Log,
    key: &DigestKey,
    engine: &Engine,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Recomputed, RecomputeError> {
    // The whole record is verified before any part of it is used.
    let head = log.verify()?;
    recomputer::recompute(log, key, engine, head, progress)
}
