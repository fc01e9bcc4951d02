//! Finds places by what stands there, without a second copy of it: hashes and places, sorted.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Places by the hash of what stands there. A hash may lead to several: a lookup compares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index(Vec<(u64, (u32, u32))>);

impl Index {
    /// The index of these places with what stands at each.
    pub(super) fn of<'k, K: Hash + ?Sized + 'k>(entries: impl Iterator<Item = (&'k K, (u32, u32))>) -> Index {
        let mut places: Vec<(u64, (u32, u32))> = entries.map(|(key, place)| (hash(key), place)).collect();
        places.sort_unstable();
        Index(places)
    }

    /// The first place of which `is_it` holds among those that have the key's hash.
    pub(super) fn find<K: Hash + ?Sized>(&self, key: &K, is_it: impl Fn((u32, u32)) -> bool) -> Option<(u32, u32)> {
        let hash = hash(key);
        let start = self.0.partition_point(|(known, _)| *known < hash);
        let same = self.0.iter().skip(start).take_while(|(known, _)| *known == hash);
        same.map(|(_, place)| *place).find(|place| is_it(*place))
    }

    /// Each place whose hash an earlier place has too, with the earlier ones, in their order.
    pub(super) fn repeated(&self) -> impl Iterator<Item = ((u32, u32), impl Iterator<Item = (u32, u32)>)> {
        self.0.chunk_by(|(one, _), (next, _)| one == next).flat_map(|same| {
            let places = same.iter().map(|(_, place)| *place);
            places.clone().enumerate().skip(1).map(move |(count, place)| (place, places.clone().take(count)))
        })
    }
}

fn hash<K: Hash + ?Sized>(key: &K) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}
