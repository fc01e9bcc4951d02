//! Tools of rules' authors: cases, explanations of single events, and measurements.

pub mod bench;
pub mod cases;
pub mod explain;

pub use cases::{CaseError, DetectionCase, case_findings, feeders, find_cases, open_case, open_incident, run_case};
pub use explain::{Explanation, explain};
