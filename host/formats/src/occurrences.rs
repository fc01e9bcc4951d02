//! Ids for records without one: SHA-256 of the canonical record and how often it has come.

use std::collections::{BTreeMap, VecDeque};

use countersign_model::{Digest, RawAddress};

/// The most different records without an id that are counted at once, of each input.
const MAX_COUNTED: usize = 1 << 16;

/// How often a record without an id has come in its input: what a decoder has to know again to go on after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// SHA-256 of the record's canonical form.
    pub digest: Digest,
    /// Its number among equal records of the input, from 0.
    pub number: u64,
    /// The ordinal of the first of these.
    pub first: u64,
    /// The record that is no longer counted, to make room for this one.
    pub forgotten: Option<Digest>,
}

/// Counts records without an id, each input for itself. Past 65,536 different ones of an input the oldest is forgotten,
/// and would be counted from 0 again: the price of bounded memory, and far from what a trail delivers.
#[derive(Default)]
pub(crate) struct Occurrences {
    inputs: BTreeMap<u32, Counts>,
}

#[derive(Default)]
struct Counts {
    /// The number of the last, and the ordinal of the first.
    counts: BTreeMap<Digest, (u64, u64)>,
    /// In the order of the first.
    order: VecDeque<Digest>,
}

impl Occurrences {
    /// Counts a record without an id. A record too deep to be made canonical (RFC 8785) goes by the digest of its bytes.
    pub(crate) fn count(&mut self, raw: &str, address: &RawAddress) -> Occurrence {
        let canonical = serde_json::from_str::<serde_json::Value>(raw).ok();
        let canonical = canonical.and_then(|value| serde_json_canonicalizer::to_vec(&value).ok());
        let digest = canonical.map_or(address.digest, |canonical| Digest::of(&canonical));
        self.inputs.entry(address.input).or_default().count(digest, address.ordinal)
    }

    /// Counts on after these, which were counted before of an input, in any order.
    pub(crate) fn restore(&mut self, input: u32, mut counted: Vec<Occurrence>) {
        counted.sort_by_key(|one| one.first);
        let counts = self.inputs.entry(input).or_default();
        for Occurrence { digest, number, first, .. } in counted {
            counts.order.push_back(digest);
            counts.counts.insert(digest, (number, first));
        }
    }

    /// What was counted of an input.
    pub(crate) fn counted(&self, input: u32) -> Vec<Occurrence> {
        let counts = self.inputs.get(&input);
        let counted = counts.into_iter().flat_map(|counts| &counts.counts);
        let one = |(digest, (number, first)): (&Digest, &(u64, u64))| Occurrence {
            digest: *digest,
            number: *number,
            first: *first,
            forgotten: None,
        };
        counted.map(one).collect()
    }

    /// Forgets an input that has ended.
    pub(crate) fn end(&mut self, input: u32) {
        self.inputs.remove(&input);
    }
}

impl Occurrence {
    /// The id of the record: `sha256-`, the digest, `-` and the number.
    pub(crate) fn id(&self) -> String {
        format!("sha256-{}-{}", self.digest, self.number)
    }
}

impl Counts {
    fn count(&mut self, digest: Digest, ordinal: u64) -> Occurrence {
        if let Some((number, first)) = self.counts.get_mut(&digest) {
            *number += 1;
            return Occurrence { digest, number: *number, first: *first, forgotten: None };
        }
        let full = self.order.len() >= MAX_COUNTED;
        let forgotten = if full { self.order.pop_front() } else { None };
        if let Some(oldest) = forgotten {
            self.counts.remove(&oldest);
        }
        self.counts.insert(digest, (0, ordinal));
        self.order.push_back(digest);
        Occurrence { digest, number: 0, first: ordinal, forgotten }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_restored_counts_on() {
        let address = |ordinal| RawAddress { input: 3, ordinal, offset: 0, length: 1, digest: Digest::of(b"raw") };
        let mut counted = Occurrences::default();
        let records = [r#"{"a":1}"#, r#"{"a":2}"#, r#"{ "a": 1 }"#, "3", r#"{"a":2}"#];
        let seen: Vec<Occurrence> =
            records.iter().zip(0..).map(|(raw, ordinal)| counted.count(raw, &address(ordinal))).collect();
        assert_eq!(
            seen.iter().map(|one| (one.number, one.first)).collect::<Vec<_>>(),
            [(0, 0), (0, 1), (1, 0), (0, 3), (1, 1)]
        );
        let mut restored = Occurrences::default();
        restored.restore(3, vec![seen[4], seen[3], seen[2]]);
        for (raw, ordinal) in [(r#"{"a":1}"#, 5), ("4", 6), ("3", 7)] {
            assert_eq!(restored.count(raw, &address(ordinal)), counted.count(raw, &address(ordinal)));
        }
        assert_eq!(restored.inputs[&3].order, counted.inputs[&3].order);
    }
}
