//! Context tables as a rule is given them. Their content comes from a [`ContextSource`], which reads the operator's files.

use std::sync::Arc;

use countersign_declaration::ContextWanted;
use countersign_model::call::ContextTable;
use countersign_model::vocabulary::PartitionKey;
use countersign_model::{Event, Timestamp};

/// The source of context tables, as of one generation.
///
/// Its values for a row or key may depend on nothing but that row or key and [`ContextCall::now`]: otherwise the size of
/// batches would show.
pub trait ContextSource: Send + Sync {
    /// A declared table for the rows and keys of a call, with the declared columns: by row it has as many rows as the
    /// call, by key as many as the call has keys. Or [`ContextTable::missing`].
    fn table(&self, wanted: &ContextWanted, call: &ContextCall<'_>) -> ContextTable;
}

/// What a call's tables are about.
#[derive(Clone, Copy, Debug)]
pub struct ContextCall<'a> {
    /// The rows' events.
    pub events: &'a [&'a Event],
    /// The keys.
    pub keys: &'a [Arc<str>],
    /// What kind of keys they are.
    pub partition_key: PartitionKey,
    /// The time against which a table's age is measured. It is the same between two ticks.
    pub now: Timestamp,
}

/// A source without tables: every table is missing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoContext;

impl ContextSource for NoContext {
    fn table(&self, wanted: &ContextWanted, _: &ContextCall<'_>) -> ContextTable {
        ContextTable::missing(wanted.keying)
    }
}

#[cfg(test)]
#[path = "../tests/unit/context.rs"]
mod tests;
