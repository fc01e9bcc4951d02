//! Why a row comes to a rule, and in which order the rows of one position come: due timers, the event, findings.

use std::sync::Arc;

use countersign_model::call::RowKind;
use countersign_model::vocabulary::FieldId;
use countersign_model::{Event, Occasion, RuleId, Timestamp, Value};

use crate::{Found, Sequenced, Tick};

/// Why a row comes to a rule. Ordered as the rows of one position are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// A timer of the rule's is due.
    Timer(Arc<TimerTurn>),
    /// The event itself.
    Event,
    /// A rule that this one subscribes to found something.
    Finding(Arc<FindingTurn>),
}

/// A timer that is due; by time, key and id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerTurn {
    /// The time it was set for.
    pub at: Timestamp,
    /// The key it was set for.
    pub key: Arc<str>,
    /// Its declared id.
    pub id: Arc<str>,
}

/// A finding that is delivered; in the order in which findings of one position are told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FindingTurn {
    /// Whether it was found on another row than a timer's.
    pub after_timers: bool,
    /// How deep its rule lies in the graph of subscriptions; 0 subscribes to nothing.
    pub depth: usize,
    /// The rule that found it.
    pub rule: RuleId,
    /// Its place among that rule's findings at the position.
    pub index: u32,
    /// The time of the row that it was found on.
    pub time: Timestamp,
}

impl Sequenced {
    /// What orders the rows of one rule.
    #[must_use]
    pub fn order(&self) -> (u64, &Turn) {
        (self.position, &self.turn)
    }

    /// The row's time: the event's, or that for which the timer was set.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        match &self.turn {
            Turn::Event => self.event.time,
            Turn::Timer(timer) => timer.at,
            Turn::Finding(finding) => finding.time,
        }
    }

    /// What brought the row about.
    #[must_use]
    pub fn occasion(&self) -> Occasion {
        match &self.turn {
            Turn::Event => Occasion::Event,
            Turn::Timer(timer) => Occasion::Timer { id: timer.id.to_string(), at: timer.at },
            Turn::Finding(finding) => Occasion::Finding { rule: finding.rule.clone(), index: finding.index },
        }
    }

    /// As the interface names it.
    pub(crate) fn kind(&self) -> RowKind {
        match &self.turn {
            Turn::Event if self.late => RowKind::Late,
            Turn::Event => RowKind::Event,
            Turn::Timer(timer) => RowKind::Timer(timer.id.to_string()),
            Turn::Finding(_) => RowKind::Finding,
        }
    }

    /// The row of a timer that this row set. `position` and `clock` are those of the event that brought the tick.
    pub(crate) fn timer(self, timer: TimerTurn, tick: Tick, position: u64, clock: Timestamp) -> Sequenced {
        Sequenced {
            position,
            watermark: tick.at,
            clock,
            late: false,
            turn: Turn::Timer(Arc::new(timer)),
            event: self.event,
            seed: self.seed,
        }
    }

    /// The row of a finding, for rules that subscribe to its rule; `depth` is its rule's in the graph of subscriptions.
    #[must_use]
    pub fn of_finding(found: &Found, depth: usize) -> Sequenced {
        let Found { finding, row, .. } = found;
        let mut event = Event::clone(&row.event);
        let text = |text: &str| Value::Text(Arc::from(text));
        event.fields.set(FieldId::FindingRule, text(finding.rule.as_str()));
        event.fields.set(FieldId::FindingClass, text(finding.signal_class.id()));
        event.fields.set(FieldId::FindingConfidence, Value::Unsigned(u64::from(finding.confidence)));
        event.fields.set(FieldId::FindingSeverity, Value::Unsigned(u64::from(finding.severity.severity_id())));
        event.fields.set(FieldId::FindingRole, text(finding.role.id()));
        let turn = FindingTurn {
            after_timers: !row.is_timer(),
            depth,
            rule: finding.rule.clone(),
            index: finding.index,
            time: row.time(),
        };
        Sequenced { event: Arc::new(event), late: false, turn: Turn::Finding(Arc::new(turn)), ..row.clone() }
    }

    /// Whether a timer brought the row about.
    #[must_use]
    pub fn is_timer(&self) -> bool {
        matches!(self.turn, Turn::Timer(_))
    }
}
