//! Context tables as a rule is given them. What they say comes from a [`ContextSource`], which knows the operator's files.

use std::sync::Arc;

use countersign_declaration::ContextWanted;
use countersign_model::call::ContextTable;
use countersign_model::vocabulary::PartitionKey;
use countersign_model::{Event, Timestamp};

/// Whoever knows what context tables say, as of one generation.
///
/// What it says about a row or key may depend on nothing but that row or key and [`ContextCall::now`]: else the size of
/// batches would show.
pub trait ContextSource: Send + Sync {
    /// A declared table for the rows and keys of a call: by row it has as many rows as the call, by key as many as the
    /// call has keys, and it has the declared columns; or [`ContextTable::missing`].
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
    /// The time by which a table's age is told. It is the same between two ticks.
    pub now: Timestamp,
}

/// Knows nothing: every table is missing.
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
