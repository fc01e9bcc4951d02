//! The call of a detection rule in words: what it was shown, and what it had kept. Calls here have one row.

use countersign_declaration::Declaration;
use countersign_model::call::{Availability, DetectionCall, Parameter, SlotState, TableAvailability};
use countersign_model::time::format_duration;
use countersign_model::{Timestamp, Value};
use countersign_stream::value_at;

use crate::text;
use crate::values;

/// The declared fields with their values.
pub(crate) fn columns<'a>(
    rule: &'a Declaration,
    call: &'a DetectionCall,
) -> impl Iterator<Item = (&'static str, Option<Value>)> + 'a {
    rule.fields.iter().zip(&call.batch.columns).map(|(field, column)| (field.field().path, value_at(column, 0)))
}

/// A field's value on one line, cut where it is long.
pub(crate) fn value(value: Option<&Value>) -> String {
    values::shorten(values::shown(value))
}

/// The declared slots with what the rule had kept, in short.
pub(crate) fn state<'a>(rule: &'a Declaration, call: &'a DetectionCall) -> impl Iterator<Item = String> + 'a {
    rule.slots.iter().zip(&call.state).map(|(slot, state)| format!("`{}`: {}", slot.name, slot_state(state)))
}

fn slot_state(state: &SlotState) -> String {
    match state.blobs.len() {
        0 => "none".to_owned(),
        bytes => {
            let kept = text::count(state.kept.len() as u64, "kept reference");
            format!("{}, {kept}", text::size(bytes as u64))
        }
    }
}

/// The declared context tables with whether they were there.
pub(crate) fn context<'a>(rule: &'a Declaration, call: &'a DetectionCall) -> impl Iterator<Item = String> + 'a {
    let tables = rule.context.iter().zip(&call.context);
    tables.map(|(wanted, table)| format!("{}: {}", wanted.table.name, availability(&table.availability)))
}

fn availability(table: &TableAvailability) -> String {
    let one = |one: &Availability| match one {
        Availability::Missing => "missing".to_owned(),
        Availability::Stale(at) => format!("too old, as of {}", Timestamp(*at)),
        Availability::Fresh(at) => format!("there, as of {}", Timestamp(*at)),
    };
    match table {
        TableAvailability::Whole(whole) => one(whole),
        TableAvailability::Each(rows) => rows.iter().map(one).collect::<Vec<_>>().join(", "),
    }
}

/// A parameter's value.
pub(crate) fn parameter(parameter: &Parameter) -> String {
    match parameter {
        Parameter::Boolean(value) => value.to_string(),
        Parameter::Integer(value) => value.to_string(),
        Parameter::Decimal(value) => value.to_string(),
        Parameter::Text(text) => format!("{text:?}"),
        Parameter::TextList(items) => format!("{items:?}"),
        Parameter::Duration(micros) => format_duration(*micros),
    }
}
