//! Ids for records without one: SHA-256 of the canonical record and how often it has come.

use std::collections::{BTreeMap, VecDeque};

use countersign_model::Digest;

/// The most different records without an id that are counted at once.
const MOST: usize = 1 << 16;

/// Counts records without an id within one input. Past 65,536 different ones the oldest is forgotten, and would be
/// counted from 0 again: the price of bounded memory, and far from what a trail delivers.
#[derive(Default)]
pub(crate) struct Occurrences {
    counts: BTreeMap<Digest, u64>,
    order: VecDeque<Digest>,
}

impl Occurrences {
    /// The id of a record: `sha256-`, the digest of its canonical form (RFC 8785), `-` and its number among its like,
    /// from 0. A record too deep to be made canonical goes by the digest of its bytes.
    pub(crate) fn id(&mut self, raw: &str, bytes: Digest) -> String {
        let canonical = serde_json::from_str::<serde_json::Value>(raw).ok();
        let canonical = canonical.and_then(|value| serde_json_canonicalizer::to_vec(&value).ok());
        let digest = canonical.map_or(bytes, |canonical| Digest::of(&canonical));
        let number = match self.counts.get_mut(&digest) {
            Some(count) => {
                *count += 1;
                *count
            }
            None => {
                if self.order.len() >= MOST
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.counts.remove(&oldest);
                }
                self.counts.insert(digest, 0);
                self.order.push_back(digest);
                0
            }
        };
        format!("sha256-{digest}-{number}")
    }
}
