//! The one path from telemetry to audited decisions: event → finding → incident → proposal → decision; and its
//! recomputation: every finding and decision of an audit file is made again from its bundles. Callers open the telemetry.

pub mod bench;
pub mod bundle;
pub mod cases;
mod chunk;
pub mod deliberate;
pub mod explain;
pub mod generation;
mod graph;
mod horizon;
mod ledger;
pub mod recompute;
pub mod report;
pub mod respond;
pub mod run;
mod sequence;
mod spill;
pub mod subject;
mod workers;

pub use cases::{CaseError, DetectionCase, case_findings, feeders, find_cases, open_case, open_incident, run_case};
pub use countersign_context::{ContextFiles, GeoFile, GeoFileError, MAX_GEO_BYTES};
pub use explain::{Explanation, explain};
pub use generation::{Generation, LoadFault, LoadReason, RuleFile, Settings};
pub use graph::SubscriptionFault;
pub use recompute::{Difference, RecomputeError, Recomputed, recompute};
pub use report::{DecisionLine, Notice, Observer, Report, Summary};
pub use run::{RunError, RunOptions, run};
