//! Evidence: everything needed to make a finding or a proposal again, as the bytes whose digests the audit file has.
//!
//! A finding's evidence is two blobs, which its record names: the call that made it, which the findings of one call share,
//! and the bundle, which is its own. They are written and read here only.

use std::collections::BTreeSet;
use std::fmt;

use countersign_audit::record::FindingRecord;
use countersign_model::call::{CallFailure, DetectionAnswer, DetectionCall};
use countersign_model::format::{Format, FormatError, format_of, read_canonical};
use countersign_model::incident::Subject;
use countersign_model::response::{ResponseAnswer, ResponseCall};
use countersign_model::{Digest, Finding, RuleIdentity, SourceId, Timestamp};
use serde::{Deserialize, Serialize};

mod parts;
mod v1;
mod v2;

use parts::{CallPart, OwnPart};

/// The newest format of a finding's bundle and of its call, which is written. Formats 1 and 2 have the call in the bundle;
/// format 1 doesn't name itself.
const FINDING: u32 = 3;

/// The newest format of a response rule's bundle, which is written. Format 1 is the same without the member that names it.
const RESPONSE: u32 = 2;

/// The evidence of a finding, by value: its bundle and its call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FindingBundle {
    /// The format in which it is stored.
    pub format: Format<FINDING>,
    /// The identity of its rule.
    pub rule: RuleIdentity,
    /// The engine that ran it.
    pub engine: String,
    /// The rule's input: one row, the state before, parameters, context. `data` is left out: the rule's component has it,
    /// and its digest is part of `rule`.
    pub call: DetectionCall,
    /// The rule's answer.
    pub answer: DetectionAnswer,
    /// The finding's index among those of the answer, from 0.
    pub place: u32,
    /// The finding that the host made of it.
    pub finding: Finding,
    /// Its subject, as of the generation.
    pub subject: Subject,
    /// Whether its rule, or one that feeds it, was in quarantine or stopped for its source, or not deterministic.
    pub rule_suspect: bool,
    /// The gate's clock at its row.
    pub clock: Timestamp,
    /// The source of its row's event: response rules may be stopped for it. Left out by versions that stopped them for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceId>,
    /// The sources that it rests on, that one among them. Left out by versions that didn't know.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub rests_on: BTreeSet<SourceId>,
}

/// The bundle of a response rule's proposals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseBundle {
    /// The format of these bytes.
    pub format: Format<RESPONSE>,
    /// The identity of the rule.
    pub rule: RuleIdentity,
    /// The engine that ran it.
    pub engine: String,
    /// The rule's input, `data` left out as in [`FindingBundle::call`].
    pub call: ResponseCall,
    /// The rule's answer, or why there is none that can be used.
    pub answer: Result<ResponseAnswer, CallFailure>,
}

/// Why the evidence of a finding can't be read.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError<E: fmt::Debug + fmt::Display> {
    /// A blob isn't there as it was written.
    #[error("{error}")]
    Blob {
        /// Which.
        part: Part,
        /// Its name.
        name: Digest,
        /// Why not.
        error: E,
    },
    /// A blob is something else than its record says.
    #[error("the {part}: {error}")]
    Form {
        /// Which.
        part: Part,
        /// Its name.
        name: Digest,
        /// What it is.
        error: FormError,
    },
}

/// Why a blob is no part of a finding's evidence.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// Its bytes are none of a known format.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A bundle without a call, whose record names none.
    #[error("expected a record that names the call, as with every bundle of format {FINDING}, got one that names none")]
    NoCall,
    /// A bundle that has the call, whose record names another.
    #[error("expected a bundle of format {FINDING} beside a call, got format {got}, which has the call itself")]
    TwoCalls {
        /// The bundle's format.
        got: u32,
    },
}

/// A part of a finding's evidence: a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What is the finding's own.
    Bundle,
    /// What findings of one call share.
    Call,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Bundle => "finding bundle",
            Part::Call => "finding call",
        })
    }
}

impl<E: fmt::Debug + fmt::Display> EvidenceError<E> {
    /// Which blob it is about, with its name.
    pub const fn blob(&self) -> (Part, Digest) {
        match self {
            EvidenceError::Blob { part, name, .. } | EvidenceError::Form { part, name, .. } => (*part, *name),
        }
    }
}

impl FindingBundle {
    /// Reads the evidence that a finding's record names, in any format. `blob` gives a blob's bytes, checked against its
    /// name.
    ///
    /// # Errors
    /// When a blob can't be read, or its bytes aren't those that its format is written as.
    pub fn read<E: fmt::Debug + fmt::Display>(
        record: &FindingRecord,
        blob: impl Fn(&Digest) -> Result<Vec<u8>, E>,
    ) -> Result<FindingBundle, EvidenceError<E>> {
        let get = |part, name| blob(&name).map_err(|error| EvidenceError::Blob { part, name, error });
        let own = get(Part::Bundle, record.bundle)?;
        let wrong = |part, name| move |error| EvidenceError::Form { part, name, error };
        let Some(call) = record.call else { return whole(&own).map_err(wrong(Part::Bundle, record.bundle)) };
        let own = own_part(&own).map_err(wrong(Part::Bundle, record.bundle))?;
        let shared = get(Part::Call, call)?;
        let shared = read_newest::<CallPart<'_>>(&shared).map_err(wrong(Part::Call, call))?;
        Ok(parts::join(own, shared))
    }

    /// What is stored as its own.
    pub fn own_part(&self) -> impl Serialize {
        OwnPart::of(self)
    }

    /// What is stored once for all findings of the call.
    pub fn call_part(&self) -> impl Serialize {
        CallPart::of(self)
    }
}

/// A bundle that has its call.
fn whole(bytes: &[u8]) -> Result<FindingBundle, FormError> {
    match format_of(bytes)? {
        1 => Ok(read_canonical::<v1::FindingBundle>(bytes, 1)?.into()),
        2 => Ok(read_canonical::<v2::FindingBundle>(bytes, 2)?.into()),
        FINDING => Err(FormError::NoCall),
        got => Err(FormatError::Unknown { newest: FINDING, got }.into()),
    }
}

/// A bundle beside a call.
fn own_part(bytes: &[u8]) -> Result<OwnPart<'static>, FormError> {
    match format_of(bytes)? {
        got @ (1 | 2) => Err(FormError::TwoCalls { got }),
        _ => read_newest(bytes),
    }
}

fn read_newest<T: Serialize + serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, FormError> {
    match format_of(bytes)? {
        FINDING => Ok(read_canonical(bytes, FINDING)?),
        got => Err(FormatError::Unknown { newest: FINDING, got }.into()),
    }
}

impl ResponseBundle {
    /// Reads a bundle of any format.
    ///
    /// # Errors
    /// When the bytes aren't those that a bundle of the format that they name is written as.
    pub fn read(bytes: &[u8]) -> Result<ResponseBundle, FormatError> {
        match format_of(bytes)? {
            1 => read_canonical::<v1::ResponseBundle>(bytes, 1).map(ResponseBundle::from),
            RESPONSE => read_canonical(bytes, RESPONSE),
            got => Err(FormatError::Unknown { newest: RESPONSE, got }),
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/bundle.rs"]
mod tests;
