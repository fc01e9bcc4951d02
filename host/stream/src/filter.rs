//! Whether an event is one that a rule declared: its class, and its `where`. [`matches`] tests one rule; `index` tests
//! many at once, with the same result.

mod condition;
mod fields;
mod index;
mod intervals;
mod patterns;
mod router;

pub use index::Tally;
pub use router::Router;

use countersign_declaration::{Declaration, Filter, Literal, Range, Span, Test, float_key, fold_case, fold_char};
use countersign_model::vocabulary::FieldId;
use countersign_model::{Event, Fields, Value};

/// Whether the event's class and fields are those that the rule declared.
#[must_use]
pub fn matches(declaration: &Declaration, event: &Event) -> bool {
    declaration.event_classes.contains(&event.class) && holds(&declaration.filter, &event.fields)
}

/// Whether fields pass a `where`, or a part of one.
#[must_use]
pub fn holds(filter: &Filter, fields: &Fields) -> bool {
    match filter {
        Filter::Always => true,
        Filter::And(parts) => parts.iter().all(|part| holds(part, fields)),
        Filter::Or(parts) => parts.iter().any(|part| holds(part, fields)),
        Filter::Not(part) => !holds(part, fields),
        Filter::Test { field, test, ignore_case: false } => passes(*field, test, fields),
        Filter::Test { field, test, ignore_case: true } => passes_ignoring_case(*field, test, fields),
    }
}

fn passes(field: FieldId, test: &Test, fields: &Fields) -> bool {
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
        Test::Range(range) => within(value, range),
        Test::Cidr(networks) => match value {
            Value::Address(address) => networks.iter().any(|network| network.contains(*address)),
            _ => false,
        },
    }
}

/// A test whose text is folded, against folded text. Characters fold one by one, so that most tests need no copy.
fn passes_ignoring_case(field: FieldId, test: &Test, fields: &Fields) -> bool {
    let Some(value) = fields.get(field) else { return false };
    let same = |text: &str, wanted: &Literal| matches!(wanted, Literal::Text(wanted) if text.chars().map(fold_char).eq(wanted.chars()));
    match test {
        Test::Eq(literal) => any_text(value, |text| same(text, literal)),
        Test::In(literals) => any_text(value, |text| literals.iter().any(|literal| same(text, literal))),
        Test::Prefix(part) => any_text(value, |text| folded_starts_with(text.chars(), part.chars())),
        Test::Suffix(part) => any_text(value, |text| folded_starts_with(text.chars().rev(), part.chars().rev())),
        Test::Contains(part) => any_text(value, |text| fold_case(text).contains(part.as_str())),
        // No other test has text, so none is read with `ignore-case`.
        Test::Range(_) | Test::Cidr(_) | Test::Exists(_) => false,
    }
}

/// Whether the folded characters start with `part`.
fn folded_starts_with(text: impl Iterator<Item = char>, part: impl Iterator<Item = char>) -> bool {
    let mut text = text.map(fold_char);
    part.into_iter().all(|c| text.next() == Some(c))
}

fn within(value: &Value, range: &Range) -> bool {
    let (number, min, max) = match (value, range.span()) {
        (Value::Unsigned(number), Span::Integers(min, max)) => (i128::from(*number), min, max),
        (Value::Signed(number) | Value::Timestamp(number), Span::Integers(min, max)) => (i128::from(*number), min, max),
        (Value::Float(number), Span::Floats(min, max)) => match float_key(*number) {
            Some(key) => (i128::from(key), min, max),
            None => return false,
        },
        _ => return false,
    };
    min <= number && number <= max
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
#[path = "../tests/unit/filter.rs"]
mod tests;
