//! An event in a few words, for tables.

use countersign_model::vocabulary::FieldId;
use countersign_model::{Event, Value};

/// What was done: the operation called, else the source's own name of the event.
pub(crate) fn operation(event: &Event) -> &str {
    let text = |field| event.fields.text(field);
    text(FieldId::ApiOperation).or_else(|| text(FieldId::MetadataEventCode)).unwrap_or_default()
}

/// Who did it.
pub(crate) fn account(event: &Event) -> String {
    event.actor.account.as_ref().map_or_else(|| "unresolved".to_owned(), ToString::to_string)
}

/// Whether it worked; empty where the record doesn't say.
pub(crate) fn outcome(event: &Event) -> String {
    let is = |field, number| event.fields.get(field) == Some(&Value::Unsigned(number));
    let word = if is(FieldId::ActionId, 2) {
        "denied"
    } else if is(FieldId::StatusId, 1) {
        "success"
    } else if is(FieldId::StatusId, 2) {
        "failure"
    } else {
        ""
    };
    word.to_owned()
}

/// From where; empty where the record doesn't say.
pub(crate) fn address(event: &Event) -> String {
    match event.fields.get(FieldId::SrcEndpointIp) {
        Some(Value::Address(address)) => address.to_string(),
        _ => String::new(),
    }
}
