//! The kill switch: what begins nothing new. Undoing goes on.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::str::FromStr;

use countersign_model::rule::is_id_part;
use countersign_model::{RuleId, Timestamp};
use serde::{Deserialize, Serialize};

/// What is stopped. Its text is `host`, `connector:NAME`, `publisher:NAME` or `rule:ID`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Switch {
    /// Everything.
    Host,
    /// What a connector would do.
    Connector(String),
    /// What rules of a publisher lead to.
    Publisher(String),
    /// What a rule leads to.
    Rule(RuleId),
}

/// Text that isn't a switch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `host`, `connector:NAME`, `publisher:NAME` or `rule:ID`, got `{0}`")]
pub struct SwitchError(pub String);

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Switch::Host => f.write_str("host"),
            Switch::Connector(name) => write!(f, "connector:{name}"),
            Switch::Publisher(name) => write!(f, "publisher:{name}"),
            Switch::Rule(id) => write!(f, "rule:{id}"),
        }
    }
}

impl FromStr for Switch {
    type Err = SwitchError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || match text.split_once(':') {
            None if text == "host" => Some(Switch::Host),
            Some(("connector", name)) if is_id_part(name) => Some(Switch::Connector(name.to_owned())),
            Some(("publisher", name)) if is_id_part(name) => Some(Switch::Publisher(name.to_owned())),
            Some(("rule", id)) => id.parse().ok().map(Switch::Rule),
            _ => None,
        };
        parse().ok_or_else(|| SwitchError(text.to_owned()))
    }
}

impl TryFrom<String> for Switch {
    type Error = SwitchError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Switch> for String {
    fn from(switch: Switch) -> String {
        switch.to_string()
    }
}

/// The switches that are on: by whom, why and since when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kills {
    on: BTreeMap<Switch, Killed>,
}

/// By whom something was stopped, why, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Killed {
    /// The person's identity, or `root`.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl Kills {
    /// Stops something. What is stopped already stays so as it was said first.
    pub fn stop(&mut self, switch: Switch, killed: Killed) -> bool {
        match self.on.entry(switch) {
            Entry::Occupied(_) => false,
            Entry::Vacant(vacant) => {
                vacant.insert(killed);
                true
            }
        }
    }

    /// Lets it begin things again.
    pub fn resume(&mut self, switch: &Switch) -> bool {
        self.on.remove(switch).is_some()
    }

    /// What is stopped.
    #[must_use]
    pub fn all(&self) -> &BTreeMap<Switch, Killed> {
        &self.on
    }

    /// Why an intent of these rules through this connector may not begin; nothing if it may.
    #[must_use]
    pub fn stops<'a>(&self, rules: impl Iterator<Item = &'a RuleId>, connector: &str) -> Option<&Switch> {
        let rules: Vec<&RuleId> = rules.collect();
        let fits = |switch: &Switch| match switch {
            Switch::Host => true,
            Switch::Connector(name) => name == connector,
            Switch::Publisher(name) => rules.iter().any(|rule| rule.publisher() == name),
            Switch::Rule(id) => rules.contains(&id),
        };
        self.on.keys().find(|switch| fits(switch))
    }
}

#[cfg(test)]
#[path = "../tests/unit/kill.rs"]
mod tests;
