//! From rows to a columnar batch: one column for each declared field, repeated text once.

mod value;

pub use value::value_at;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use countersign_declaration::Declaration;
use countersign_model::Value;
use countersign_model::call::{Batch, Column, Masks, NO_KEY, RawKind, Rows, TextArena, Values, schema_hash};
use countersign_model::vocabulary::{FieldId, FieldType};

use crate::reference::{NO_KEY_SEED, key_seed, reference, rule_seed};
use crate::{OrderedOccasion, Sequenced};

/// The part that is the same for all batches of a rule.
#[derive(Clone, Debug)]
pub struct Schema {
    fields: Vec<FieldId>,
    hash: u64,
    rule: u64,
}

impl Schema {
    /// The schema of a rule's declaration.
    #[must_use]
    pub fn of(declaration: &Declaration) -> Schema {
        Schema {
            fields: declaration.fields.clone(),
            hash: schema_hash(&declaration.fields),
            rule: rule_seed(&declaration.id),
        }
    }
}

/// Builds the batch of some rows. `keys` has each row's index into `key_texts`, the call's keys.
#[must_use]
pub fn build_batch(schema: &Schema, rows: &[&Sequenced], keys: &[u32], key_texts: &[Arc<str>]) -> Batch {
    let key_seeds: Vec<u64> = key_texts.iter().map(|text| key_seed(text)).collect();
    let key_of = |key: &u32| key_seeds.get(usize::try_from(*key).unwrap_or(usize::MAX)).copied().unwrap_or(NO_KEY_SEED);
    Batch {
        schema_hash: schema.hash,
        rows: Rows {
            references: rows
                .iter()
                .zip(keys)
                .map(|(row, key)| reference(schema.rule, key_of(key), row.seed()))
                .collect(),
            event_times: rows.iter().map(|row| row.time().micros()).collect(),
            ingest_times: rows.iter().map(|row| row.event.ingest_time.micros()).collect(),
            watermarks: rows.iter().map(|row| row.watermark.micros()).collect(),
            keys: keys.to_vec(),
            kinds: rows
                .iter()
                .any(|row| row.late || row.occasion != OrderedOccasion::Event)
                .then(|| rows.iter().map(|row| row.row_kind()).collect()),
        },
        columns: schema.fields.iter().map(|field| column(*field, rows)).collect(),
    }
}

/// The distinct keys of some rows in order of appearance, and for each row which of them it has.
pub fn index_keys<'a>(keys: impl Iterator<Item = Option<&'a Arc<str>>>) -> (Vec<u32>, Vec<Arc<str>>) {
    let mut texts: Vec<Arc<str>> = Vec::new();
    // Looked up in, never iterated: its order can't show.
    let mut places: HashMap<&'a str, u32> = HashMap::new();
    let indices = keys
        .map(|key| {
            let Some(key) = key else { return NO_KEY };
            *places.entry(key).or_insert_with(|| {
                texts.push(Arc::clone(key));
                u32::try_from(texts.len() - 1).unwrap_or(NO_KEY)
            })
        })
        .collect();
    (indices, texts)
}

fn column(field: FieldId, rows: &[&Sequenced]) -> Column {
    value_column(field.field().ty, rows.iter().map(|row| row.event.fields.get(field)))
}

/// A column of a type over these values, one for each row; a value of another type is marked as of the wrong type.
#[must_use]
pub fn value_column<'a>(ty: FieldType, values: impl ExactSizeIterator<Item = Option<&'a Value>> + Clone) -> Column {
    let rows = values.len();
    let mut masks = MaskBuilder::new(rows);
    let values = match ty {
        FieldType::Unsigned => Values::Unsigned(scalars(values, &mut masks, |value| match value {
            Value::Unsigned(number) => Some(*number),
            _ => None,
        })),
        FieldType::Signed => Values::Signed(scalars(values, &mut masks, |value| match value {
            Value::Signed(number) => Some(*number),
            _ => None,
        })),
        FieldType::Float => Values::Float(scalars(values, &mut masks, |value| match value {
            Value::Float(number) => Some(*number),
            _ => None,
        })),
        FieldType::Timestamp => Values::Timestamps(scalars(values, &mut masks, |value| match value {
            Value::Timestamp(micros) => Some(*micros),
            _ => None,
        })),
        FieldType::Boolean => {
            let bools = scalars(values, &mut masks, |value| match value {
                Value::Boolean(flag) => Some(*flag),
                _ => None,
            });
            let mut words = vec![0; rows.div_ceil(64)];
            bools.iter().enumerate().filter(|(_, flag)| **flag).for_each(|(row, _)| set_bit(&mut words, row));
            Values::Bits(words)
        }
        FieldType::Address => {
            let words = scalars(values, &mut masks, |value| match value {
                Value::Address(address) => Some(address_words(*address)),
                _ => None,
            });
            Values::Addresses(words.into_iter().flatten().collect())
        }
        FieldType::Text => texts(values, &mut masks),
        FieldType::TextList => {
            let mut items = TextArena::default();
            let mut starts = Vec::with_capacity(rows + 1);
            starts.push(0);
            for (row, value) in values.enumerate() {
                if let Some(Value::TextList(list)) = masks.check(row, value, |v| matches!(v, Value::TextList(_))) {
                    list.iter().for_each(|item| {
                        items.push(item);
                    });
                }
                starts.push(u32::try_from(items.offsets.len() - 1).unwrap_or(u32::MAX));
            }
            Values::TextLists { items, rows: starts }
        }
        FieldType::Json => {
            let mut bytes = Vec::new();
            let mut offsets = Vec::with_capacity(rows + 1);
            offsets.push(0);
            for (row, value) in values.enumerate() {
                if let Some(Value::Json(body)) = masks.check(row, value, |v| matches!(v, Value::Json(_))) {
                    bytes.extend_from_slice(body.as_bytes());
                }
                offsets.push(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            }
            Values::Raw { kind: RawKind::Json, bytes, offsets }
        }
    };
    Column { values, masks: masks.finish() }
}

fn scalars<'a, T: Default>(
    values: impl Iterator<Item = Option<&'a Value>>,
    masks: &mut MaskBuilder,
    read: impl Fn(&Value) -> Option<T>,
) -> Vec<T> {
    values
        .enumerate()
        .map(|(row, value)| {
            let read_value = value.and_then(&read);
            masks.mark(row, value.is_some(), read_value.is_some());
            read_value.unwrap_or_default()
        })
        .collect()
}

/// Text as a dictionary where it repeats.
fn texts<'a>(values: impl Iterator<Item = Option<&'a Value>>, masks: &mut MaskBuilder) -> Values {
    const EMPTY: &str = "";
    let texts: Vec<&str> = values
        .enumerate()
        .map(|(row, value)| match masks.check(row, value, |value| matches!(value, Value::Text(_))) {
            Some(Value::Text(text)) => text,
            _ => EMPTY,
        })
        .collect();
    // One row repeats nothing.
    if texts.len() > 1
        && let Some(dictionary) = dictionary(&texts)
    {
        return dictionary;
    }
    let mut arena = TextArena::default();
    texts.iter().for_each(|text| {
        arena.push(text);
    });
    Values::Text(arena)
}

/// None when more than half of the texts would be entries. Sources share the text of values that repeat, so most rows
/// are recognised by their text's address; a text at a new address is compared with the entries, which are distinct.
fn dictionary(texts: &[&str]) -> Option<Values> {
    let max = texts.len() / 2 + 1;
    let mut entries = TextArena::default();
    // Looked up in, never iterated: their order can't show.
    let mut contents: HashMap<&str, u32> = HashMap::with_capacity(max.min(64));
    let mut addresses: HashMap<(*const u8, usize), u32> = HashMap::with_capacity(max.min(64));
    let mut last: Option<((*const u8, usize), u32)> = None;
    let mut indices = Vec::with_capacity(texts.len());
    for text in texts {
        let address = (text.as_ptr(), text.len());
        let index = match last {
            Some((seen, index)) if seen == address => index,
            _ => {
                *addresses.entry(address).or_insert_with(|| *contents.entry(text).or_insert_with(|| entries.push(text)))
            }
        };
        if contents.len() > max {
            return None;
        }
        last = Some((address, index));
        indices.push(index);
    }
    Some(Values::Dictionary { entries, indices })
}

fn address_words(address: IpAddr) -> [u64; 2] {
    let mapped = match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    let bits = mapped.to_bits();
    #[expect(clippy::cast_possible_truncation, reason = "takes the lower half")]
    let low = bits as u64;
    [(bits >> 64) as u64, low]
}

fn set_bit(words: &mut [u64], row: usize) {
    if let Some(word) = words.get_mut(row / 64) {
        *word |= 1 << (row % 64);
    }
}

struct MaskBuilder {
    masks: Masks,
    partial: bool,
}

impl MaskBuilder {
    fn new(rows: usize) -> MaskBuilder {
        let words = rows.div_ceil(64);
        MaskBuilder { masks: Masks { present: vec![0; words], wrong_type: vec![0; words] }, partial: false }
    }

    fn mark(&mut self, row: usize, there: bool, right_type: bool) {
        if right_type {
            set_bit(&mut self.masks.present, row);
        } else {
            self.partial = true;
            if there {
                set_bit(&mut self.masks.wrong_type, row);
            }
        }
    }

    fn check<'a>(&mut self, row: usize, value: Option<&'a Value>, right: impl Fn(&Value) -> bool) -> Option<&'a Value> {
        let right_value = value.filter(|value| right(value));
        self.mark(row, value.is_some(), right_value.is_some());
        right_value
    }

    fn finish(self) -> Option<Masks> {
        self.partial.then_some(self.masks)
    }
}

#[cfg(test)]
#[path = "../tests/unit/columns_batches.rs"]
mod batches;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &Values) -> Vec<String> {
        let entry = |arena: &TextArena, index: usize| {
            arena.bytes[arena.offsets[index] as usize..arena.offsets[index + 1] as usize].to_owned()
        };
        match values {
            Values::Text(arena) => (0..arena.offsets.len() - 1).map(|row| entry(arena, row)).collect(),
            Values::Dictionary { entries, indices } => {
                indices.iter().map(|index| entry(entries, *index as usize)).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn entries_are_distinct_wherever_their_texts_lie() {
        let shared = "shared".to_owned();
        let own: Vec<String> = (0..9).map(|row| ["a", "", "shared"][row % 3].to_owned()).collect();
        let texts: Vec<&str> = own.iter().flat_map(|text| [shared.as_str(), text.as_str()]).collect();
        let values = dictionary(&texts).unwrap();
        let Values::Dictionary { entries, indices } = &values else { panic!("{values:?}") };
        assert_eq!((entries.bytes.as_str(), entries.offsets.as_slice()), ("shareda", &[0, 6, 7, 7][..]));
        assert_eq!(indices.len(), texts.len());
        assert_eq!(read(&values), texts);
    }

    #[test]
    fn a_batch_does_not_depend_on_where_its_texts_lie() {
        let one = "GetObject".to_owned();
        let shared: Vec<&str> = (0..40).map(|row| if row % 4 == 0 { "ListUsers" } else { &*one }).collect();
        let copies: Vec<String> = shared.iter().map(|text| (*text).to_owned()).collect();
        let copied: Vec<&str> = copies.iter().map(String::as_str).collect();
        assert_eq!(dictionary(&shared), dictionary(&copied));
    }

    #[test]
    fn texts_that_rarely_repeat_are_no_dictionary() {
        let texts: Vec<String> = (0..40).map(|row| format!("request {}", row / 4 * 4 + row % 3)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        assert_eq!(dictionary(&texts), None);
    }
}
