//! What becomes of a record: an event, or a dead letter that says why there is none.

use countersign_model::vocabulary::text_ids;
use countersign_model::{Digest, Event, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Hint, Occurrence, SharedAct};

/// One record of an input.
#[derive(Clone, Debug)]
pub enum Record {
    /// A record that became an event.
    Event {
        /// The event. Without a receipt time its `ingest_time` is its own time, until the host that sequences it
        /// sets the greatest event time sequenced so far.
        event: Box<Event>,
        /// Whether `ingest_time` is the record's own receipt time.
        has_receipt_time: bool,
        /// How often the record has come, if it has no id of its own.
        occurrence: Option<Occurrence>,
        /// The act of which it is a copy, if its provider says so.
        shared: Option<SharedAct>,
    },
    /// What could not become one.
    DeadLetter(DeadLetter),
}

impl Record {
    /// The time of its event; none of a dead letter.
    #[must_use]
    pub fn event_time(&self) -> Option<Timestamp> {
        match self {
            Record::Event { event, .. } => Some(event.time),
            Record::DeadLetter(_) => None,
        }
    }
}

/// A piece of an input that could not become an event. Serializes as one line of a dead-letter file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Which input, from 0.
    pub input: u32,
    /// Its place among the input's records, dead letters counted, from 0.
    pub ordinal: u64,
    /// Byte offset after decompression.
    pub offset: u64,
    /// Bytes; 0 where the input ends too early or can't be read on and nothing was left over.
    pub length: u64,
    /// The digest of the piece of input: see [`crate::piece_digest`]. Not part of the line.
    #[serde(skip, default = "no_digest")]
    pub digest: Digest,
    /// Why, for machines.
    pub reason_code: DeadReason,
    /// Why, for people.
    pub reason: String,
    /// The first bytes as text, at most [`DeadLetter::EXCERPT_BYTES`] of them. It may hold what the record holds:
    /// a dead-letter file is as private as the telemetry.
    pub excerpt: String,
    /// What the bytes look like, if not like what was expected.
    pub hint: Option<Hint>,
}

fn no_digest() -> Digest {
    Digest([0; 32])
}

impl DeadLetter {
    /// How many bytes of a record an excerpt shows at most.
    pub const EXCERPT_BYTES: usize = 160;
}

text_ids! {
    /// Why a piece of an input could not become an event. The codes are stable.
    pub enum DeadReason {
        /// The record isn't UTF-8.
        NotUtf8 = "not-utf8",
        /// The record isn't JSON.
        MalformedJson = "malformed-json",
        /// The record or the input ends too early.
        Truncated = "truncated",
        /// The record is JSON, but not an object.
        NotAnObject = "not-an-object",
        /// The record has no event time.
        EventTimeMissing = "event-time-missing",
        /// An id of the record, its own or that of an account, a session, a credential or a trust, is longer than 512 bytes:
        /// it would be repeated in everything that is recorded about it.
        IdTooLong = "id-too-long",
        /// The record's event time is not a time.
        EventTimeInvalid = "event-time-invalid",
        /// The record has no name of an operation and no number of an event.
        EventNameMissing = "event-name-missing",
        /// The record has data of its own that couldn't be read: they are in a shape that isn't known, or missing.
        EventDataUnread = "event-data-unread",
        /// The record is of an OCSF class that isn't read, or of none.
        ClassUnsupported = "class-unsupported",
        /// The record has the signs of no format, nor of an envelope. Only where the format isn't named.
        SourceUnknown = "source-unknown",
        /// The record has the signs of several formats. Only where the format isn't named.
        SourceAmbiguous = "source-ambiguous",
        /// The record is longer than the reader's cap.
        RecordTooLarge = "record-too-large",
        /// Text beside the records of a `{"Records": […]}` document, in which records may be.
        UnexpectedText = "unexpected-text",
        /// The compressed data is damaged from here on.
        DamagedCompression = "damaged-compression",
        /// The compressed data comes to far more than it is made of: it isn't read on.
        ExpandsTooFar = "expands-too-far",
        /// The record stands in more envelopes than are opened.
        NestedTooDeep = "nested-too-deep",
        /// The input can't be read from here on.
        Unreadable = "unreadable",
        /// The event's time lies too far ahead of the events around it. Found by the host that sequences, not by a format.
        TimeFarAhead = "time-far-ahead",
    }
}

impl DeadReason {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.id()
    }
}
