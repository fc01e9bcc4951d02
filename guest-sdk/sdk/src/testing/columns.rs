//! Rows into the columns of a batch.

use std::net::IpAddr;

use countersign_vocabulary::{FieldId, FieldType};

use super::row::{Row, Value};
use crate::bindings::detect::{Column, Dictionary, Masks, RawArena, RawKind, TextArena, TextLists, Validity, Values};

/// The value of one variant.
macro_rules! variant {
    ($value:ident, $variant:ident) => {
        match $value {
            Value::$variant(value) => Some(value),
            _ => None,
        }
    };
}

/// One column over the rows.
///
/// # Panics
/// When a row has a value of another variant than the field's type.
pub(super) fn column(field: FieldId, rows: &[&Row]) -> Column {
    let field = field.field();
    column_of(field.path, field.ty, &rows.iter().map(|row| row.values.get(field.path)).collect::<Vec<_>>())
}

/// One column of these values; the name is for the message about a value of another type.
///
/// # Panics
/// When a value is of another variant than the type.
pub(super) fn column_of(name: &str, ty: FieldType, cells: &[Option<&Value>]) -> Column {
    let masks = Masks {
        present: bits(cells.iter().map(|cell| !matches!(cell, None | Some(Value::WrongType)))),
        wrong_type: bits(cells.iter().map(|cell| matches!(cell, Some(Value::WrongType)))),
    };
    let whole = cells.iter().all(|cell| !matches!(cell, None | Some(Value::WrongType)));
    let validity = if whole { Validity::AllPresent } else { Validity::Partial(masks) };
    let read = Cells { name, cells };
    let values = match ty {
        FieldType::Unsigned => Values::Unsigned(read.map(|value| variant!(value, Unsigned).copied())),
        FieldType::Signed => Values::Signed(read.map(|value| variant!(value, Signed).copied())),
        FieldType::Float => Values::Float(read.map(|value| variant!(value, Float).copied())),
        FieldType::Boolean => Values::Bits(bits(read.map(|value| variant!(value, Boolean).copied()).into_iter())),
        FieldType::Text => texts(&read.map(|value| variant!(value, Text).cloned())),
        FieldType::TextList => lists(&read.map(|value| variant!(value, TextList).cloned())),
        FieldType::Timestamp => Values::Timestamps(read.map(|value| variant!(value, Timestamp).copied())),
        FieldType::Address => {
            let words = read.map(|value| variant!(value, Address).map(words));
            Values::Addresses(words.into_iter().flatten().collect())
        }
        FieldType::Json => {
            let TextArena { bytes, offsets } = arena(read.map(|value| variant!(value, Json).cloned()).iter());
            Values::Raw(RawArena { kind: RawKind::Json, bytes: bytes.into_bytes(), offsets })
        }
    };
    Column { values, validity }
}

struct Cells<'a> {
    name: &'a str,
    cells: &'a [Option<&'a Value>],
}

impl Cells<'_> {
    /// Each row's value; the default where there is none.
    #[expect(clippy::panic, reason = "for tests")]
    fn map<T: Default>(&self, read: impl Fn(&Value) -> Option<T>) -> Vec<T> {
        self.cells
            .iter()
            .map(|cell| match cell {
                None | Some(Value::WrongType) => T::default(),
                Some(value) => match read(value) {
                    Some(value) => value,
                    None => panic!("`{}` is of another type than {value:?}", self.name),
                },
            })
            .collect()
    }
}

/// Bit words.
pub(super) fn bits(values: impl Iterator<Item = bool>) -> Vec<u64> {
    let values: Vec<bool> = values.collect();
    values.chunks(64).map(|chunk| chunk.iter().rev().fold(0, |word, bit| word << 1 | u64::from(*bit))).collect()
}

fn arena<'a>(texts: impl Iterator<Item = &'a String>) -> TextArena {
    let mut arena = TextArena { bytes: String::new(), offsets: vec![0] };
    for text in texts {
        arena.bytes.push_str(text);
        arena.offsets.push(u32::try_from(arena.bytes.len()).unwrap_or(u32::MAX));
    }
    arena
}

/// As a dictionary where a text occurs twice, as the host does.
fn texts(texts: &[String]) -> Values {
    let mut distinct: Vec<&String> = texts.iter().collect();
    distinct.sort();
    distinct.dedup();
    if distinct.len() == texts.len() {
        return Values::Text(arena(texts.iter()));
    }
    let index = |text: &String| distinct.binary_search(&text).ok().and_then(|index| u32::try_from(index).ok());
    let indices = texts.iter().map(|text| index(text).unwrap_or_default()).collect();
    Values::Dictionary(Dictionary { entries: arena(distinct.iter().copied()), indices })
}

fn lists(lists: &[Vec<String>]) -> Values {
    let mut rows = vec![0];
    let mut items = 0;
    for list in lists {
        items += u32::try_from(list.len()).unwrap_or_default();
        rows.push(items);
    }
    Values::TextLists(TextLists { items: arena(lists.iter().flatten()), rows })
}

fn words(address: &IpAddr) -> [u64; 2] {
    let bits = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    };
    [(bits >> 64) as u64, bits as u64]
}
