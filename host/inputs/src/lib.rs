//! Inputs of telemetry: where its bytes come from.
//!
//! An [`Input`] delivers raw records, each with a [`Bookmark`] after which reading can go on. What the records mean is
//! the affair of `countersign-formats`. [`ByteInput`] reads a file, plain or packed, or anything else that gives bytes
//! once; [`Inputs`] are those that a command line names: files, directories and standard input. [`merge()`] decodes
//! several inputs and joins them by event time, as far as it is believed. [`Inputs::turn`] reads files that are newest first
//! from their end.
//!
//! What is recorded before it is judged comes as [`Batch`]es: a [`Cutter`] cuts them out of what an input gives.

mod batch;
mod byte_input;
mod cutter;
mod delivered;
mod direction;
mod input;
mod inputs;
mod merge;
mod paths;
mod processed;
mod sources;
mod stream_input;
mod tail;
mod turned;

pub use batch::{Batch, MAX_BATCH_BYTES, MAX_BATCH_RECORDS};
pub use byte_input::ByteInput;
pub use cutter::Cutter;
pub use delivered::Delivered;
pub use input::{Bookmark, Input, InputId, InputRecord, NotDelivered};
pub use inputs::{InputError, Inputs, Reading};
pub use merge::{Merge, ReadAs, Received, SKEW, WithFormat, merge, resume};
pub use processed::{InputChanged, Processed};
pub use sources::{MAX_SOURCES_BYTES, PolledLog, PolledProvider, Source, SourceKind, Sources, Transport};
pub use stream_input::StreamInput;
pub use tail::{BookmarkError, Polled, Problem, Tail};

use std::io::Read;

/// What an input reads its bytes from.
pub type Bytes = Box<dyn Read + Send>;
