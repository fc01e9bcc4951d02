//! Shares the text of values that repeat, within a fixed bound of memory.

use std::sync::Arc;

const SETS: usize = 2048;
const WAYS: usize = 4;
/// Longer texts, in bytes, hardly repeat, and would make the bound large.
const MAX_BYTES: usize = 256;

/// A cache of texts: two equal texts that come near each other share one allocation. It holds at most 8,192 texts of at
/// most 256 bytes; a text that was pushed out is allocated anew. Which texts it holds depends on the texts alone.
pub(crate) struct Interner {
    sets: Vec<[Option<Arc<str>>; WAYS]>,
}

impl Interner {
    pub(crate) fn new() -> Interner {
        Interner { sets: vec![[const { None }; WAYS]; SETS] }
    }

    /// The text, shared with an equal one if that is still held.
    pub(crate) fn share(&mut self, text: &str) -> Arc<str> {
        let set = usize::try_from(hash(text.as_bytes()) % SETS as u64).ok().and_then(|set| self.sets.get_mut(set));
        let Some(set) = set.filter(|_| text.len() <= MAX_BYTES) else { return Arc::from(text) };
        if let Some(way) = set.iter().position(|held| held.as_deref() == Some(text)) {
            // The one used last stays longest.
            if let Some(used) = set.get_mut(..=way) {
                used.rotate_right(1);
            }
        } else {
            set.rotate_right(1);
            let [first, ..] = set;
            *first = Some(Arc::from(text));
        }
        match set {
            [Some(held), ..] => Arc::clone(held),
            _ => Arc::from(text),
        }
    }
}

/// Spreads texts over the sets. Not against an adversary: texts that collide cost allocations only.
fn hash(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let (words, rest) = bytes.as_chunks::<8>();
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    let hash = words.iter().fold(bytes.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let last = rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    mix(hash, last) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_share_one_allocation_and_memory_is_bounded() {
        let mut interner = Interner::new();
        let first = interner.share("us-east-1");
        assert!(Arc::ptr_eq(&first, &interner.share("us-east-1")));
        for number in 0..100_000 {
            assert_eq!(*interner.share(&number.to_string()), number.to_string());
        }
        let held = interner.sets.iter().flatten().flatten().count();
        assert!(held <= SETS * WAYS);
        // The spread is even enough to use nearly all of it.
        assert!(held > SETS * WAYS * 9 / 10, "{held}");
        let long = "x".repeat(MAX_BYTES + 1);
        assert!(!Arc::ptr_eq(&interner.share(&long), &interner.share(&long)));
    }
}
