//! Why a row comes to a rule, and in which order the rows of one position come: due timers, the event, findings.

use std::sync::Arc;

use countersign_model::call::RowKind;
use countersign_model::vocabulary::FieldId;
use countersign_model::{Event, Line, Occasion, RuleId, Timestamp, Value};

use crate::{BundledFinding, Sequenced, Tick};

/// Why a row comes to a rule, with everything that orders it among the rows of its position. What is recorded of it is
/// an [`Occasion`]: see [`recorded`](Self::recorded). Ordered as the rows of one position are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrderedOccasion {
    /// A timer of the rule is due.
    Timer(Arc<DueTimer>),
    /// The event itself.
    Event,
    /// A finding of a rule that this one subscribes to.
    Finding(Arc<DeliveredFinding>),
}

/// A timer that is due; ordered by time, key and id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueTimer {
    /// The time it was set for.
    pub at: Timestamp,
    /// The key it was set for.
    pub key: Arc<str>,
    /// Its declared id.
    pub id: Arc<str>,
}

/// A finding that is delivered to subscribers; ordered as the findings of one position are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeliveredFinding {
    /// Whether its row is another than a timer's.
    pub after_timers: bool,
    /// The depth of its rule in the graph of subscriptions; 0 subscribes to nothing.
    pub depth: usize,
    /// Its rule.
    pub rule: RuleId,
    /// Its index among that rule's findings at the position.
    pub index: u32,
    /// The time of its row.
    pub time: Timestamp,
    /// Its line, with itself.
    pub line: Line,
}

impl OrderedOccasion {
    /// The form that findings and audit records have.
    #[must_use]
    pub fn recorded(&self) -> Occasion {
        match self {
            OrderedOccasion::Event => Occasion::Event,
            OrderedOccasion::Timer(timer) => Occasion::Timer { id: timer.id.to_string(), at: timer.at },
            OrderedOccasion::Finding(finding) => Occasion::Finding { rule: finding.rule.clone(), index: finding.index },
        }
    }
}

impl Sequenced {
    /// The sort key of a rule's rows.
    #[must_use]
    pub fn order(&self) -> (u64, &OrderedOccasion) {
        (self.position, &self.occasion)
    }

    /// The row's time: the event's, or the time that the timer was set for.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        match &self.occasion {
            OrderedOccasion::Event => self.event.time,
            OrderedOccasion::Timer(timer) => timer.at,
            OrderedOccasion::Finding(finding) => finding.time,
        }
    }

    /// The line of the row alone: of its event, or of the finding that it is.
    pub(crate) fn line(&self) -> Line {
        match &self.occasion {
            OrderedOccasion::Finding(finding) => finding.line.clone(),
            OrderedOccasion::Event | OrderedOccasion::Timer(_) => Line::of_event(&self.event),
        }
    }

    /// The occasion as the interface names it: the only place that makes a [`RowKind`].
    pub(crate) fn row_kind(&self) -> RowKind {
        match &self.occasion {
            OrderedOccasion::Event if self.late => RowKind::Late,
            OrderedOccasion::Event => RowKind::Event,
            OrderedOccasion::Timer(timer) => RowKind::Timer(timer.id.to_string()),
            OrderedOccasion::Finding(_) => RowKind::Finding,
        }
    }

    /// The row of a timer that this row set. `position` and `clock` are those of the event that brought the tick.
    pub(crate) fn into_timer_row(self, timer: DueTimer, tick: Tick, position: u64, clock: Timestamp) -> Sequenced {
        Sequenced {
            position,
            watermark: tick.at,
            clock,
            late: false,
            occasion: OrderedOccasion::Timer(Arc::new(timer)),
            event: self.event,
            seed: self.seed,
        }
    }

    /// The row of a finding, for the rules that subscribe to its rule; `depth` is that rule's in the graph of
    /// subscriptions.
    #[must_use]
    pub fn finding_row(finding: &BundledFinding, depth: usize) -> Sequenced {
        let BundledFinding { finding, row, .. } = finding;
        let mut event = Event::clone(&row.event);
        let text = |text: &str| Value::Text(Arc::from(text));
        event.fields.set(FieldId::FindingRule, text(finding.rule.as_str()));
        event.fields.set(FieldId::FindingClass, text(finding.signal_class.id()));
        event.fields.set(FieldId::FindingConfidence, Value::Unsigned(u64::from(finding.confidence)));
        event.fields.set(FieldId::FindingSeverity, Value::Unsigned(u64::from(finding.severity.severity_id())));
        event.fields.set(FieldId::FindingRole, text(finding.role.id()));
        let delivered = DeliveredFinding {
            after_timers: !row.is_timer(),
            depth,
            rule: finding.rule.clone(),
            index: finding.index,
            time: row.time(),
            line: Line::of_finding(finding),
        };
        let occasion = OrderedOccasion::Finding(Arc::new(delivered));
        Sequenced { event: Arc::new(event), late: false, occasion, ..row.clone() }
    }

    /// Whether the row is a timer's.
    #[must_use]
    pub fn is_timer(&self) -> bool {
        matches!(self.occasion, OrderedOccasion::Timer(_))
    }
}
