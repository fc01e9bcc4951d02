//! Telemetry sources: files of raw records in; normalised events and dead letters out, in the order of delivery.
//!
//! A source is one module and one entry in [`SOURCES`]. The module says how a record is read, what its event is, and in
//! one table which field comes from what (`normalise`). All else is shared: the reader, which cuts an input into raw
//! records with bounded memory ([`reader`]); reading JSON without building trees (`json`); ids for records without one
//! (`occurrences`); and [`merge()`], which joins several inputs.
//!
//! Three promises hold for every source. Nothing is dropped silently: each byte of an input is part of an event's raw
//! record, part of a dead letter, or the framing between records. No record is fatal: only an input that can't be
//! opened is an error. And the same bytes give the same records, whatever the sizes of the reads.

mod auto;
mod cloudtrail;
pub mod documentation;
mod intern;
mod json;
mod merge;
mod normalise;
mod occurrences;
mod ocsf;
mod okta;
mod os;
pub mod reader;
mod record;
mod source;
mod values;
mod windows;

pub use auto::Auto;
pub use cloudtrail::CloudTrail;
pub use merge::{Merge, merge};
pub use ocsf::Ocsf;
pub use okta::Okta;
pub use record::{DeadLetter, DeadReason, Record, SourceError};
pub use source::{Records, SOURCES, Source, UnknownSource, source};
pub use windows::WindowsSecurity;
