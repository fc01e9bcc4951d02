//! A test of a `where`: what it may be on a field of a type, and its literals.

use std::net::IpAddr;

use countersign_document::{MAX_INTEGER, NodeValue, quoted};
use countersign_model::vocabulary::FieldType;

use super::MAX_TEXT;
use crate::declaration::{Literal, Test};
use crate::fold::fold_case;
use crate::network::Network;
use crate::range::{Bound, Range, Span};
use crate::reader::{Item, Table, inconsistent};
use crate::reasons::RefusalCode;

/// Most values of an `in`, and networks of a `cidr`.
const MAX_VALUES: usize = 1_024;

/// Tests that can ignore case.
const TEXT_TESTS: &[&str] = &["eq", "in", "prefix", "suffix", "contains"];

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

/// What `ignore-case` says; none if the test can't have it.
pub(super) fn ignore_case(table: &Table<'_>, test: &str, ty: FieldType) -> Option<bool> {
    let Some(item) = table.get("ignore-case") else { return Some(false) };
    let value = item.flag()?;
    if value && !(TEXT_TESTS.contains(&test) && matches!(ty, FieldType::Text | FieldType::TextList)) {
        let expected = "`eq`, `in`, `prefix`, `suffix` or `contains` on a field of type text or text-list beside it";
        return inconsistent(item, expected, format!("`{test}` on a field of type {}", ty.id()));
    }
    if !value && item.reader().is_canonical() {
        return item.refuse(RefusalCode::InvalidValue, "`true`, or no such key", "false", None);
    }
    Some(value)
}

/// Reads the value of a test.
pub(super) fn read(item: Item<'_>, test: &str, ignore_case: bool, ty: FieldType) -> Option<Test> {
    let fits = fitting(ty);
    if !fits.contains(&format!("`{test}`")) {
        let expected = format!("{fits} on a field of type {}", ty.id());
        return inconsistent(item, expected, format!("`{test}`"));
    }
    let text = || cased(item, item.any_text(MAX_TEXT)?, ignore_case);
    Some(match test {
        "exists" => Test::Exists(item.flag()?),
        "eq" => Test::Eq(literal(item, ty, ignore_case)?),
        "in" => Test::In(item.set((1, MAX_VALUES), |item| literal(item, ty, ignore_case))?),
        "prefix" => Test::Prefix(text()?),
        "suffix" => Test::Suffix(text()?),
        "range" => Test::Range(range(item, ty)?),
        "cidr" => Test::Cidr(networks(item)?),
        _ => Test::Contains(text()?),
    })
}

/// Text as a test holds it: folded where case is ignored.
fn cased(item: Item<'_>, text: &str, ignore_case: bool) -> Option<String> {
    if !ignore_case {
        return Some(text.to_owned());
    }
    let folded = fold_case(text);
    if folded.len() > MAX_TEXT {
        let expected = format!("at most {MAX_TEXT} bytes of text without case");
        return item.refuse(RefusalCode::OutOfRange, expected, format!("{} bytes", folded.len()), None);
    }
    if item.reader().is_canonical() && folded != text {
        return item.invalid(format!("{}, the text without case", quoted(&folded)));
    }
    Some(folded)
}

fn literal(item: Item<'_>, ty: FieldType, ignore_case: bool) -> Option<Literal> {
    Some(match ty {
        FieldType::Text | FieldType::TextList => Literal::Text(cased(item, item.any_text(MAX_TEXT)?, ignore_case)?),
        FieldType::Address => {
            let address: IpAddr = item.parsed("an IPv4 or IPv6 address")?;
            let text = address.to_canonical().to_string();
            if item.reader().is_canonical() && item.node().as_text() != Some(&text) {
                return item.invalid(format!("`{text}`, the address's normal form"));
            }
            Literal::Text(text)
        }
        FieldType::Unsigned => Literal::Integer(item.integer(0, MAX_INTEGER)?),
        FieldType::Signed | FieldType::Timestamp => Literal::Integer(item.whole()?),
        FieldType::Float => Literal::Float(item.decimal()?),
        FieldType::Boolean => Literal::Boolean(item.flag()?),
        // Only `exists` gets here for bodies, and it has no literal.
        FieldType::Json => return None,
    })
}

fn range(item: Item<'_>, ty: FieldType) -> Option<Range> {
    if !matches!(item.node().value, NodeValue::Table(_)) {
        return item.wrong_type("a table of ends such as `{ at-least = 2, below = 10 }`");
    }
    let table = item.table()?;
    let lower = end(&table, ["at-least", "above"], ty);
    let upper = end(&table, ["at-most", "below"], ty);
    table.finish();
    let (lower, upper) = (lower?, upper?);
    if lower.is_none() && upper.is_none() {
        let expected = "an end: `at-least` or `above`, `at-most` or `below`";
        return item.refuse(RefusalCode::MissingKey, expected, "none", None);
    }
    let range = Range { lower, upper };
    let (Span::Integers(min, max) | Span::Floats(min, max)) = range.span();
    if min > max {
        let expected = "a lower end below the upper one, so that some value lies between";
        return inconsistent(item, expected, "ends with nothing between");
    }
    Some(range)
}

/// One end of a range, which is written with one of two keys; the outer option is none if it is at fault.
fn end(table: &Table<'_>, [included, excluded]: [&'static str; 2], ty: FieldType) -> Option<Option<Bound>> {
    let read = |key: &'static str, included: bool| {
        table.optional(key, |item| Some(Bound { value: literal(item, ty, false)?, included }))
    };
    let (with, without) = (read(included, true), read(excluded, false));
    match (with?, without?) {
        (Some(_), Some(_)) => {
            inconsistent(table.get(excluded)?, format!("`{included}` or `{excluded}`, not both"), "both")
        }
        (with, without) => Some(with.or(without)),
    }
}

/// Networks; `rule.toml` may write one without a list.
fn networks(item: Item<'_>) -> Option<Vec<Network>> {
    if item.node().as_text().is_some() && !item.reader().is_canonical() {
        return Some(vec![Network::read(item)?]);
    }
    item.set((1, MAX_VALUES), Network::read)
}
