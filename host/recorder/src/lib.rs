//! The recorder: every input of a host, durable and in one order before it is judged (`recorder.db`).
//!
//! Records of sources are appended in batches. A sender is answered once its batch is on the disk, together with the bookmark
//! after it and the sender's idempotency key. What the host itself puts in (time, generations, people's words, outcomes) is
//! kept apart, so that it never waits behind records: it gets its place in the order, before a batch, when its turn comes. The
//! order is on the disk before anything is judged by it, so a recorder can be judged again with the same result.
//!
//! One thread writes, and commits at once what several senders wait for. Any number of readers read. What isn't judged yet is
//! never dropped: where there is no room for more, senders are refused, each only beyond its share. All that is on record counts:
//! batches, host inputs and what they name.

mod append;
mod clock;
mod error;
mod packed;
mod queue;
mod read;
mod recorder;
mod retention;
mod room;
mod state;
mod tables;
mod writer;

pub use append::{Append, Appended, HostInputKind, Idempotency, NewContent, NewHostInput};
pub use clock::HostClock;
pub use error::{AppendError, RecorderError};
pub use queue::Reply;
pub use read::{
    Arrivals, Extent, RecordedBatch, RecordedHostInput, RecordedSource, RecorderReader, SPAN, SourceStanding,
};
pub use recorder::{Recorder, RecorderOptions};
pub use room::Room;
pub use state::Figures;

/// What a recorder is.
static RECORDER: countersign_database::Kind = countersign_database::Kind {
    name: "recorder",
    application_id: i32::from_be_bytes(*b"CSGR"),
    steps: &[include_str!("schema/1.sql"), include_str!("schema/2.sql")],
    shrinks: false,
    update: "start `countersign run` with it once, which brings it up to date",
};

/// The level at which batches are compressed: telemetry comes to a tenth, at some 300 MB a second.
const LEVEL: i32 = 1;

/// Generations that stay on record beside those of the recorded past, to serve again: so many before the one with which that
/// begins. Fewer where what they are made of takes more than a quarter of the room.
pub const KEPT_GENERATIONS: usize = 16;

/// A number as SQLite holds it. What is past its maximum is past the last row.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
