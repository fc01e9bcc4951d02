//! Which source may still append, where what isn't judged takes room.
//!
//! Half of the room is common, the other half is divided into equal shares, one for each source. So a source that sends
//! without end fills the common half and its own share, and no other's.

use std::collections::BTreeMap;

/// The room for what isn't judged yet.
#[derive(Clone, Debug)]
pub struct Room {
    /// Bytes in all.
    limit: u64,
    /// Sources that may have a share.
    sources: u64,
    /// What each has that isn't judged, bytes.
    taken: BTreeMap<u32, u64>,
}

impl Room {
    /// An empty room of so many bytes for so many sources, at least one.
    #[must_use]
    pub fn new(limit: u64, sources: u64) -> Room {
        Room { limit, sources: sources.max(1), taken: BTreeMap::new() }
    }

    /// That it has so many bytes.
    pub fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// That so many sources may have a share.
    pub fn set_sources(&mut self, sources: u64) {
        self.sources = sources.max(1);
    }

    /// The sources of which something isn't judged.
    pub fn holders(&self) -> impl Iterator<Item = u32> {
        self.taken.keys().copied()
    }

    /// Bytes that aren't judged, of all sources.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken.values().sum()
    }

    /// Whether a source may append so many bytes. What is larger than its share and the common half together fits into an
    /// empty room.
    #[must_use]
    pub fn fits(&self, source: u32, bytes: u64) -> bool {
        let own = self.taken.get(&source).copied().unwrap_or_default();
        let share = self.limit / 2 / self.sources;
        if own.saturating_add(bytes) <= share {
            return true;
        }
        let common: u64 = self.taken.values().map(|taken| taken.saturating_sub(share)).sum();
        let more = own.saturating_add(bytes).saturating_sub(own.max(share));
        common.saturating_add(more) <= self.limit / 2 || self.taken() == 0
    }

    /// That a source appended so many bytes.
    pub fn take(&mut self, source: u32, bytes: u64) {
        *self.taken.entry(source).or_default() += bytes;
    }

    /// That so many bytes of a source were judged.
    pub fn free(&mut self, source: u32, bytes: u64) {
        if let Some(taken) = self.taken.get_mut(&source) {
            *taken = taken.saturating_sub(bytes);
            if *taken == 0 {
                self.taken.remove(&source);
            }
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/room.rs"]
mod tests;
