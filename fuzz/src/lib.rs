//! What must hold whatever bytes come: one module a target, each with one `check`. It panics where a promise is broken
//! and returns whether the bytes were accepted, which the seeds are tested with.
//!
//! The targets under `targets/` hand libFuzzer's bytes to these functions and nothing more.

#![forbid(unsafe_code)]

pub mod admission;
pub mod admission_child;
pub mod answer;
pub mod component;
pub mod configuration;
pub mod declaration;
pub mod envelopes;
pub mod operator_files;
pub mod recorder_rows;
pub mod telemetry;

#[cfg(test)]
mod seeds;
