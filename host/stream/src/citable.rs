//! What an answer may cite: events that the rule was shown, each by the reference that the rule has for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_model::Evidence;
use countersign_model::call::{CallFailure, DetectionAnswer, NO_KEY};

use crate::Sequenced;
use crate::rule::{Prepared, Row};
use crate::state::RuleState;
use crate::validate::invalid;

/// Where a rule may keep more references with a key than this, they are indexed before a lookup: otherwise an answer
/// would cost the host the square of what it cost the rule.
const MAX_SCANNED: usize = 64;

/// What an answer may cite: for each key, the rows of the call and the events kept with it.
pub(crate) struct Citable<'a> {
    state: &'a RuleState,
    rows: &'a [Row<'a>],
    keys: &'a [Arc<str>],
    /// Places among the rows by key and reference; empty when the answer names none.
    places: BTreeMap<(u32, u64), usize>,
    /// What is kept with a key where that may be much; filled on the first lookup.
    kept: BTreeMap<u32, BTreeMap<u64, &'a Arc<Evidence>>>,
}

/// An event that an answer may cite.
pub(crate) enum CitableEvent<'a> {
    Row(&'a Sequenced),
    Kept(&'a Arc<Evidence>),
}

impl CitableEvent<'_> {
    pub(crate) fn evidence(&self, reference: u64) -> Arc<Evidence> {
        match self {
            CitableEvent::Row(row) => Arc::new(row_evidence(reference, row)),
            CitableEvent::Kept(evidence) => Arc::clone(evidence),
        }
    }
}

impl<'a> Citable<'a> {
    pub(crate) fn new(
        state: &'a RuleState,
        rows: &'a [Row<'a>],
        prepared: &'a Prepared,
        answer: &DetectionAnswer,
    ) -> Citable<'a> {
        let names_none = answer.findings.is_empty() && answer.states.iter().all(|slot| slot.kept.is_empty());
        let call = &prepared.call.batch.rows;
        let places = call.keys.iter().copied().zip(call.references.iter().copied()).zip(0..);
        let places = if names_none { BTreeMap::new() } else { places.collect() };
        Citable { state, rows, keys: &prepared.keys, places, kept: BTreeMap::new() }
    }

    /// The event of a reference: a row of the same key in this call, or one kept with the key.
    pub(crate) fn find(&mut self, key: u32, reference: u64) -> Result<CitableEvent<'a>, CallFailure> {
        if key != NO_KEY {
            if let Some(row) = self.places.get(&(key, reference)).and_then(|place| self.rows.get(*place)) {
                return Ok(CitableEvent::Row(row.sequenced));
            }
            if let Some(kept) = self.kept(key, reference) {
                return Ok(CitableEvent::Kept(kept));
            }
        }
        invalid(format!("reference {reference:016x} is neither the row's own nor kept with its key"))
    }

    pub(crate) fn kept(&mut self, key: u32, reference: u64) -> Option<&'a Arc<Evidence>> {
        let text = self.keys.get(key as usize)?;
        if self.state.max_kept() <= MAX_SCANNED {
            return self.state.kept(text).find(|evidence| evidence.reference == reference);
        }
        let kept = self.kept.entry(key).or_insert_with(|| {
            // Reversed, so that the first of several with one reference stays, as above.
            self.state.kept(text).rev().map(|evidence| (evidence.reference, evidence)).collect()
        });
        kept.get(&reference).copied()
    }
}

/// A row as evidence.
pub(crate) fn row_evidence(reference: u64, row: &Sequenced) -> Evidence {
    Evidence {
        reference,
        event_id: String::from(&*row.event.id),
        event_time: row.event.time,
        raw: row.event.raw.digest,
    }
}
