//! What came of a rule's rows: findings with their bundles, rows set aside, diagnostics, changed state.

use std::sync::Arc;

use countersign_model::call::{CallFailure, DetectionAnswer, DetectionCall, Level};
use countersign_model::{Finding, StateChange, TimerChange};

use crate::Sequenced;

/// The one-row call that a finding comes from: enough to make it again.
#[derive(Debug)]
pub struct Bundle {
    /// What the rule was given.
    pub call: DetectionCall,
    /// What it said.
    pub answer: DetectionAnswer,
}

/// A finding with its row and bundle.
#[derive(Clone, Debug)]
pub struct Found {
    /// The finding.
    pub finding: Finding,
    /// The row it is about.
    pub row: Sequenced,
    /// Its place among the findings of the answer.
    pub place: u32,
    /// The call it comes from; findings of one row share it.
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

/// A row on which a batch and the one-row calls disagreed.
#[derive(Clone, Debug)]
pub struct Disagreement {
    /// The last row of the key in the batch.
    pub row: Sequenced,
    /// What differs.
    pub what: &'static str,
}

/// What a rule said to its author about a row.
#[derive(Clone, Debug)]
pub struct RowDiagnostic {
    /// The row.
    pub row: Sequenced,
    /// Its place among the rule's diagnostics on the row.
    pub index: u32,
    /// How grave.
    pub level: Level,
    /// The text.
    pub message: String,
}

/// What came of some rows. Each list is in the order of the rows.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Findings.
    pub found: Vec<Found>,
    /// Rows set aside.
    pub failures: Vec<RowFailure>,
    /// Where the rule contradicted itself.
    pub disagreements: Vec<Disagreement>,
    /// For the author.
    pub diagnostics: Vec<RowDiagnostic>,
    /// Changed state, each key of a slot once.
    pub state: Vec<StateChange>,
    /// The row at which the wall-clock deadline struck twice: the rule ran no further.
    pub stopped: Option<RowFailure>,
    /// Timers set, moved, cancelled or come, each once.
    pub timers: Vec<TimerChange>,
}

impl Outcome {
    pub(crate) fn sort(&mut self) {
        self.found.sort_by(|a, b| (a.row.order(), a.place).cmp(&(b.row.order(), b.place)));
        self.failures.sort_by(|a, b| a.row.order().cmp(&b.row.order()));
        self.disagreements.sort_by(|a, b| a.row.order().cmp(&b.row.order()));
        self.diagnostics.sort_by(|a, b| (a.row.order(), a.index).cmp(&(b.row.order(), b.index)));
    }
}
