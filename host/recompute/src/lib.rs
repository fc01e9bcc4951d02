//! Recomputation: every finding and decision on record is made again from bundles and rule bytes, and compared. All
//! differences are reported, each with what may be its cause.
//!
//! **By version.** A generation names the engine that ran its rules and the version of the gate that decided. Where one of
//! them isn't the running one, what may differ with it differs *by version*: a rule's answer with the engine, the gate's
//! inputs and decisions with the gate. Everything else has to be equal under every version: digests, links, what names
//! what, and that a finding is what its answer says. A forger can claim an older version, so the caller decides whether a
//! difference by version is accepted.
//!
//! **What is taken as recorded**, since it can't be made again: which rules were stopped at the deadline, a row's source, how an event's
//! roles were resolved, whether a rule was suspect, a finding's line and evidence role, and which rules the binary carried
//! that wrote the record. The circumstances aren't: nothing sets them yet.
//!
//! **What is read is what was verified.** The lines are read once, into a copy that nobody else can change; a blob is checked
//! against its name each time it is read. A record's rules run under the limits of the record's own policy or of the caller,
//! whichever are narrower: who forges a record chooses its policy.
//!
//! **Trust** is that of the record: signatures are verified again under its `trust.toml`. A record from before there was
//! one is read with the grants of its policy, and asks for no proof.

mod compare;
mod copy;
mod difference;
mod explain;
mod finding;
mod generation;
mod incident;
mod log;
mod recomputer;
mod stops;

use countersign_audit::{Head, ReadError, Unsealed, VerifyError};
use countersign_engine::Engine;
use countersign_model::{Digest, DigestKey};
use countersign_policy::OperatorLimits;
use serde::Serialize;

use self::copy::Copy;
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
    /// It has no seal: its run was interrupted or isn't over, or it was cut short.
    #[error("{}", .0.fault())]
    Unsealed(Unsealed),
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
    /// A generation's policy allowed rules more than the caller does, and they can't be loaded with less.
    #[error(
        "line {line}: the rules of generation {number} aren't run: its policy allowed them more than yours does ({limits}), \
         and under your limits {reason}; the limits that count are those of `--policy FILE`"
    )]
    NarrowerLimits {
        /// The record's line.
        line: u64,
        /// The generation's number.
        number: u64,
        /// The limits by name, as they are on record and as they are the caller's.
        limits: String,
        /// What can't be loaded.
        reason: String,
    },
}

/// What the caller brings to a recomputation.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecomputeOptions {
    /// The head that the record must have.
    pub head: Option<Digest>,
    /// The most that any rule of it may use.
    pub limits: OperatorLimits,
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
        // Not to be met with the documented key: anybody can write a record under that one.
        (false, _) => {
            "expected a file written under the key given with `--audit-key`, got one under the documented key, which anybody \
             can write: if your key was given when it was recorded, this isn't that file"
        }
    }
}

/// Makes every finding and decision of a record again. `progress` gets the number of records done and of all records.
///
/// # Errors
/// When the record doesn't verify, the key is another, or a generation can't be loaded, under the caller's limits or at all. Differences aren't errors: they are
/// reported in [`Recomputed::differences`].
pub fn recompute(
    log: &dyn Log,
    key: &DigestKey,
    engine: &Engine,
    options: &RecomputeOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Recomputed, RecomputeError> {
    let lines = Copy::of(log.lines().map_err(VerifyError::Unreadable)?).map_err(VerifyError::Unreadable)?;
    // The whole record is verified before any part of it is used.
    let head = log.verify(&mut lines.lines().map_err(VerifyError::Unreadable)?, options.head)?;
    recomputer::recompute(log, &lines, key, engine, (head, &options.limits), progress)
}
