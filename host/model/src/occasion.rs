//! Why a row comes to a rule. A row is identified by its position, its event and its occasion.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{RuleId, Timestamp};

/// Why a row comes to a rule. JSON leaves it out where it is an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Occasion {
    /// The event at this position.
    #[default]
    Event,
    /// A timer that was due at the tick before the event at this position. The row's event is the one that set it.
    Timer {
        /// Its declared id.
        id: String,
        /// The time it was set for.
        at: Timestamp,
    },
    /// A finding at this position, of a rule subscribed to. The row's event is the finding's.
    Finding {
        /// The rule that found it.
        rule: RuleId,
        /// Its place among that rule's findings at this position.
        index: u32,
    },
}

impl Occasion {
    /// Whether it is the event itself.
    #[must_use]
    pub const fn is_event(&self) -> bool {
        matches!(self, Occasion::Event)
    }
}

impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Occasion::Event => f.write_str("the event itself"),
            Occasion::Timer { id, at } => write!(f, "the timer `{id}` set for {at}"),
            Occasion::Finding { rule, index } => write!(f, "finding {index} of `{rule}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn every_occasion_survives_json() {
        let timer = Occasion::Timer { id: "silence".to_owned(), at: Timestamp(1_700_000_000_000_000) };
        let finding = Occasion::Finding { rule: "a/b".parse().unwrap(), index: 3 };
        let shown = [
            (Occasion::Event, r#""event""#, "the event itself"),
            (
                timer,
                r#"{"timer":{"id":"silence","at":"2023-11-14T22:13:20Z"}}"#,
                "the timer `silence` set for 2023-11-14T22:13:20Z",
            ),
            (finding, r#"{"finding":{"rule":"a/b","index":3}}"#, "finding 3 of `a/b`"),
        ];
        for (occasion, json, text) in shown {
            assert_eq!(serde_json::to_string(&occasion).unwrap(), json);
            assert_eq!(serde_json::from_str::<Occasion>(json).unwrap(), occasion);
            assert_eq!(occasion.to_string(), text);
        }
    }
}
