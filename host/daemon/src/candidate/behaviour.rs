//! What a trial or a shadow showed, and whether that lets a candidate be applied by itself.

use countersign_model::time::format_duration;
use countersign_model::{RuleId, Timestamp};
use serde::{Deserialize, Serialize};

use super::compared::{Compared, Example, Made};

/// What a trial, or a shadow, showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// How much of the recorded past was asked for, or how long the shadow was to last, such as `24h`.
    pub asked: String,
    /// How much is on record, or how long the shadow lasted.
    pub recorded: String,
    /// Whether that is enough. If not, all of it was judged.
    pub enough: bool,
    /// How long before it judging began, so that rules have state: what was found then doesn't count. A shadow has the
    /// state of what serves.
    pub warm_up: String,
    /// When the first record that counts arrived; none if there is none.
    pub from: Option<Timestamp>,
    /// When the last one did.
    pub to: Option<Timestamp>,
    /// Records that were judged, those of the warm-up too.
    pub records: u64,
    /// Why less was judged than asked for and recorded, if so.
    pub cut_short: Option<String>,
    /// Findings.
    pub findings: Compared,
    /// Decisions.
    pub decisions: Compared,
    /// Decisions that the candidate gained and that act on somebody without a person.
    pub acts_gained: u64,
    /// Some of them, earliest first.
    pub acts: Vec<Example>,
    /// Rules that fail on more rows, or are held back more often, than they are in the one that serves.
    pub failing: Vec<Failing>,
}

/// A rule that fails more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failing {
    /// The rule.
    pub rule: RuleId,
    /// How often it failed or was held back in the one that serves.
    pub serving: u64,
    /// How often in the candidate.
    pub candidate: u64,
}

impl Behaviour {
    /// Nothing yet, of what was asked for (microseconds).
    pub(super) fn asked(length: i64) -> Behaviour {
        Behaviour {
            asked: shown(length),
            recorded: shown(0),
            enough: false,
            warm_up: shown(0),
            from: None,
            to: None,
            records: 0,
            cut_short: None,
            findings: Compared::default(),
            decisions: Compared::default(),
            acts_gained: 0,
            acts: Vec::new(),
            failing: Vec::new(),
        }
    }

    /// With what both made.
    pub(super) fn with(self, made: Made) -> Behaviour {
        let Made { findings, decisions, acts_gained, acts, failing } = made;
        Behaviour { findings, decisions, acts_gained, acts, failing, ..self }
    }

    /// Why a person has to look at it before the candidate serves, a line each: it acts on more people, fails, or not
    /// enough was judged to know. `name` is what it is called.
    pub(crate) fn doubts(&self, name: &str) -> Vec<String> {
        let mut doubts = Vec::new();
        if !self.enough {
            doubts.push(format!(
                "not enough history: the {name} judged {} of {}, as no more is on record",
                self.recorded, self.asked
            ));
        }
        if self.enough && self.records == 0 {
            doubts.push(format!("the {name} judged nothing, as nothing came in"));
        }
        doubts.extend(self.cut_short.iter().map(|why| format!("the {name} ended early: {why}")));
        if self.acts_gained > 0 {
            let example = self.acts.first().map_or_else(String::new, |example| {
                let account = example.account.as_deref().unwrap_or("nobody known");
                format!(", such as {} on {account} for event {}", example.what, example.event_id)
            });
            let more = if self.acts_gained == 1 { "action" } else { "actions" };
            doubts.push(format!("the {name} decided {} more automatic {more}{example}", self.acts_gained));
        }
        for Failing { rule, serving, candidate } in &self.failing {
            doubts
                .push(format!("in the {name} {rule} failed or was held back {candidate} times, and {serving} before"));
        }
        doubts
    }

    /// What it showed, in a line.
    pub(crate) fn summary(&self, name: &str) -> String {
        let Behaviour { recorded, records, findings, decisions, .. } = self;
        format!(
            "{name} of {recorded}, {records} records: findings {} gained and {} lost, decisions {} gained and {} lost",
            findings.gained, findings.lost, decisions.gained, decisions.lost
        )
    }
}

/// A duration in whole seconds, where it has one.
pub(super) fn shown(micros: i64) -> String {
    const SECOND: i64 = 1_000_000;
    format_duration(if micros >= SECOND { micros - micros % SECOND } else { micros.max(0) })
}

#[cfg(test)]
#[path = "../../tests/unit/behaviour.rs"]
mod tests;
