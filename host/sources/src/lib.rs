//! Telemetry sources: files of raw records in; normalised events and dead letters out, in the order of delivery.
//!
//! A source is one module with a normaliser and one entry in [`SOURCES`]. What all share is here too: the reader, which
//! cuts an input into raw records with bounded memory ([`reader`]), and [`merge()`], which joins several inputs.
//!
//! Three promises hold for every source. Nothing is dropped silently: each byte of an input is part of an event's raw
//! record, part of a dead letter, or the framing between records. No record is fatal: only an input that can't be
//! opened is an error. And the same bytes give the same records, whatever the sizes of the reads.

mod cloudtrail;
mod intern;
mod merge;
pub mod reader;
mod record;
mod source;

pub use cloudtrail::CloudTrail;
pub use merge::{Merge, merge};
pub use record::{DeadLetter, DeadReason, Record, SourceError};
pub use source::{Records, SOURCES, Source, UnknownSource, source};
