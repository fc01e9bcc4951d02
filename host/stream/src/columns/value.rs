//! The inverse of building columns: the value of a row.

use std::net::Ipv6Addr;
use std::sync::Arc;

use countersign_model::Value;
use countersign_model::call::{Column, TextArena, Values};

/// The value of a row of a column; none where it is absent, or the column has no such row. Booleans are words of bits
/// without a length in rows: a row past the end is false.
#[must_use]
pub fn value_at(column: &Column, row: usize) -> Option<Value> {
    if let Some(masks) = &column.masks {
        if bit(&masks.wrong_type, row) {
            return Some(Value::WrongType);
        }
        if !bit(&masks.present, row) {
            return None;
        }
    }
    let entry = |arena: &TextArena, index: usize| text(arena, index).map(Arc::from);
    Some(match &column.values {
        Values::Unsigned(values) => Value::Unsigned(*values.get(row)?),
        Values::Signed(values) => Value::Signed(*values.get(row)?),
        Values::Float(values) => Value::Float(*values.get(row)?),
        Values::Timestamps(values) => Value::Timestamp(*values.get(row)?),
        Values::Bits(words) => Value::Boolean(bit(words, row)),
        Values::Text(arena) => Value::Text(entry(arena, row)?),
        Values::Dictionary { entries, indices } => Value::Text(entry(entries, index(*indices.get(row)?))?),
        Values::TextLists { items, rows } => {
            let range = index(*rows.get(row)?)..index(*rows.get(row + 1)?);
            Value::TextList(range.map(|item| entry(items, item)).collect::<Option<_>>()?)
        }
        Values::Addresses(words) => {
            let (high, low) = (*words.get(2 * row)?, *words.get(2 * row + 1)?);
            Value::Address(Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low)).to_canonical())
        }
        Values::Raw { bytes, offsets, .. } => {
            let body = bytes.get(index(*offsets.get(row)?)..index(*offsets.get(row + 1)?))?;
            Value::Json(String::from_utf8_lossy(body).into())
        }
    })
}

fn text(arena: &TextArena, place: usize) -> Option<&str> {
    arena.bytes.get(index(*arena.offsets.get(place)?)..index(*arena.offsets.get(place + 1)?))
}

fn index(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn bit(words: &[u64], row: usize) -> bool {
    words.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use countersign_model::vocabulary::FieldType;

    use super::*;
    use crate::value_column;

    #[test]
    fn every_type_comes_back_as_it_went_in() {
        let text = |text: &str| Value::Text(Arc::from(text));
        let list = |items: &[&str]| Value::TextList(items.iter().map(|item| Arc::from(*item)).collect());
        let columns = [
            (FieldType::Unsigned, vec![Value::Unsigned(7), Value::Unsigned(u64::MAX)]),
            (FieldType::Signed, vec![Value::Signed(-7), Value::Signed(0)]),
            (FieldType::Float, vec![Value::Float(-1.5), Value::Float(0.0)]),
            (FieldType::Timestamp, vec![Value::Timestamp(1), Value::Timestamp(-1)]),
            (FieldType::Boolean, vec![Value::Boolean(true), Value::Boolean(false)]),
            (FieldType::Text, vec![text("a"), text("äöü")]),
            (FieldType::Text, vec![text("same"), text("same"), text("same"), text("same")]),
            (FieldType::TextList, vec![list(&["a", ""]), list(&[]), list(&["b"])]),
            (
                FieldType::Address,
                vec![Value::Address("198.51.100.7".parse().unwrap()), Value::Address("2001:db8::1".parse().unwrap())],
            ),
            (FieldType::Json, vec![Value::Json(Arc::from("{\"a\":1}")), Value::Json(Arc::from("[]"))]),
        ];
        for (ty, values) in columns {
            let given: Vec<Option<&Value>> = values.iter().map(Some).chain([None, Some(&Value::WrongType)]).collect();
            let column = value_column(ty, given.iter().copied());
            let back: Vec<Option<Value>> = (0..given.len()).map(|row| value_at(&column, row)).collect();
            assert_eq!(back.iter().map(Option::as_ref).collect::<Vec<_>>(), given, "{ty:?}");
            let all = value_column(ty, values.iter().map(Some));
            let past_the_end = (ty == FieldType::Boolean).then_some(Value::Boolean(false));
            assert_eq!(
                (value_at(&all, 0).as_ref(), value_at(&all, values.len())),
                (values.first(), past_the_end),
                "{ty:?}"
            );
        }
    }
}
