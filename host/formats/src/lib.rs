//! Formats of telemetry: bytes in; raw records, then normalised events and dead letters out, in the order of delivery.
//! Pure: where the bytes come from is the affair of `countersign-inputs`.
//!
//! A format is one module and one entry in [`FORMATS`]. The module defines how a record is recognised and read, what its
//! event is, and in one table which field comes from what (`normalise`). All else is shared: undoing what an input is packed
//! in ([`unpack`]); the reader, which cuts an input into raw records with bounded memory ([`reader`]); what stands around
//! records ([`envelope`]); reading JSON without building trees (`json`); ids for records without one (`occurrences`); and
//! recognising what can't be decoded ([`hint()`]).
//!
//! Three promises hold for every format. Nothing is dropped silently: each byte of an input is part of an event's raw
//! record, part of a dead letter, or what stands around records and between them. No record is fatal. And the same bytes give the same
//! records, whatever the sizes of the reads.
//!
//! ```
//! use countersign_formats::{Record, format_by_name};
//!
//! let format = format_by_name("cloudtrail")?;
//! let log: &[u8] = br#"
//!     {"eventID": "e-1", "eventTime": "2024-05-01T10:00:00Z", "eventSource": "s3.amazonaws.com", "eventName": "GetObject"}
//!     {"eventID": "e-2"}
//! "#;
//! for record in format.read(Box::new(log), 0) {
//!     match record {
//!         Record::Event { event, .. } => println!("{} {} {}", event.time, event.class, event.id),
//!         Record::DeadLetter(letter) => println!("{}: {}", letter.reason_code.code(), letter.reason),
//!     }
//! }
//! # let records: Vec<Record> = format.read(Box::new(log), 0).collect();
//! # assert!(matches!(&records[..], [Record::Event { event, .. }, Record::DeadLetter(_)] if *event.id == *"e-1"));
//! # Ok::<(), countersign_formats::UnknownFormat>(())
//! ```

mod auto;
mod binding;
mod bounds;
mod cloudtrail;
mod decoder;
mod directory;
pub mod documentation;
pub mod envelope;
mod fault;
mod format;
mod hint;
mod intern;
mod json;
mod normalise;
mod occurrences;
mod ocsf;
mod okta;
mod opened;
mod os;
pub mod reader;
mod record;
mod shared;
mod signs;
mod times;
pub mod unpack;
mod values;
mod windows;

pub use auto::Auto;
pub use binding::{SourceBinding, TenantPattern};
pub use cloudtrail::CloudTrail;
pub use decoder::{Decode, Decoder, Records, piece_digest};
pub use directory::DirectoryLog;
pub use fault::Fault;
pub use format::{FORMATS, Format, UnknownFormat, format_by_name};
pub use hint::{Hint, hint};
pub use occurrences::Occurrence;
pub use ocsf::Ocsf;
pub use okta::Okta;
pub use record::{DeadLetter, DeadReason, Record};
pub use shared::SharedAct;
pub use signs::Signs;
pub use windows::WindowsSecurity;
