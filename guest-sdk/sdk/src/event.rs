//! One row of a batch as the rule sees it. The accessors of the fields are generated in `accessors.rs`.

use core::marker::PhantomData;

use countersign_vocabulary::FieldId;

use crate::bindings::detect::{Batch, Column, Kinds, RowKind};
use crate::column::{self, at};
use crate::rule::{DetectionDeclaration, Timer};
use crate::time::Timestamp;

/// The key index of a row without a key.
pub(crate) const NO_KEY: u32 = u32::MAX;

/// A host-made reference to an event: opaque, and the same for the same rule, key and event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference(pub(crate) u64);

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// An event at or after its source's watermark.
    Event,
    /// An event older than its source's watermark.
    Late,
    /// A timer that this rule set, by its declared id. The fields are those of the row that set it; the time is when it
    /// was due.
    Timer(&'a str),
    /// A finding of a rule that this one subscribes to, with the `finding.*` fields set.
    Finding,
}

/// One row: an event, a timer, or another rule's finding. It has an accessor for every field of the vocabulary;
/// accessors of undeclared fields don't compile.
pub struct Event<'a, R> {
    batch: &'a Batch,
    row: usize,
    rule: PhantomData<fn() -> R>,
}

impl<'a, R: DetectionDeclaration> Event<'a, R> {
    #[inline]
    pub(crate) fn new(batch: &'a Batch, row: usize) -> Self {
        Event { batch, row, rule: PhantomData }
    }

    /// Event time.
    #[inline]
    #[must_use]
    pub fn time(&self) -> Timestamp {
        Timestamp::from_micros(at(&self.batch.rows.event_times, self.row))
    }

    /// When it was ingested.
    #[inline]
    #[must_use]
    pub fn ingest_time(&self) -> Timestamp {
        Timestamp::from_micros(at(&self.batch.rows.ingest_times, self.row))
    }

    /// The watermark of its source when it was sequenced: no more events older than this are expected.
    #[inline]
    #[must_use]
    pub fn watermark(&self) -> Timestamp {
        Timestamp::from_micros(at(&self.batch.rows.watermarks, self.row))
    }

    /// Its reference, to be kept with the key as evidence for later: see [`Slot::keep`](crate::Slot::keep).
    #[inline]
    #[must_use]
    pub fn reference(&self) -> Reference {
        Reference(at(&self.batch.rows.references, self.row))
    }

    /// Whether it has a partition key. Without one it is judged without state: slots are initial and not stored.
    #[inline]
    #[must_use]
    pub fn has_key(&self) -> bool {
        self.key_index() != NO_KEY
    }

    /// What the row is.
    #[inline]
    #[must_use]
    pub fn kind(&self) -> Kind<'a> {
        match &self.batch.rows.kinds {
            Kinds::AllEvents => Kind::Event,
            Kinds::Mixed(kinds) => match kinds.get(self.row) {
                Some(RowKind::Event) | None => Kind::Event,
                Some(RowKind::Late) => Kind::Late,
                Some(RowKind::Timer(id)) => Kind::Timer(id),
                Some(RowKind::Finding) => Kind::Finding,
            },
        }
    }

    /// Whether the row is this timer.
    #[must_use]
    pub fn is_timer(&self, timer: &Timer<R>) -> bool {
        self.kind() == Kind::Timer(timer.id())
    }

    /// Whether the row is a finding of a rule that this one subscribes to.
    #[must_use]
    pub fn is_finding(&self) -> bool {
        self.kind() == Kind::Finding
    }

    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn key_index(&self) -> u32 {
        at(&self.batch.rows.keys, self.row)
    }

    /// Whether the record has a value of another type for a declared field; false for a field that isn't declared.
    #[must_use]
    pub fn has_wrong_type(&self, field: FieldId) -> bool {
        let column = R::FIELDS.iter().position(|declared| *declared == field);
        column.is_some_and(|column| {
            let (column, row) = self.cell(column);
            column::is_wrong_type(column, row)
        })
    }

    /// The row and column that a field's accessor reads.
    #[inline]
    pub(crate) fn cell(&self, column: usize) -> (&'a Column, usize) {
        match self.batch.columns.get(column) {
            Some(column) => (column, self.row),
            None => missing_column(column),
        }
    }
}

#[cold]
#[inline(never)]
#[expect(clippy::panic, reason = "the host broke the contract: no answer can be right")]
fn missing_column(column: usize) -> ! {
    panic!("the batch breaks the contract: it has no column {column}")
}
