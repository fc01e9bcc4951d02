//! What a session is given, one after another: whatever can change a decision is one of these, and has a place in the
//! order in which they come.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_formats::{DeadLetter, Occurrence, Record};
use countersign_generation::Generation;
use countersign_inputs::{Bookmark, Received};
use countersign_model::{Digest, Event, HostNote, Patience, Place, SourceId, SourceStanding, Timestamp};

use crate::horizon::Fingerprint;
use crate::kept::KeptRules;

/// One input of a session.
pub enum Input {
    /// A record of telemetry.
    Record(Arrival),
    /// Time passed: the host's own clock shows this, as it is on record.
    Time(Timestamp),
    /// Another generation serves from here on.
    Generation(Swap),
    /// A source stands otherwise from here on, as it is on record.
    Source(SourceStanding),
    /// The host puts something about itself on record.
    Note(HostNote),
}

/// What changes when another generation serves.
pub struct Swap {
    /// The generation.
    pub generation: Arc<Generation>,
    /// Its number, where whoever keeps the generations gives it one; else the next one.
    pub number: Option<u64>,
    /// How long the records of its sources are waited for; see [`SessionOptions::patience`](crate::SessionOptions::patience).
    pub patience: Arc<BTreeMap<SourceId, Patience>>,
    /// What some of its rules have kept instead of what they, or others of the same ids, keep now: empty but where a
    /// generation serves again.
    pub restored: KeptRules,
}

/// A record with what can be computed before its turn, on any thread.
pub struct Arrival {
    pub(crate) what: Arrived,
    pub(crate) bookmark: Bookmark,
    pub(crate) arrived: Option<Timestamp>,
    /// Of its place among the inputs; see [`Received`].
    pub(crate) turned: bool,
    pub(crate) turn: Timestamp,
    pub(crate) others: Option<Timestamp>,
}

/// What arrived. An event is shared from here on: it is allocated on the thread that reads, which also frees it.
pub(crate) enum Arrived {
    Event {
        event: Arc<Event>,
        has_receipt_time: bool,
        occurrence: Option<Occurrence>,
        fingerprint: Fingerprint,
        /// Of the act of which it is a copy.
        act: Option<Fingerprint>,
    },
    DeadLetter(DeadLetter),
}

impl Arrival {
    /// A record that arrived at a time of the host's own clock, as it is on record; none where only the records' own
    /// times count, as in a replay of files.
    #[must_use]
    pub fn new(received: Received, arrived: Option<Timestamp>) -> Arrival {
        let Received { record, bookmark, turned, turn, others } = received;
        let what = match record {
            Record::Event { event, has_receipt_time, occurrence, shared } => {
                let fingerprint = Fingerprint::of(&event);
                let act = shared.map(|shared| Fingerprint::of_act(&event, &shared));
                Arrived::Event { event: Arc::from(event), has_receipt_time, occurrence, fingerprint, act }
            }
            Record::DeadLetter(letter) => Arrived::DeadLetter(letter),
        };
        Arrival { what, bookmark, arrived, turned, turn, others }
    }

    /// A record of which no clock of the host's says when it arrived.
    #[must_use]
    pub fn of(received: impl Into<Received>) -> Arrival {
        Arrival::new(received.into(), None)
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
    /// The time at which it had its turn among the inputs.
    pub(crate) turn: Timestamp,
    /// Whether its input is read from its end.
    pub(crate) turned: bool,
    /// The digest of the piece of input.
    pub(crate) digest: Digest,
    /// What a redelivery is recognised by, of an event that is none.
    pub(crate) fingerprint: Option<Fingerprint>,
    /// What other copies of its act are recognised by, if it is the first.
    pub(crate) act: Option<Fingerprint>,
    pub(crate) occurrence: Option<Occurrence>,
    /// The source of its event.
    pub(crate) source: Option<SourceId>,
    /// The place after it in a recorder.
    pub(crate) place: Option<Place>,
}
