//! What a session is given, one after another: whatever can change a decision is one of these, and has a place in the
//! order in which they come.

use std::sync::Arc;

use countersign_formats::{DeadLetter, Occurrence, Record};
use countersign_generation::Generation;
use countersign_inputs::{Bookmark, Received};
use countersign_model::{Digest, Event, RawAddress, SourceId, Timestamp};

use crate::horizon::Fingerprint;

/// One input of a session.
pub enum Input {
    /// A record of telemetry.
    Record(Arrival),
    /// Time passed: the host's own clock shows this, as it is on record.
    Time(Timestamp),
    /// Another generation serves from here on.
    Generation(Arc<Generation>),
}

/// A record with what can be computed before its turn, on any thread.
pub struct Arrival {
    pub(crate) what: Arrived,
    pub(crate) bookmark: Bookmark,
    pub(crate) arrived: Option<Timestamp>,
}

/// What arrived. An event is shared from here on: it is allocated on the thread that reads, which also frees it.
pub(crate) enum Arrived {
    Event { event: Arc<Event>, has_receipt_time: bool, occurrence: Option<Occurrence>, fingerprint: Fingerprint },
    DeadLetter(DeadLetter),
}

impl Arrival {
    /// A record that arrived at a time of the host's own clock, as it is on record; none where only the records' own
    /// times count, as in a replay of files.
    #[must_use]
    pub fn new(received: Received, arrived: Option<Timestamp>) -> Arrival {
        let Received { record, bookmark } = received;
        let what = match record {
            Record::Event { event, has_receipt_time, occurrence } => {
                let fingerprint = Fingerprint::of(&event, has_receipt_time);
                Arrived::Event { event: Arc::from(event), has_receipt_time, occurrence, fingerprint }
            }
            Record::DeadLetter(letter) => Arrived::DeadLetter(letter),
        };
        Arrival { what, bookmark, arrived }
    }

    /// A record that isn't read on from, as in tests and tools.
    #[must_use]
    pub fn of(record: Record) -> Arrival {
        Arrival::new(Received { record, bookmark: Bookmark::START }, None)
    }
}

impl From<Arrival> for Input {
    fn from(arrival: Arrival) -> Input {
        Input::Record(arrival)
    }
}

/// What is remembered of a record once its turn has come.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) input: u32,
    /// The record's bytes.
    pub(crate) length: u64,
    /// Where the input goes on.
    pub(crate) bookmark: Bookmark,
    /// The event's own time; none of a dead letter.
    pub(crate) time: Option<Timestamp>,
    /// The digest of the piece of input.
    pub(crate) digest: Digest,
    /// What a redelivery is recognised by, of an event that is none.
    pub(crate) fingerprint: Option<Fingerprint>,
    pub(crate) occurrence: Option<Occurrence>,
    /// The source of its event.
    pub(crate) source: Option<SourceId>,
}

impl Taken {
    pub(crate) fn event(raw: &RawAddress, time: Timestamp, bookmark: Bookmark) -> Taken {
        Taken {
            input: raw.input,
            length: raw.length,
            bookmark,
            time: Some(time),
            digest: raw.digest,
            fingerprint: None,
            occurrence: None,
            source: None,
        }
    }
}
