//! Recognises events that came before: the last million, by id and by content, in a fixed amount of memory.

use std::hash::{BuildHasher as _, RandomState};

use countersign_formats::SharedAct;
use countersign_model::Event;

/// How many events are remembered: a redelivery is recognised among the 1,048,576 events before it, of which one that others
/// get copies of counts twice. They take 40 MiB: 24 bytes an event, and two lookup tables of 8 MiB.
pub(crate) const HORIZON: usize = 1 << 20;

/// How an event relates to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It is new.
    New,
    /// It came before, with the same content.
    Duplicate,
    /// Another event had its id with other content. Both are kept: which one is genuine can't be known, and guessing an id
    /// must not make the genuine event disappear.
    IdReused,
}

/// Remembers events.
pub(crate) struct Horizon {
    /// The events in order of arrival; the oldest is overwritten.
    ring: Vec<Fingerprint>,
    capacity: usize,
    /// Where the next goes once the ring is full.
    next: usize,
    by_content: Places,
    /// The latest event of each id.
    by_id: Places,
}

/// What an event is recognised by. Two are the same if 128 bits of their content digests are; the content includes the
/// id. The shorter digest of the id only affects the count of reused ids.
///
/// An act of which several recipients get a copy is remembered in the same form beside its first copy: by the digest of what
/// the copies agree on, and of the recipient in place of the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    content: [u64; 2],
    id: u64,
}

impl Fingerprint {
    /// Bytes of its stored form.
    pub(crate) const BYTES: usize = 24;

    /// Of an event, by its content ([`Event::content`]): what its record says, however it is spelled.
    #[must_use]
    pub fn of(event: &Event) -> Fingerprint {
        let mut text = Vec::with_capacity(event.source.len() + event.tenant.len() + event.id.len() + 2);
        for part in [&*event.source, &*event.tenant] {
            text.extend_from_slice(part.as_bytes());
            text.push(0);
        }
        text.extend_from_slice(event.id.as_bytes());
        let [id, _] = digest_halves(&text);
        Fingerprint { content: digest_halves(&event.content()), id }
    }

    /// Of the act of which an event is a copy.
    pub(crate) fn of_act(event: &Event, shared: &SharedAct) -> Fingerprint {
        // No content of an event begins like this, nor does the name of a source.
        let mut text = b"\0act\0".to_vec();
        text.extend_from_slice(&(shared.id.len() as u64).to_be_bytes());
        text.extend_from_slice(shared.id.as_bytes());
        text.extend_from_slice(&event.act(&shared.differing));
        let [id, _] = digest_halves(&[b"\0recipient\0", shared.recipient.as_bytes()].concat());
        Fingerprint { content: digest_halves(&text), id }
    }

    /// Its stored form.
    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let words = [self.content[0], self.content[1], self.id];
        for (to, word) in bytes.chunks_exact_mut(8).zip(words) {
            to.copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }

    /// From its stored form.
    pub(crate) fn from_bytes(bytes: [u8; Self::BYTES]) -> Fingerprint {
        let mut words = [0; 3];
        for (word, from) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = from.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        let [first, second, id] = words;
        Fingerprint { content: [first, second], id }
    }
}

impl Horizon {
    pub(crate) fn new(capacity: usize) -> Horizon {
        let capacity = capacity.max(1);
        Horizon {
            ring: Vec::with_capacity(capacity),
            capacity,
            next: 0,
            by_content: Places::new(capacity),
            by_id: Places::new(capacity),
        }
    }

    /// Whether a copy of this act came before that another recipient got.
    pub(crate) fn has_copy(&self, act: Fingerprint) -> bool {
        let ring = &self.ring;
        let fits = |place: u32| {
            ring.get(place as usize).is_some_and(|other| other.content == act.content && other.id != act.id)
        };
        self.by_content.find(act.content[0], fits).is_some()
    }

    /// Remembers an event, unless it is known.
    pub(crate) fn arrive(&mut self, seen: Fingerprint) -> Arrival {
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

    /// The place for one more; an event that has it is forgotten.
    fn make_room(&mut self) -> u32 {
        let place = if self.ring.len() < self.capacity { self.ring.len() } else { self.next };
        self.next = (place + 1) % self.capacity;
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        if let Some(oldest) = self.ring.get(place as usize).copied() {
            let ring = &self.ring;
            let hash_of = |hash: fn(&Fingerprint) -> u64| move |place: u32| ring.get(place as usize).map_or(0, hash);
            self.by_content.remove(oldest.content[0], place, hash_of(|seen| seen.content[0]));
            // Absent if a later event of the same id has replaced it.
            self.by_id.remove(oldest.id, place, hash_of(|seen| seen.id));
        }
        place
    }
}

/// 128 bits of BLAKE3. They never leave this process, and SHA-256 of an event's two texts would take a tenth of a replay
/// on processors without instructions for it.
fn digest_halves(text: &[u8]) -> [u64; 2] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = *blake3::hash(text).as_bytes();
    [u64::from_be_bytes([a, b, c, d, e, f, g, h]), u64::from_be_bytes([i, j, k, l, m, n, o, p])]
}

/// A table of places in the ring: open addressing, linear probing, never more than half full, no tombstones. The slots
/// depend on a seed of the process, so that no one can choose ids that collide; the results of lookups don't.
struct Places {
    /// Places plus one; 0 is free. Zeroed memory costs nothing until it is touched.
    slots: Vec<u32>,
    mask: usize,
    seed: RandomState,
}

impl Places {
    fn new(capacity: usize) -> Places {
        let slots = capacity.saturating_mul(2).next_power_of_two();
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

    /// Removes a place if it is there, and moves up those after it.
    fn remove(&mut self, hash: u64, place: u32, hash_of: impl Fn(u32) -> u64) {
        let Some(mut free) = self.find(hash, |other| other == place) else { return };
        let mut slot = free;
        loop {
            slot = (slot + 1) & self.mask;
            let Some(other) = self.at(slot) else { break };
            let home = self.home(hash_of(other));
            // Whether its home is at or before the free slot, cyclically.
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
