//! How far an input was processed: enough to go on after it, and to see that its records are still the same.

use std::collections::BTreeMap;

use countersign_formats::{Occurrence, piece_digest};
use countersign_model::{Digest, Timestamp};

use crate::input::{Bookmark, Input, InputId};

/// How far an input was processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Processed {
    /// Its records so far, dead letters included.
    pub records: u64,
    /// Where it goes on.
    pub bookmark: Bookmark,
    /// The time at which its next record waits if that is a dead letter: that of the last record so far
    /// ([`Received::turn`](crate::Received::turn)).
    pub time: Timestamp,
    /// Whether it is read from its end.
    pub turned: bool,
    /// A digest over its records so far; see [`Processed::content_after`].
    pub content: Digest,
    /// What was counted of its records without an id, by the source of their events.
    pub counted: BTreeMap<String, Vec<Occurrence>>,
}

impl Default for Processed {
    fn default() -> Self {
        Processed {
            records: 0,
            bookmark: Bookmark::START,
            time: Timestamp::MIN,
            turned: false,
            content: Digest([0; 32]),
            counted: BTreeMap::new(),
        }
    }
}

/// An input that doesn't have the records any more that were processed before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{input}`: expected the {expected} records that were processed before, got {}: restore it, name the inputs in the same order with further ones after them, or use another store",
    if *.got < *.expected { format!("only {got}") } else { "others".to_owned() }
)]
pub struct InputChanged {
    /// The input.
    pub input: InputId,
    /// How many records were processed.
    pub expected: u64,
    /// How many of as many records it has.
    pub got: u64,
}

impl Processed {
    /// The digest over the records of an input with one record more: BLAKE3 of the digest before and the record's
    /// ([`piece_digest`]); before the first record it is zeros.
    #[must_use]
    pub fn content_after(before: &Digest, record: &Digest) -> Digest {
        let mut both = [0; 64];
        both[..32].copy_from_slice(&before.0);
        both[32..].copy_from_slice(&record.0);
        Digest(*blake3::hash(&both).as_bytes())
    }

    /// Reads the records that were processed before from the beginning of an input.
    ///
    /// # Errors
    /// When it has others.
    pub(crate) fn skip(&self, input: &mut dyn Input) -> Result<(), InputChanged> {
        let mut content = Digest([0; 32]);
        for got in 0..self.records {
            let Some(record) = input.next() else {
                return Err(InputChanged { input: input.id().clone(), expected: self.records, got });
            };
            content = Processed::content_after(&content, &piece_digest(&record.piece));
        }
        if content == self.content {
            return Ok(());
        }
        Err(InputChanged { input: input.id().clone(), expected: self.records, got: self.records })
    }
}
