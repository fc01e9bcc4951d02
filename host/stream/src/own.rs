//! What the host itself keeps with a key of a rule: the line of what its state was made of, and where the key comes from.
//! It is in a slot of the host's own, so that it is stored, handed over and restored as the rule's state is.

use std::collections::HashMap;
use std::sync::Arc;

use countersign_declaration::{Slot, WhenFull};
use countersign_model::vocabulary::EvidenceRole;
use countersign_model::{Binding, ContextState, Event, Line, StateEntry, Timestamp};
use serde::{Deserialize, Serialize};

use crate::origin::Origin;

/// The slot in which the host keeps this. No declared slot can have this name.
pub const LINE_SLOT: &str = "#line";

/// The version of its form. Version 1 was the line alone, and only where something weakened it.
const VERSION: u32 = 2;

/// An entry's blob without its texts, and the share of it that each rule adds which feeds this one; bytes.
const OWN_BYTES: u64 = 512;
const FED_BYTES: u64 = 192;

/// The name of the slot for the lines of a slot that isn't declared any more, as of when it was dropped.
pub(crate) fn dropped_line_slot(slot: &str) -> String {
    format!("{LINE_SLOT}/{slot}")
}

/// What the host keeps with a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Own {
    /// The weakest of the rows that were judged under the key; left out where nothing weakens it.
    #[serde(default, skip_serializing_if = "Line::is_strongest")]
    pub(crate) line: Line,
    /// Of the first of these rows.
    pub(crate) origin: Origin,
}

impl Own {
    /// Of a key whose state was made of nobody knows what: as weak as any.
    pub(crate) fn unknown() -> Own {
        let line = Line {
            evidence_role: EvidenceRole::MerelyNames,
            unproved: true,
            context: ContextState::Missing,
            binding: Binding::NOT_BOUND,
            ..Line::STRONGEST
        };
        Own { line, origin: Origin::unknown() }
    }

    /// As it is kept. One that can't be read is as weak as any.
    pub(crate) fn read(entry: &StateEntry) -> Own {
        let read = match entry.version {
            1 => serde_json::from_slice(&entry.blob).map(|line| Own { line, origin: Origin::unknown() }),
            _ => serde_json::from_slice(&entry.blob),
        };
        read.unwrap_or_else(|_| Own::unknown())
    }

    /// The form in which it is kept.
    pub(crate) fn entry(&self) -> StateEntry {
        // It always has a JSON form; without one it would be read as weak as any.
        entry_of(Arc::from(serde_json::to_vec(self).unwrap_or_default()))
    }

    /// The most bytes that the blob of a key's entry has after a row of an event, of a rule that so many rules feed.
    pub(crate) fn max_bytes(event: &Event, feeders: usize) -> u64 {
        let texts = (event.source.len() + event.tenant.len()) as u64;
        OWN_BYTES + 2 * texts + FED_BYTES * feeders as u64
    }
}

fn entry_of(blob: Arc<[u8]>) -> StateEntry {
    StateEntry { version: VERSION, blob, kept: Vec::new(), changed: Timestamp::default() }
}

/// The blobs of entries that nothing weakens, so that keys of one origin share one.
#[derive(Debug, Default)]
pub(crate) struct Unweakened {
    blobs: HashMap<Origin, Arc<[u8]>>,
}

impl Unweakened {
    pub(crate) fn entry(&mut self, origin: Origin) -> StateEntry {
        if let Some(blob) = self.blobs.get(&origin) {
            return entry_of(Arc::clone(blob));
        }
        let own = Own { line: Line::STRONGEST, origin };
        let entry = own.entry();
        self.blobs.insert(own.origin, Arc::clone(&entry.blob));
        entry
    }

    pub(crate) fn clear(&mut self) {
        self.blobs = HashMap::new();
    }
}

/// The origins of entries, each form read once.
#[derive(Default)]
pub(crate) struct Origins<'e> {
    known: HashMap<&'e [u8], Origin>,
}

impl<'e> Origins<'e> {
    pub(crate) fn of(&mut self, entry: Option<&'e StateEntry>) -> Origin {
        match entry {
            Some(entry) => self.known.entry(&entry.blob).or_insert_with(|| Own::read(entry).origin).clone(),
            None => Origin::unknown(),
        }
    }
}

/// The host's own slot. Its keys are forgotten with those of the others.
pub(crate) fn slot() -> Slot {
    Slot {
        name: LINE_SLOT.to_owned(),
        version: VERSION,
        max_bytes: u32::MAX,
        max_keys: u32::MAX,
        kept_references: 0,
        ttl: i64::MAX,
        when_full: WhenFull::EvictOldest,
    }
}
