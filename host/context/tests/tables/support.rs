//! Events, declarations, and tables as text.

use std::sync::Arc;

use countersign_context::{Context, ContextFiles};
use countersign_declaration::{ContextWanted, parse_toml};
use countersign_model::call::{Availability, Column, ContextTable, TableAvailability, TextArena, Values};
use countersign_model::vocabulary::{FieldId, PartitionKey};
use countersign_model::{Event, Timestamp, Value};
use countersign_policy::Directory;
use countersign_stream::{ContextCall, ContextSource as _};

/// The first of November 2026, microseconds.
pub(crate) const NOVEMBER: i64 = 1_793_491_200_000_000;
pub(crate) const DAY: i64 = 86_400_000_000;

/// What a rule asks for, at most 30 days old.
pub(crate) fn wanted(table: &str, by: &str, key: &str, columns: &[&str]) -> ContextWanted {
    let text = format!(
        "id = \"example/rule\"\nversion = \"1.0.0\"\nkind = \"detection\"\ndescription = \"For a test.\"\n\
         identity-types = [\"human\"]\nconfidence-floor = 50\nactions = [\"notify\"]\nsignal-classes = [\"token\"]\n\
         event-classes = [\"api-activity\"]\npartition-key = \"{key}\"\n[[context]]\ntable = \"{table}\"\nby = \"{by}\"\n\
         columns = {columns:?}\nmax-age = \"30d\"\n"
    );
    parse_toml(&text).unwrap_or_else(|refusals| panic!("{refusals:#?}")).context.remove(0)
}

/// An event of an account from an address, an empty text for none, at the first of November.
pub(crate) fn event(account: &str, address: &str) -> Event {
    let mut event = countersign_testing::event(0);
    (event.time, event.ingest_time) = (Timestamp(NOVEMBER), Timestamp(NOVEMBER));
    event.actor.account = (!account.is_empty()).then(|| account.parse().unwrap());
    if !address.is_empty() {
        event.fields.set(FieldId::SrcEndpointIp, Value::Address(address.parse().unwrap()));
    }
    event
}

/// Of files, without a directory.
pub(crate) fn context(files: &[(&str, &str)]) -> Context {
    let mut read = ContextFiles::default();
    for (table, text) in files {
        read.add(table, table, (*text).into()).unwrap_or_else(|faults| panic!("{faults:?}"));
    }
    Context::new(read, None)
}

/// Of a directory alone.
pub(crate) fn directory(text: &str) -> Context {
    Context::new(ContextFiles::default(), Some(Arc::new(Directory::parse(text).unwrap())))
}

/// A table for rows and keys, so many days after the first of November.
pub(crate) fn ask(
    context: &Context,
    wanted: &ContextWanted,
    events: &[Event],
    keys: &[&str],
    days: i64,
) -> ContextTable {
    let events: Vec<&Event> = events.iter().collect();
    let keys: Vec<Arc<str>> = keys.iter().map(|key| Arc::from(*key)).collect();
    let now = Timestamp(NOVEMBER + days * DAY);
    let call = ContextCall { events: &events, keys: &keys, partition_key: PartitionKey::Actor, now };
    context.table(wanted, &call)
}

/// A table's rows as text, each with its availability: `fresh -3d: DE, 52.5, -`, days after the first of November.
pub(crate) fn rows(table: &ContextTable) -> Vec<String> {
    let one = |availability: &Availability| match availability {
        Availability::Missing => "missing".to_owned(),
        Availability::Stale(at) => format!("stale {}d", (at - NOVEMBER) / DAY),
        Availability::Fresh(at) => format!("fresh {}d", (at - NOVEMBER) / DAY),
    };
    (0..table.rows as usize)
        .map(|row| {
            let availability = match &table.availability {
                TableAvailability::Whole(whole) => one(whole),
                TableAvailability::Each(rows) => one(&rows[row]),
            };
            let cells: Vec<String> = table.columns.iter().map(|column| cell(column, row)).collect();
            format!("{availability}: {}", cells.join(", "))
        })
        .collect()
}

fn cell(column: &Column, row: usize) -> String {
    if column.masks.as_ref().is_some_and(|masks| masks.present[row / 64] >> (row % 64) & 1 == 0) {
        return "-".to_owned();
    }
    let text = |arena: &TextArena, at: usize| {
        arena.bytes[arena.offsets[at] as usize..arena.offsets[at + 1] as usize].to_owned()
    };
    match &column.values {
        Values::Unsigned(values) => values[row].to_string(),
        Values::Float(values) => values[row].to_string(),
        Values::Bits(words) => (words[row / 64] >> (row % 64) & 1 == 1).to_string(),
        Values::Text(arena) => text(arena, row),
        Values::Dictionary { entries, indices } => text(entries, indices[row] as usize),
        Values::TextLists { items, rows } => {
            let items: Vec<String> = (rows[row]..rows[row + 1]).map(|item| text(items, item as usize)).collect();
            format!("[{}]", items.join(" "))
        }
        other => panic!("{other:?}"),
    }
}
