//! Working copies of a slot's state: decoded once per key and call, encoded and compared at the end of the call.

use core::ops::{Deref, DerefMut};

use crate::bindings::detect::{SlotChanges, SlotState};
use crate::column::at;
use crate::event::{NO_KEY, Reference};
use crate::rule::{DetectionDeclaration, SlotSpec};
use crate::state::{State, slot_of};

/// The state of the row's key in one slot, and the references kept with it. It dereferences to the state; what has
/// changed at the end of the call is stored. For a row without a key it is initial, and isn't stored.
pub struct Slot<'a, S> {
    value: S,
    touched: bool,
    stored: &'a [u8],
    stored_kept: &'a [u64],
    // None until references are kept or forgotten.
    kept: Option<Vec<u64>>,
    max_kept: usize,
}

impl<S> Deref for Slot<'_, S> {
    type Target = S;

    #[inline]
    fn deref(&self) -> &S {
        &self.value
    }
}

impl<S> DerefMut for Slot<'_, S> {
    #[inline]
    fn deref_mut(&mut self) -> &mut S {
        self.touched = true;
        &mut self.value
    }
}

impl<'a, S: State> Slot<'a, S> {
    /// A slot with the stored state; initial if there is none.
    fn open(stored: &'a [u8], stored_kept: &'a [u64], max_kept: usize) -> Self {
        let value = match S::from_bytes(stored) {
            Some(value) => value,
            None if stored.is_empty() => S::initial(),
            None => wrong_size::<S>(stored.len()),
        };
        Slot { value, touched: false, stored, stored_kept, kept: None, max_kept }
    }

    /// Keeps a reference with the key, as evidence for later. Beyond the declared `kept-references` the oldest is dropped.
    pub fn keep(&mut self, reference: Reference) {
        if self.max_kept == 0 {
            return;
        }
        let kept = self.kept.get_or_insert_with(|| {
            let mut kept = Vec::with_capacity(self.max_kept.min(self.stored_kept.len() + 4));
            kept.extend_from_slice(self.stored_kept);
            kept
        });
        if kept.len() >= self.max_kept {
            kept.drain(..=kept.len() - self.max_kept);
        }
        kept.push(reference.0);
    }

    /// The references kept with the key, oldest first.
    pub fn kept(&self) -> impl DoubleEndedIterator<Item = Reference> + ExactSizeIterator + '_ {
        self.kept.as_deref().unwrap_or(self.stored_kept).iter().map(|reference| Reference(*reference))
    }

    /// Drops the references kept with the key.
    pub fn forget_kept(&mut self) {
        self.kept = Some(Vec::new());
    }

    /// Forgets the key: initial state, no references.
    pub fn clear(&mut self) {
        self.value = S::initial();
        self.touched = true;
        self.forget_kept();
    }

    /// Appends the blob, and returns whether it or the references differ from what is stored. A blob of zeros without
    /// references is written as an empty one, which forgets the key.
    fn close(&self, blobs: &mut Vec<u8>, kept_out: &mut Vec<u64>) -> bool {
        if !self.touched && self.kept.is_none() {
            return false;
        }
        let kept = self.kept.as_deref().unwrap_or(self.stored_kept);
        let start = blobs.len();
        blobs.resize(start + S::SIZE, 0);
        if let Some(mut out) = blobs.get_mut(start..start + S::SIZE) {
            self.value.write(&mut out);
        }
        let written = blobs.get(start..).unwrap_or_default();
        if kept.is_empty() && written.iter().all(|byte| *byte == 0) {
            blobs.truncate(start);
        }
        let written = blobs.get(start..).unwrap_or_default();
        if written == self.stored && kept == self.stored_kept {
            blobs.truncate(start);
            return false;
        }
        kept_out.extend_from_slice(kept);
        true
    }
}

/// One slot's working copies for all keys of a call. The expansion of `#[detection]` uses it.
#[doc(hidden)]
pub struct SlotTable<'a, S> {
    slot: usize,
    max_kept: usize,
    keys: Vec<Slot<'a, S>>,
    blank: Slot<'a, S>,
}

impl<'a, S: State> SlotTable<'a, S> {
    /// Decodes the state of every key of the call.
    #[must_use]
    pub fn open<R: DetectionDeclaration>(state: &'a [SlotState]) -> Self {
        let (slot, SlotSpec { kept_references, .. }) = const { slot_of::<R, S>() };
        let max_kept = kept_references as usize;
        let keys = match state.get(slot) {
            Some(state) => (0..state.blob_offsets.len().saturating_sub(1))
                .map(|key| {
                    let stored = part(&state.blobs, &state.blob_offsets, key);
                    let kept = part(&state.kept, &state.kept_offsets, key);
                    Slot::open(stored, kept, max_kept)
                })
                .collect(),
            None => missing_slot(S::SLOT),
        };
        SlotTable { slot, max_kept, keys, blank: Slot::open(&[], &[], max_kept) }
    }

    /// The working copy of a key; an initial one for a row without a key.
    #[inline]
    pub fn at(&mut self, key: u32) -> &mut Slot<'a, S> {
        match self.keys.get_mut(key as usize) {
            Some(slot) => slot,
            None if key == NO_KEY => {
                self.blank = Slot::open(&[], &[], self.max_kept);
                &mut self.blank
            }
            None => missing_key(key),
        }
    }

    /// Encodes what changed, in one arena; none if nothing has.
    #[must_use]
    pub fn close(self) -> Option<SlotChanges> {
        let mut changes = SlotChanges {
            slot: self.slot as u32,
            keys: Vec::new(),
            blobs: Vec::new(),
            blob_offsets: vec![0],
            kept: Vec::new(),
            kept_offsets: vec![0],
        };
        let touched = self.keys.iter().filter(|slot| slot.touched || slot.kept.is_some()).count();
        if touched == 0 {
            return None;
        }
        changes.keys.reserve_exact(touched);
        changes.blobs.reserve_exact(touched * S::SIZE);
        changes.blob_offsets.reserve_exact(touched);
        changes.kept_offsets.reserve_exact(touched);
        for (key, slot) in (0u32..).zip(&self.keys) {
            if slot.close(&mut changes.blobs, &mut changes.kept) {
                changes.keys.push(key);
                changes.blob_offsets.push(changes.blobs.len() as u32);
                changes.kept_offsets.push(changes.kept.len() as u32);
            }
        }
        (!changes.keys.is_empty()).then_some(changes)
    }
}

/// Migrates a slot's blob of an older version. The expansion of `#[detection]` uses it.
///
/// # Errors
/// A message for the operator when the rule can't migrate from that version.
#[doc(hidden)]
pub fn migrate_slot<S: State>(from_version: u32, blob: &[u8]) -> Result<Vec<u8>, String> {
    if from_version == S::VERSION {
        return S::from_bytes(blob).map(|state| state.to_bytes()).ok_or_else(|| size_message::<S>(blob.len()));
    }
    S::migrate(from_version, blob)
        .map(|state| state.to_bytes())
        .ok_or_else(|| format!("slot `{}` has no way from version {from_version} to version {}", S::SLOT, S::VERSION))
}

/// The changes of all slots, in declared order. The expansion of `#[detection]` uses it.
#[doc(hidden)]
#[must_use]
pub fn in_declared_order<const N: usize>(changes: [Option<SlotChanges>; N]) -> Vec<SlotChanges> {
    let mut changes: Vec<SlotChanges> = changes.into_iter().flatten().collect();
    changes.sort_by_key(|changes| changes.slot);
    changes
}

#[inline]
fn part<'a, T>(values: &'a [T], offsets: &[u32], index: usize) -> &'a [T] {
    let (start, end) = (at(offsets, index) as usize, at(offsets, index + 1) as usize);
    values.get(start..end).unwrap_or_default()
}

fn size_message<S: State>(got: usize) -> String {
    format!(
        "state of slot `{}` version {} takes {} bytes, got {got}: another layout needs another version",
        S::SLOT,
        S::VERSION,
        S::SIZE
    )
}

#[cold]
#[inline(never)]
#[expect(clippy::panic, reason = "state of another layout: no answer can be right")]
fn wrong_size<S: State>(got: usize) -> ! {
    panic!("{}", size_message::<S>(got))
}

#[cold]
#[inline(never)]
#[expect(clippy::panic, reason = "the host broke the contract: no answer can be right")]
fn missing_slot(slot: &str) -> ! {
    panic!("the call breaks the contract: it has no state for slot `{slot}`")
}

#[cold]
#[inline(never)]
#[expect(clippy::panic, reason = "the host broke the contract: no answer can be right")]
fn missing_key(key: u32) -> ! {
    panic!("the call breaks the contract: it has no state for key {key}")
}
