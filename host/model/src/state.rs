//! Keyed state as it is stored.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::hex_bytes;
use crate::{Digest, Evidence, RuleId, Timestamp};

/// One of the 1,024 parts of keyed state: state moves from one machine to another by hash slot. The number never changes.
/// It is the first ten bits of the SHA-256 of the partition key's text. It depends on the key alone, so the states that
/// different rules keep for one key are in the same slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HashSlot(u16);

impl HashSlot {
    /// The number of slots.
    pub const COUNT: u16 = 1_024;

    /// The slot of a partition key's text.
    #[must_use]
    pub fn of(key: &str) -> HashSlot {
        let [first, second, ..] = Digest::of(key.as_bytes()).0;
        HashSlot(u16::from_be_bytes([first, second]) >> 6)
    }

    /// The slot with this number; none for 1,024 and above.
    #[must_use]
    pub fn new(number: u16) -> Option<HashSlot> {
        (number < HashSlot::COUNT).then_some(HashSlot(number))
    }

    /// Its number, 0 to 1,023.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Every slot, in order.
    pub fn all() -> impl Iterator<Item = HashSlot> {
        (0..HashSlot::COUNT).map(HashSlot)
    }
}

/// New state of one key of one slot of one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateChange {
    /// The rule.
    pub rule: RuleId,
    /// The slot, by its declared name.
    pub slot: String,
    /// The partition key's text.
    pub key: String,
    /// The state; none forgets the key.
    pub entry: Option<StateEntry>,
}

impl StateChange {
    /// The hash slot in which it lies.
    #[must_use]
    pub fn hash_slot(&self) -> HashSlot {
        HashSlot::of(&self.key)
    }
}

/// State of one key of one slot. A clone shares the bytes and the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateEntry {
    /// The slot's version that wrote the blob.
    pub version: u32,
    /// The rule's bytes, not empty.
    #[serde(with = "hex_bytes")]
    pub blob: Arc<[u8]>,
    /// The events that the rule asked to keep a reference to.
    #[serde(serialize_with = "write_kept", deserialize_with = "read_kept")]
    pub kept: Vec<Arc<Evidence>>,
    /// When it was changed last: the stream's clock at the first row that the rule was given between the same two
    /// ticks. One time for all changes between two ticks, so that it doesn't depend on the batch size.
    pub changed: Timestamp,
}

fn write_kept<S: Serializer>(kept: &[Arc<Evidence>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(kept.iter().map(|evidence| &**evidence))
}

fn read_kept<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Arc<Evidence>>, D::Error> {
    Ok(Vec::<Evidence>::deserialize(deserializer)?.into_iter().map(Arc::new).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Once released, these numbers stay: stored state is found by them.
    #[test]
    fn a_keys_hash_slot_is_the_first_ten_bits_of_its_sha_256() {
        // SHA-256 of "" begins e3b0, of "abc" ba78 (FIPS 180-4).
        assert_eq!(HashSlot::of("").number(), 0xe3b0 >> 6);
        assert_eq!(HashSlot::of("abc").number(), 0xba78 >> 6);
        assert_eq!((HashSlot::new(1_023).map(HashSlot::number), HashSlot::new(1_024)), (Some(1_023), None));
        assert_eq!(HashSlot::all().count(), 1_024);
    }

    #[test]
    fn keys_spread_over_all_slots() {
        let mut counts = [0u32; 1_024];
        for key in 0..32_768 {
            counts[usize::from(HashSlot::of(&format!("aws:111122223333:AIDA{key}")).number())] += 1;
        }
        assert!(counts.iter().all(|count| (4..=96).contains(count)), "{counts:?}");
    }
}
