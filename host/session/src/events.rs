//! Events in sequence, as rules would see them, without judging any.

use countersign_formats::{DeadLetter, Record};
use countersign_model::RawAddress;
use countersign_stream::Sequenced;

use crate::sequence::{Next, Sequencer};

/// What a record becomes.
pub enum Entry {
    /// An event in its place.
    Event(Sequenced),
    /// A record delivered before: no rule sees it again.
    Duplicate(RawAddress),
    /// A record that couldn't become an event, or whose time is too far ahead.
    DeadLetter(DeadLetter),
}

/// Puts records into the sequence in which a run judges them, with the same positions. `max_gap` is that of
/// [`RunOptions`](crate::RunOptions), microseconds.
pub fn sequence(records: impl Iterator<Item = Record>, max_gap: i64) -> impl Iterator<Item = Entry> {
    Sequencer::new(records, max_gap).map(|next| match next {
        Next::Event { event, .. } => Entry::Event(event),
        Next::Duplicate(raw) => Entry::Duplicate(raw),
        Next::DeadLetter(letter) => Entry::DeadLetter(letter),
    })
}
