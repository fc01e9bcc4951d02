//! Whether an event is one that a rule declared: its class, and its `where`.

use countersign_declaration::{Declaration, Filter, Literal, Test};
use countersign_model::vocabulary::FieldId;
use countersign_model::{Event, Fields, Value};

/// Whether the event's class and fields are those that the rule declared.
#[must_use]
pub fn matches(declaration: &Declaration, event: &Event) -> bool {
    declaration.event_classes.contains(&event.class) && holds(&declaration.filter, &event.fields)
}

fn holds(filter: &Filter, fields: &Fields) -> bool {
    match filter {
        Filter::Always => true,
        Filter::And(parts) => parts.iter().all(|part| holds(part, fields)),
        Filter::Or(parts) => parts.iter().any(|part| holds(part, fields)),
        Filter::Not(part) => !holds(part, fields),
        Filter::Test { field, test } => tested(*field, test, fields),
    }
}

fn tested(field: FieldId, test: &Test, fields: &Fields) -> bool {
    let value = match fields.get(field) {
        None | Some(Value::WrongType) => return matches!(test, Test::Exists(false)),
        Some(value) => value,
    };
    match test {
        Test::Exists(wanted) => *wanted,
        Test::Eq(literal) => equal(value, literal),
        Test::In(literals) => literals.iter().any(|literal| equal(value, literal)),
        Test::Prefix(part) => any_text(value, |text| text.starts_with(part.as_str())),
        Test::Suffix(part) => any_text(value, |text| text.ends_with(part.as_str())),
        Test::Contains(part) => any_text(value, |text| text.contains(part.as_str())),
    }
}

fn equal(value: &Value, literal: &Literal) -> bool {
    match (value, literal) {
        (_, Literal::Text(wanted)) => any_text(value, |text| text == wanted),
        (Value::Unsigned(value), Literal::Integer(wanted)) => {
            u64::try_from(*wanted).is_ok_and(|wanted| *value == wanted)
        }
        (Value::Signed(value) | Value::Timestamp(value), Literal::Integer(wanted)) => value == wanted,
        (Value::Float(value), Literal::Float(wanted)) => value == wanted,
        (Value::Boolean(value), Literal::Boolean(wanted)) => value == wanted,
        _ => false,
    }
}

fn any_text(value: &Value, test: impl Fn(&str) -> bool) -> bool {
    match value {
        Value::Text(text) | Value::Json(text) => test(text),
        Value::TextList(items) => items.iter().any(|item| test(item)),
        // As literals are written: an IPv4 address has one text, mapped into IPv6 or not.
        Value::Address(address) => test(&address.to_canonical().to_string()),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
