//! What proves that a rule is its publisher's, as it is recorded.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::key::PublicKey;

/// What proves that a rule is its publisher's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// It is one of those that the binary carries, byte for byte.
    Shipped,
    /// A key of the publisher signed it.
    Key(PublicKey),
    /// Nothing: it is a rule of publisher `local`, or the operator lets the publisher's rules serve unsigned.
    Unsigned,
}

/// Text that isn't a proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `shipped`, `unsigned` or a public key `ed25519:…`")]
pub struct ProofError;

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Proof::Shipped => f.write_str("shipped"),
            Proof::Key(key) => key.fmt(f),
            Proof::Unsigned => f.write_str("unsigned"),
        }
    }
}

impl FromStr for Proof {
    type Err = ProofError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "shipped" => Ok(Proof::Shipped),
            "unsigned" => Ok(Proof::Unsigned),
            key => key.parse().map(Proof::Key).map_err(|_| ProofError),
        }
    }
}

impl Serialize for Proof {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Proof {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
