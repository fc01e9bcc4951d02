//! Tests of a rule without a host: rows from field values, judged in batches of any size with state carried between
//! them. Native only.
//!
//! ```ignore
//! let mut bench = Bench::<Rule>::new().set("threshold", Value::Integer(3));
//! let found = bench.feed(&[row().at("2024-01-01T00:00:00Z").key("AIDA1").api_operation("ListBuckets")]);
//! assert!(found.is_empty());
//! ```
//!
//! A response rule is given incidents, by [`incident`] and [`ResponseBench`].
//!
//! Timers come when a test lets time pass: [`Bench::pass`]. Another rule's finding is a row made with
//! [`Row::finding`] and its `finding_…` setters.
//!
//! The rest of the host's part isn't here: rows come as given, whatever `where` says, and slots neither expire nor fill
//! up.

mod bench;
mod columns;
mod incident;
mod row;
mod settings;
mod tables;

pub use bench::{Bench, Found};
pub use incident::{IncidentBuilder, Proposed, ResponseBench, incident};
pub use row::{Row, Value, address, row, time};
