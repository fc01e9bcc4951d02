//! Evidence bundles: everything needed to make a finding or a proposal again, as the bytes whose digests the audit file has.

use countersign_model::call::{CallFailure, DetectionAnswer, DetectionCall};
use countersign_model::format::{Format, FormatError, format_of, read_canonical};
use countersign_model::incident::Subject;
use countersign_model::response::{ResponseAnswer, ResponseCall};
use countersign_model::{Finding, RuleIdentity, SourceId, Timestamp};
use serde::{Deserialize, Serialize};

mod v1;

/// The newest format of both bundles, which is written. Format 1 is the same without the member that names it.
const FORMAT: u32 = 2;

/// The bundle of a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingBundle {
    /// The format of these bytes.
    pub format: Format<FORMAT>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceId>,
}

/// The bundle of a response rule's proposals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseBundle {
    /// The format of these bytes.
    pub format: Format<FORMAT>,
    /// The identity of the rule.
    pub rule: RuleIdentity,
    /// The engine that ran it.
    pub engine: String,
    /// The rule's input, `data` left out as in [`FindingBundle::call`].
    pub call: ResponseCall,
    /// The rule's answer, or why there is none that can be used.
    pub answer: Result<ResponseAnswer, CallFailure>,
}

impl FindingBundle {
    /// Reads a bundle of any format.
    ///
    /// # Errors
    /// When the bytes aren't those that a bundle of the format that they name is written as.
    pub fn read(bytes: &[u8]) -> Result<FindingBundle, FormatError> {
        match format_of(bytes)? {
            1 => read_canonical::<v1::FindingBundle>(bytes, 1).map(FindingBundle::from),
            FORMAT => read_canonical(bytes, FORMAT),
            got => Err(FormatError::Unknown { newest: FORMAT, got }),
        }
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
            FORMAT => read_canonical(bytes, FORMAT),
            got => Err(FormatError::Unknown { newest: FORMAT, got }),
        }
    }
}
