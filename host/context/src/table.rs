//! Builds tables from rows: what is looked up, how old it is, and the columns.

use std::net::IpAddr;
use std::sync::Arc;

use countersign_declaration::ContextWanted;
use countersign_model::call::{Availability, ContextTable, TableAvailability};
use countersign_model::vocabulary::{FieldId, Keying};
use countersign_model::{Account, Event, Timestamp, Value};
use countersign_stream::{ContextCall, value_column};

/// A row of a table: its availability, and its value in each wanted column.
pub(crate) struct TableRow {
    pub(crate) availability: Availability,
    pub(crate) cells: Vec<Option<Value>>,
}

impl TableRow {
    /// A row without values.
    pub(crate) fn missing(wanted: &ContextWanted) -> TableRow {
        TableRow { availability: Availability::Missing, cells: vec![None; wanted.columns.len()] }
    }

    /// With the value that `cell` returns for the name of each wanted column.
    pub(crate) fn new(
        wanted: &ContextWanted,
        availability: Availability,
        cell: impl FnMut(&'static str) -> Option<Value>,
    ) -> TableRow {
        TableRow { availability, cells: names(wanted).map(cell).collect() }
    }
}

/// The names of the wanted columns, in declared order.
pub(crate) fn names(wanted: &ContextWanted) -> impl Iterator<Item = &'static str> {
    wanted.columns.iter().filter_map(|place| wanted.table.columns.get(*place)).map(|column| column.name)
}

/// The availability of facts as of a time, under the declared maximum age.
pub(crate) fn dated(as_of: Timestamp, wanted: &ContextWanted, now: Timestamp) -> Availability {
    if now.micros_since(as_of) > wanted.max_age {
        Availability::Stale(as_of.micros())
    } else {
        Availability::Fresh(as_of.micros())
    }
}

/// A table of these rows; the availability of a table by batch is given separately.
pub(crate) fn build(wanted: &ContextWanted, rows: Vec<TableRow>, by_batch: Option<Availability>) -> ContextTable {
    let columns = wanted.columns.iter().filter_map(|place| wanted.table.columns.get(*place)).enumerate();
    let columns = columns
        .map(|(index, column)| {
            value_column(column.ty, rows.iter().map(|row| row.cells.get(index).and_then(Option::as_ref)))
        })
        .collect();
    ContextTable {
        keying: wanted.keying,
        rows: u32::try_from(rows.len()).unwrap_or(u32::MAX),
        availability: match by_batch {
            Some(availability) => TableAvailability::Whole(availability),
            None => TableAvailability::of(rows.into_iter().map(|row| row.availability).collect()),
        },
        columns,
    }
}

/// The source address of each row or key, with the row's event: several events may have one key, so a key has none.
pub(crate) fn addresses<'c>(keying: Keying, call: &ContextCall<'c>) -> Vec<(Option<IpAddr>, Option<&'c Event>)> {
    match keying {
        Keying::Row => call.events.iter().map(|event| (source(event), Some(*event))).collect(),
        Keying::Key => call.keys.iter().map(|key| (key.parse().ok(), None)).collect(),
        Keying::Batch => Vec::new(),
    }
}

fn source(event: &Event) -> Option<IpAddr> {
    match event.fields.get(FieldId::SrcEndpointIp) {
        Some(Value::Address(address)) => Some(*address),
        _ => None,
    }
}

/// The account of each row's actor, or of each key.
pub(crate) fn accounts(keying: Keying, call: &ContextCall<'_>) -> Vec<Option<Account>> {
    match keying {
        Keying::Row => call.events.iter().map(|event| event.actor.account.clone()).collect(),
        Keying::Key => call.keys.iter().map(|key| key.parse().ok()).collect(),
        Keying::Batch => Vec::new(),
    }
}

/// A text as a value.
pub(crate) fn text(text: impl AsRef<str>) -> Option<Value> {
    Some(Value::Text(Arc::from(text.as_ref())))
}
