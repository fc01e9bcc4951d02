//! What a host puts on record about itself: who may ask it, and that its log isn't as it signed it.

use countersign_vocabulary::text_ids;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

text_ids! {
    /// What became of a token.
    pub enum TokenChange {
        /// It was made, or one like it was found.
        Made = "made",
        /// It was revoked before it expired, or isn't there any more.
        Revoked = "revoked",
    }
}

/// What became of a token. It has nothing by which the token could be used or recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenNote {
    /// Its id.
    pub id: String,
    /// What became of it.
    pub change: TokenChange,
    /// What it is for: `viewer`, or `source NAME`.
    pub scope: String,
    /// From when on it is valid no more.
    pub expires: Timestamp,
    /// By whom.
    pub by: String,
}

/// How far a host has signed its log, as it remembers that beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedNote {
    /// All records before this number.
    pub records: u64,
    /// The text of the key.
    pub key: String,
}

/// Something that a host puts on record about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "kebab-case")]
pub enum HostNote {
    /// A token was made or revoked.
    Token(TokenNote),
    /// The log or its checkpoints aren't as they were signed.
    NotAsSigned {
        /// What was expected, and what is there.
        why: String,
    },
}

impl HostNote {
    /// What it is about: a later note about the same takes its place.
    #[must_use]
    pub fn about(&self) -> String {
        match self {
            HostNote::Token(token) => format!("token {}", token.id),
            HostNote::NotAsSigned { .. } => "not-as-signed".to_owned(),
        }
    }
}
