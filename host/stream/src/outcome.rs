//! What came of a rule's rows: findings with their bundles, rows set aside, diagnostics, changed state.

use std::sync::Arc;

use countersign_model::call::{CallFailure, DetectionAnswer, DetectionCall, Level};
use countersign_model::{Finding, StateChange};

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
    /// The row's position.
    pub position: u64,
    /// The row's event.
    pub event_id: Arc<str>,
    /// Its place among the rule's diagnostics on the row.
    pub index: u32,
    /// How grave.
    pub level: Level,
    /// The text.
    pub message: String,
}

/// What came of some rows. Each list is in the order of positions.
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
    /// Timers that the rule set; this version doesn't fire them.
    pub timers: u64,
}

impl Outcome {
    pub(crate) fn sort(&mut self) {
        self.found.sort_by_key(|found| (found.finding.position, found.finding.index));
        self.failures.sort_by_key(|failure| failure.row.position);
        self.disagreements.sort_by_key(|disagreement| disagreement.row.position);
        self.diagnostics.sort_by_key(|diagnostic| (diagnostic.position, diagnostic.index));
    }
}
