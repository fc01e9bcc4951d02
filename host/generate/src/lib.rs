//! The seeded generator of telemetry that the demo, the tests and the benchmarks share.
//!
//! An [`Estate`] (accounts, people, service accounts, roles, instances, networks, an Okta org, a Windows domain) does
//! its ordinary work, which one system at a time sees ([`Telemetry`]);
//! [`Attack`]s and [`Burst`]s are laid over it. The same seed gives the same bytes on every machine: chance comes
//! from numbered ChaCha8 streams, arithmetic is on integers, and keys keep the order in which they were written.
//! What is an attack stands in [`Label`]s beside the records, never in them.
//!
//! ```
//! use countersign_generate::{Preset, Telemetry};
//!
//! let generated = Preset::Demo.scenario(Telemetry::CloudTrail, 1, None).build();
//! let first = generated.records.take(1).map(|record| record.line).collect::<String>();
//! assert!(first.starts_with(r#"{"eventVersion":"#));
//! ```

mod attacks;
mod bursts;
mod cloudtrail;
mod disorder;
mod estate;
mod json;
mod label;
mod okta;
mod ordinary;
mod output;
mod plan;
mod preset;
mod random;
mod scenario;
mod telemetry;
mod time;
mod windows;

pub use attacks::Attack;
pub use bursts::Burst;
pub use disorder::{Bad, Delivered, Delivery, Disorder};
pub use estate::{Estate, Size};
pub use label::{Expected, HowMany, Label};
pub use output::{write_ndjson, write_records_object};
pub use preset::Preset;
pub use scenario::{Generated, Records, START, ScenarioBuilder, scenario};
pub use telemetry::Telemetry;
