//! Ids for records without one: SHA-256 of the canonical record and how often it has come.

use std::collections::{BTreeMap, VecDeque};

use countersign_model::Digest;

/// The most different records without an id that are counted at once, of each input.
const MAX_COUNTED: usize = 1 << 16;

/// Counts records without an id, each input for itself. Past 65,536 different ones of an input the oldest is forgotten,
/// and would be counted from 0 again: the price of bounded memory, and far from what a trail delivers.
#[derive(Default)]
pub(crate) struct Occurrences {
    inputs: BTreeMap<u32, Counts>,
}

#[derive(Default)]
struct Counts {
    counts: BTreeMap<Digest, u64>,
    order: VecDeque<Digest>,
}

impl Occurrences {
    /// The id of a record: `sha256-`, the digest of its canonical form (RFC 8785), `-` and its number among equal ones
    /// of the input, from 0. A record too deep to be made canonical goes by the digest of its bytes.
    pub(crate) fn id(&mut self, input: u32, raw: &str, bytes: Digest) -> String {
        let canonical = serde_json::from_str::<serde_json::Value>(raw).ok();
        let canonical = canonical.and_then(|value| serde_json_canonicalizer::to_vec(&value).ok());
        let digest = canonical.map_or(bytes, |canonical| Digest::of(&canonical));
        format!("sha256-{digest}-{}", self.inputs.entry(input).or_default().number(digest))
    }

    /// Forgets an input that has ended.
    pub(crate) fn end(&mut self, input: u32) {
        self.inputs.remove(&input);
    }
}

impl Counts {
    fn number(&mut self, digest: Digest) -> u64 {
        if let Some(count) = self.counts.get_mut(&digest) {
            *count += 1;
            return *count;
        }
        if self.order.len() >= MAX_COUNTED
            && let Some(oldest) = self.order.pop_front()
        {
            self.counts.remove(&oldest);
        }
        self.counts.insert(digest, 0);
        self.order.push_back(digest);
        0
    }
}
