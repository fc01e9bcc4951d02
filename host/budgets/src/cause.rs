//! By what something is done: what budgets, brakes and kill switches are for.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use countersign_model::rule::is_id_part;
use countersign_model::vocabulary::IdentityType;
use countersign_model::{RuleId, SourceId};
use serde::{Deserialize, Serialize};

/// One thing by which something is done, the narrowest first. Its text is `rule:ID`, `publisher:NAME`, `source:NAME` or `generation:NUMBER`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Cause {
    /// A rule found or proposed it.
    Rule(RuleId),
    /// A rule of the publisher did.
    Publisher(String),
    /// A source of telemetry reported it.
    Source(SourceId),
    /// It was found under the generation of this number.
    Generation(u64),
}

/// Text that isn't a cause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `rule:ID`, `publisher:NAME`, `source:NAME` or `generation:NUMBER`, got `{0}`")]
pub struct CauseError(pub String);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Rule(rule) => write!(f, "rule:{rule}"),
            Cause::Publisher(publisher) => write!(f, "publisher:{publisher}"),
            Cause::Source(source) => write!(f, "source:{source}"),
            Cause::Generation(number) => write!(f, "generation:{number}"),
        }
    }
}

impl FromStr for Cause {
    type Err = CauseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || match text.split_once(':')? {
            ("rule", id) => id.parse().ok().map(Cause::Rule),
            ("publisher", name) if is_id_part(name) => Some(Cause::Publisher(name.to_owned())),
            ("source", name) if !name.is_empty() => Some(Cause::Source(SourceId::from(name))),
            ("generation", number) => number.parse().ok().map(Cause::Generation),
            _ => None,
        };
        parse().ok_or_else(|| CauseError(text.to_owned()))
    }
}

impl TryFrom<String> for Cause {
    type Error = CauseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Cause> for String {
    fn from(cause: Cause) -> String {
        cause.to_string()
    }
}

/// To whom something is done, and by what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Causes {
    /// The identity; an account's text where it has none.
    pub identity: String,
    /// Its type.
    pub identity_type: IdentityType,
    /// All causes: an action that two rules found is by both.
    pub by: BTreeSet<Cause>,
}
