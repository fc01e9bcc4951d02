//! Which events have come already: the last million of them, by id and by content, in memory of a fixed size.

use std::hash::{BuildHasher as _, RandomState};

use countersign_model::Event;

/// How many events are remembered: a redelivery is known by the 1,048,576 events before it. They take 40 MiB: 24 bytes an
/// event, and two tables of 8 MiB to find them by.
pub(crate) const HORIZON: usize = 1 << 20;

/// What an event is to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Nothing like it came.
    New,
    /// It came before, and says the same.
    Duplicate,
    /// Another event claimed its id and said something else. Both stand: which of them is true can't be known, and
    /// who guesses an id must not make the true event vanish.
    IdReused,
}

/// Remembers events.
pub(crate) struct Horizon {
    /// The events in the order of their coming; the oldest makes room.
    ring: Vec<Seen>,
    most: usize,
    /// Where the next goes once the ring is full.
    next: usize,
    by_content: Places,
    /// The latest event of each id.
    by_id: Places,
}

/// An event: two of them are the same if 128 bits of their content, which their ids are part of, are. So nothing hangs
/// on the shorter digest of the id but the count of ids that were used again.
#[derive(Clone, Copy)]
struct Seen {
    content: [u64; 2],
    id: u64,
}

impl Horizon {
    pub(crate) fn new(most: usize) -> Horizon {
        let most = most.max(1);
        Horizon {
            ring: Vec::with_capacity(most),
            most,
            next: 0,
            by_content: Places::new(most),
            by_id: Places::new(most),
        }
    }

    /// Takes an event in, unless it is known. An event is its id and its bytes; but a record that carries its time of
    /// receipt has other bytes at each delivery, so there it is what it says without that.
    pub(crate) fn arrive(&mut self, event: &Event, has_receipt_time: bool) -> Arrival {
        let mut text = Vec::with_capacity(event.source.len() + event.tenant.len() + event.id.len() + 2 + 32);
        for part in [&*event.source, &*event.tenant] {
            text.extend_from_slice(part.as_bytes());
            text.push(0);
        }
        text.extend_from_slice(event.id.as_bytes());
        let [id, _] = halves(&text);
        let content = if has_receipt_time {
            halves(&event.content())
        } else {
            text.extend_from_slice(&event.raw.digest.0);
            halves(&text)
        };
        self.note(Seen { content, id })
    }

    fn note(&mut self, seen: Seen) -> Arrival {
        let ring = &self.ring;
        let at = |place: u32| ring.get(place as usize);
        let same = |place| at(place).is_some_and(|other| other.content == seen.content);
        if self.by_content.find(seen.content[0], same).is_some() {
            return Arrival::Duplicate;
        }
        let place = self.make_room();
        match self.ring.get_mut(place as usize) {
            Some(oldest) => *oldest = seen,
            None => self.ring.push(seen),
        }
        self.by_content.insert(seen.content[0], place);
        let ring = &self.ring;
        let known = self
            .by_id
            .find(seen.id, |other| other != place && ring.get(other as usize).is_some_and(|other| other.id == seen.id));
        match known {
            Some(slot) => {
                self.by_id.set(slot, place);
                Arrival::IdReused
            }
            None => {
                self.by_id.insert(seen.id, place);
                Arrival::New
            }
        }
    }

    /// The place for one more; whoever has it is forgotten.
    fn make_room(&mut self) -> u32 {
        let place = if self.ring.len() < self.most { self.ring.len() } else { self.next };
        self.next = (place + 1) % self.most;
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        if let Some(oldest) = self.ring.get(place as usize).copied() {
            let ring = &self.ring;
            let hash_of = |of: fn(&Seen) -> u64| move |place: u32| ring.get(place as usize).map_or(0, of);
            self.by_content.remove(oldest.content[0], place, hash_of(|seen| seen.content[0]));
            // A later event of the same id has taken its place, or it is the last of its id.
            self.by_id.remove(oldest.id, place, hash_of(|seen| seen.id));
        }
        place
    }
}

/// 128 bits of BLAKE3. They leave this process as little as the tables do, and SHA-256 of an event's two texts would take
/// a tenth of a replay where the processor has no instructions for it.
fn halves(text: &[u8]) -> [u64; 2] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = *blake3::hash(text).as_bytes();
    [u64::from_be_bytes([a, b, c, d, e, f, g, h]), u64::from_be_bytes([i, j, k, l, m, n, o, p])]
}

/// A table of places in the ring: open addressing, linear probing, never more than half full, no tombstones. Where in it
/// a place stands hangs on a seed of the process, so that nobody can choose ids that crowd; what is found doesn't.
struct Places {
    /// Places plus one; 0 is free. Zeroed memory costs nothing until it is touched.
    slots: Vec<u32>,
    mask: usize,
    seed: RandomState,
}

impl Places {
    fn new(most: usize) -> Places {
        let slots = most.saturating_mul(2).next_power_of_two();
        Places { slots: vec![0; slots], mask: slots - 1, seed: RandomState::new() }
    }

    fn home(&self, hash: u64) -> usize {
        usize::try_from(self.seed.hash_one(hash) & self.mask as u64).unwrap_or(0)
    }

    fn at(&self, slot: usize) -> Option<u32> {
        self.slots.get(slot).and_then(|place| place.checked_sub(1))
    }

    /// The slot of the place that fits.
    fn find(&self, hash: u64, fits: impl Fn(u32) -> bool) -> Option<usize> {
        let mut slot = self.home(hash);
        loop {
            if fits(self.at(slot)?) {
                return Some(slot);
            }
            slot = (slot + 1) & self.mask;
        }
    }

    fn set(&mut self, slot: usize, place: u32) {
        if let Some(slot) = self.slots.get_mut(slot) {
            *slot = place.saturating_add(1);
        }
    }

    fn insert(&mut self, hash: u64, place: u32) {
        let mut slot = self.home(hash);
        while self.at(slot).is_some() {
            slot = (slot + 1) & self.mask;
        }
        self.set(slot, place);
    }

    /// Removes a place if it is there, and moves up what stood behind it.
    fn remove(&mut self, hash: u64, place: u32, hash_of: impl Fn(u32) -> u64) {
        let Some(mut free) = self.find(hash, |other| other == place) else { return };
        let mut slot = free;
        loop {
            slot = (slot + 1) & self.mask;
            let Some(other) = self.at(slot) else { break };
            let home = self.home(hash_of(other));
            // Whether its home lies at or before the free slot, going round.
            if (slot.wrapping_sub(home) & self.mask) >= (slot.wrapping_sub(free) & self.mask) {
                self.set(free, other);
                free = slot;
            }
        }
        if let Some(free) = self.slots.get_mut(free) {
            *free = 0;
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/horizon.rs"]
mod tests;
