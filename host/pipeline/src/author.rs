//! Tools of rules' authors: cases, explanations of single events, and measurements.

pub mod bench;
pub mod cases;
pub mod explain;
