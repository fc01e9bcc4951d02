//! The one path from telemetry to audited decisions: event → finding → incident → proposal → decision; and its
//! recomputation: every finding and decision of an audit file is made again from its bundles. Callers open the telemetry.
//!
//! `generation` is what rules run with, `run` the path, `recompute` its repetition, `author` has the tools of rules'
//! authors; the other modules are shared by them.

mod author;
pub mod bundle;
pub mod deliberate;
pub mod events;
pub mod generation;
pub mod recompute;
pub mod report;
pub mod respond;
pub mod run;
pub mod subject;
mod workers;

pub use author::cases::{
    CaseError, DetectionCase, case_findings, feeders, find_cases, open_case, open_incident, run_case,
};
pub use author::explain::{Explanation, explain};
pub use author::{bench, cases, explain};
pub use countersign_context::{ContextFiles, FILE_TABLES, FileTable};
pub use generation::graph::SubscriptionFault;
pub use generation::{Generation, LoadFault, LoadReason, RuleFile, Settings};
pub use recompute::{Difference, RecomputeError, Recomputed, recompute};
pub use report::{DecisionLine, FindingLine, Notice, Observer, Report, Summary};
pub use run::{RunError, RunOptions, run};
