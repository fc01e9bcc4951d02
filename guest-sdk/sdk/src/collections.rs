//! Maps and sets whose iteration order is always the same. In a guest the standard library seeds its hashed ones from
//! addresses, so their order changes with earlier allocations; a lint forbids them in rules.

use std::hash::{BuildHasherDefault, Hasher};

/// A map in the order of its keys.
pub type Map<K, V> = std::collections::BTreeMap<K, V>;

/// A set in its order.
pub type Set<T> = std::collections::BTreeSet<T>;

/// A hashed map with a fixed seed: quicker than [`Map`] for look-ups. The same insertions give the same order.
#[expect(clippy::disallowed_types, reason = "with a fixed seed")]
pub type FixedMap<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<FixedHasher>>;

/// A hashed set with a fixed seed. The same insertions give the same order.
#[expect(clippy::disallowed_types, reason = "with a fixed seed")]
pub type FixedSet<T> = std::collections::HashSet<T, BuildHasherDefault<FixedHasher>>;

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const FACTOR: u64 = 0xd6e8_feb8_6659_fd93;

/// A 64-bit hash of bytes, the same on every machine and in every version: it is part of the layout of stored state. Not for secrets,
/// and no defence against deliberate collisions.
#[must_use]
pub fn hash64(bytes: &[u8]) -> u64 {
    let mut hasher = FixedHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

/// The hasher behind [`hash64`].
#[derive(Clone, Debug)]
pub struct FixedHasher(u64);

impl Default for FixedHasher {
    fn default() -> Self {
        FixedHasher(SEED)
    }
}

impl Hasher for FixedHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.0 = fold(self.0 ^ u64::from_le_bytes(*word), FACTOR);
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        // The length distinguishes a short last word from one padded with zeros.
        self.0 = fold(self.0 ^ u64::from_le_bytes(last), SEED ^ bytes.len() as u64);
    }

    fn finish(&self) -> u64 {
        fold(self.0, FACTOR)
    }
}

/// The two halves of the product, combined by exclusive or: every bit of both factors affects the result.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_never_changes() {
        // Stored state holds these: a change needs new versions of every slot that counts distinct texts.
        assert_eq!(hash64(b""), 12_541_808_378_758_357_365);
        assert_eq!(hash64(b"ListBuckets"), 6_601_672_245_499_291_589);
        assert_ne!(hash64(b"a"), hash64(b"a\0"));
    }

    #[test]
    fn short_texts_do_not_collide() {
        let all: Set<u64> = (0..100_000_u32).map(|number| hash64(number.to_string().as_bytes())).collect();
        assert_eq!(all.len(), 100_000);
    }
}
