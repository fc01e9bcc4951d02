//! A test of a `where`: what it may be on a field of a type, and its literals.

use std::net::IpAddr;

use countersign_model::vocabulary::FieldType;
use serde_json::Value;

use super::MAX_TEXT;
use crate::declaration::{Literal, Test};
use crate::fold::fold_case;
use crate::network::{Network, NetworkFault};
use crate::range::{Bound, Range, Span};
use crate::reader::{GREATEST_INTEGER, Need, Reader, Table, describe};
use crate::reasons::{RefusalCode, quoted};

/// Most values of an `in`, and networks of a `cidr`.
const MAX_VALUES: usize = 1_024;

/// Tests that can disregard case.
const OF_TEXT: &[&str] = &["eq", "in", "prefix", "suffix", "contains"];

/// The tests that fit a field's type, for a message.
fn fitting(ty: FieldType) -> &'static str {
    match ty {
        FieldType::Json => "`exists`",
        FieldType::Boolean => "`eq`, `in` or `exists`",
        FieldType::Unsigned | FieldType::Signed | FieldType::Float | FieldType::Timestamp => {
            "`eq`, `in`, `range` or `exists`"
        }
        FieldType::Text | FieldType::TextList => "`eq`, `in`, `prefix`, `suffix`, `contains` or `exists`",
        FieldType::Address => "`eq`, `in`, `prefix`, `suffix`, `contains`, `cidr` or `exists`",
    }
}

/// Whether a test says `ignore-case`; none if it can't.
pub(super) fn ignore_case(reader: &mut Reader, table: &Table<'_>, test: &str, ty: FieldType) -> Option<bool> {
    let said = reader.key(table, "ignore-case", Need::Optional(false), Reader::boolean)?;
    let place = table.place("ignore-case");
    if said && !(OF_TEXT.contains(&test) && matches!(ty, FieldType::Text | FieldType::TextList)) {
        reader.refuse(
            RefusalCode::Inconsistent,
            place,
            "`eq`, `in`, `prefix`, `suffix` or `contains` on a field of type text or text-list beside it",
            format!("`{test}` on a field of type {}", ty.id()),
        );
        return None;
    }
    if !said && reader.is_section() && table.has("ignore-case") {
        reader.refuse(RefusalCode::InvalidValue, place, "`true`, or no such key", "false");
        return None;
    }
    Some(said)
}

/// Reads a test; with its name comes whether it disregards case.
pub(super) fn read(
    reader: &mut Reader,
    place: &str,
    (test, ignore_case): (&str, bool),
    value: &Value,
    ty: FieldType,
) -> Option<Test> {
    let fits = fitting(ty);
    if !fits.contains(&format!("`{test}`")) {
        let expected = format!("{fits} on a field of type {}", ty.id());
        reader.refuse(RefusalCode::Inconsistent, place, expected, format!("`{test}`"));
        return None;
    }
    let text = |reader: &mut Reader| {
        let text = reader.any_text(place, value, MAX_TEXT)?;
        cased(reader, place, text, ignore_case)
    };
    Some(match test {
        "exists" => Test::Exists(reader.boolean(place, value)?),
        "eq" => Test::Eq(literal(reader, place, value, ty, ignore_case)?),
        "in" => Test::In(reader.set(place, value, (1, MAX_VALUES), |reader, place, value| {
            literal(reader, place, value, ty, ignore_case)
        })?),
        "prefix" => Test::Prefix(text(reader)?),
        "suffix" => Test::Suffix(text(reader)?),
        "range" => Test::Range(range(reader, place, value, ty)?),
        "cidr" => Test::Cidr(networks(reader, place, value)?),
        _ => Test::Contains(text(reader)?),
    })
}

/// Text as a test holds it: folded where case is disregarded.
fn cased(reader: &mut Reader, place: &str, text: &str, ignore_case: bool) -> Option<String> {
    if !ignore_case {
        return Some(text.to_owned());
    }
    let folded = fold_case(text);
    if folded.len() > MAX_TEXT {
        let expected = format!("at most {MAX_TEXT} bytes of text without case");
        reader.refuse(RefusalCode::OutOfRange, place, expected, format!("{} bytes", folded.len()));
        return None;
    }
    if reader.is_section() && folded != text {
        let expected = format!("{}, the text without case", quoted(&folded));
        reader.refuse(RefusalCode::InvalidValue, place, expected, quoted(text));
        return None;
    }
    Some(folded)
}

fn literal(reader: &mut Reader, place: &str, value: &Value, ty: FieldType, ignore_case: bool) -> Option<Literal> {
    Some(match ty {
        FieldType::Text | FieldType::TextList => {
            let text = reader.any_text(place, value, MAX_TEXT)?;
            Literal::Text(cased(reader, place, text, ignore_case)?)
        }
        FieldType::Address => {
            let address: IpAddr = reader.parsed(place, value, "an IPv4 or IPv6 address")?;
            let text = address.to_canonical().to_string();
            if reader.is_section() && value.as_str() != Some(&text) {
                let expected = format!("`{text}`, the address's normal form");
                reader.refuse(RefusalCode::InvalidValue, place, expected, describe(value));
                return None;
            }
            Literal::Text(text)
        }
        FieldType::Unsigned => Literal::Integer(reader.integer(place, value, 0, GREATEST_INTEGER)?),
        FieldType::Signed | FieldType::Timestamp => Literal::Integer(reader.whole(place, value)?),
        FieldType::Float => Literal::Float(reader.decimal(place, value)?),
        FieldType::Boolean => Literal::Boolean(reader.boolean(place, value)?),
        // Only `exists` gets here for bodies, and it has no literal.
        FieldType::Json => return None,
    })
}

fn range(reader: &mut Reader, place: &str, value: &Value, ty: FieldType) -> Option<Range> {
    if !value.is_object() {
        let expected = "a table of ends such as `{ at-least = 2, below = 10 }`";
        reader.refuse(RefusalCode::WrongType, place, expected, describe(value));
        return None;
    }
    let table = reader.table(place, value)?;
    reader.only(&table, &["at-least", "above", "at-most", "below"]);
    let lower = end(reader, &table, ["at-least", "above"], ty);
    let upper = end(reader, &table, ["at-most", "below"], ty);
    let (lower, upper) = (lower?, upper?);
    if lower.is_none() && upper.is_none() {
        let expected = "an end: `at-least` or `above`, `at-most` or `below`";
        reader.refuse(RefusalCode::MissingKey, place, expected, "none");
        return None;
    }
    let range = Range { lower, upper };
    let (Span::Integers(least, most) | Span::Floats(least, most)) = range.span();
    if least > most {
        let expected = "a lower end below the upper one, so that some value lies between";
        reader.refuse(RefusalCode::Inconsistent, place, expected, "ends with nothing between");
        return None;
    }
    Some(range)
}

/// One end of a range, which is written with one of two keys; none if it is at fault.
fn end(
    reader: &mut Reader,
    table: &Table<'_>,
    [included, excluded]: [&str; 2],
    ty: FieldType,
) -> Option<Option<Bound>> {
    let mut read = |key: &str, included: bool| {
        reader.key(table, key, Need::Optional(None), |reader, place, value| {
            let value = literal(reader, place, value, ty, false)?;
            Some(Some(Bound { value, included }))
        })
    };
    let (with, without) = (read(included, true), read(excluded, false));
    match (with?, without?) {
        (Some(_), Some(_)) => {
            let expected = format!("`{included}` or `{excluded}`, not both");
            reader.refuse(RefusalCode::Inconsistent, table.place(excluded), expected, "both");
            None
        }
        (with, without) => Some(with.or(without)),
    }
}

/// Networks; `rule.toml` may write one without a list.
fn networks(reader: &mut Reader, place: &str, value: &Value) -> Option<Vec<Network>> {
    if value.is_string() && !reader.is_section() {
        return Some(vec![network(reader, place, value)?]);
    }
    reader.set(place, value, (1, MAX_VALUES), network)
}

fn network(reader: &mut Reader, place: &str, value: &Value) -> Option<Network> {
    let text = reader.any_text(place, value, MAX_TEXT)?;
    let (code, expected) = match Network::parse(text) {
        Ok(network) if !reader.is_section() || network.to_string() == text => return Some(network),
        Ok(network) => (RefusalCode::InvalidValue, format!("`{network}`, the network's normal form")),
        Err(NetworkFault::Form) => {
            (RefusalCode::InvalidValue, "a network such as `10.0.0.0/8` or `2001:db8::/32`".to_owned())
        }
        Err(NetworkFault::Address(network)) => {
            (RefusalCode::InvalidValue, format!("a network, such as `{network}` of this address alone"))
        }
        Err(NetworkFault::Prefix(most)) => (RefusalCode::OutOfRange, format!("a prefix of 0 to {most} bits")),
        Err(NetworkFault::HostBits(network)) => {
            (RefusalCode::InvalidValue, format!("`{network}`, the network without bits past its prefix"))
        }
    };
    reader.refuse(code, place, expected, quoted(text));
    None
}
