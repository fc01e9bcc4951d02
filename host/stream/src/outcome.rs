//! The outcome of a rule's rows: findings with their bundles, rows set aside, diagnostics, changed state.

use std::sync::Arc;

use countersign_model::call::{CallFailure, DetectionAnswer, DetectionCall, Level};
use countersign_model::{Finding, StateChange, TimerChange};

use crate::{BegunHold, Sequenced};

/// The one-row call that made a finding: enough to make it again.
#[derive(Debug)]
pub struct Bundle {
    /// What the rule was given.
    pub call: DetectionCall,
    /// What it answered.
    pub answer: DetectionAnswer,
}

/// A finding with its row and bundle.
#[derive(Clone, Debug)]
pub struct BundledFinding {
    /// The finding.
    pub finding: Finding,
    /// The row it is about.
    pub row: Sequenced,
    /// Its index among the findings of the answer.
    pub place: u32,
    /// The call that made it; findings of one row share it.
    pub bundle: Arc<Bundle>,
}

/// A row set aside for one rule.
#[derive(Clone, Debug)]
pub struct RowFailure {
    /// The row.
    pub row: Sequenced,
    /// Why.
    pub failure: CallFailure,
}

/// A hold that began after a row on which the rule failed, or missed the deadline.
#[derive(Clone, Debug)]
pub struct RowHold {
    /// The row.
    pub row: Sequenced,
    /// The hold.
    pub begun: BegunHold,
}

/// A key whose batch and one-row calls disagreed.
#[derive(Clone, Debug)]
pub struct Disagreement {
    /// The last row of the key in the batch.
    pub row: Sequenced,
    /// What differs: `findings`, `state` or `timers`.
    pub what: &'static str,
}

/// A rule's diagnostic about a row, for its author.
#[derive(Clone, Debug)]
pub struct RowDiagnostic {
    /// The row.
    pub row: Sequenced,
    /// Its index among the rule's diagnostics on the row.
    pub index: u32,
    /// The severity.
    pub level: Level,
    /// The text.
    pub message: String,
}

/// The outcome of some rows. Each list is in the order of the rows.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Findings.
    pub findings: Vec<BundledFinding>,
    /// Rows set aside. One with which the rule missed the deadline twice is among those where a hold began instead.
    pub failures: Vec<RowFailure>,
    /// Where rows began to be held.
    pub begun: Vec<RowHold>,
    /// Rows that the rule was called with.
    pub delivered: u64,
    /// Rows that were held.
    pub held: u64,
    /// Where the rule contradicted itself.
    pub disagreements: Vec<Disagreement>,
    /// For the author.
    pub diagnostics: Vec<RowDiagnostic>,
    /// Changed state, each key of a slot once.
    pub state: Vec<StateChange>,
    /// Timers set, moved, cancelled or fired, each once.
    pub timers: Vec<TimerChange>,
}

impl Outcome {
    pub(crate) fn sort(&mut self) {
        self.findings.sort_by(|a, b| (a.row.order(), a.place).cmp(&(b.row.order(), b.place)));
        self.failures.sort_by(|a, b| a.row.order().cmp(&b.row.order()));
        self.disagreements.sort_by(|a, b| a.row.order().cmp(&b.row.order()));
        self.diagnostics.sort_by(|a, b| (a.row.order(), a.index).cmp(&(b.row.order(), b.index)));
    }
}
