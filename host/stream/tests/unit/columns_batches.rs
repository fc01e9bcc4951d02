//! Batches decode to the values that they were built from.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;

use countersign_model::call::RowKind;
use countersign_model::{Event, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::testing::{SECOND, declaration, entries, event, second, sequence, texts};

/// One field of every type that the table of fields has.
const FIELDS: &[&str] = &[
    "status_id",
    "is_mfa",
    "api.operation",
    "http_request.user_agent",
    "resources.uid",
    "actor.session.created_time",
    "src_endpoint.ip",
    "api.request.data",
];

fn fields() -> Vec<FieldId> {
    FIELDS.iter().map(|path| FieldId::from_path(path).unwrap()).collect()
}

/// A batch of events without keys.
fn batch(rows: &[Sequenced]) -> Batch {
    let paths = FIELDS.iter().map(|path| format!("{path:?}")).collect::<Vec<_>>().join(", ");
    let schema = Schema::of(&declaration(&format!("fields = [{paths}]"), ""));
    build_batch(&schema, &rows.iter().collect::<Vec<_>>(), &vec![NO_KEY; rows.len()], &[])
}

fn bit(words: &[u64], row: usize) -> bool {
    words[row / 64] >> (row % 64) & 1 == 1
}

/// Offsets begin with 0, never fall, and end with the arena's length.
fn check_offsets(offsets: &[u32], entries: usize, length: usize) {
    assert_eq!((offsets.len(), offsets[0]), (entries + 1, 0));
    assert!(offsets.is_sorted());
    assert_eq!(offsets[entries] as usize, length);
}

/// A column's values as the interface defines them: absent ones as none, those of the wrong type as
/// [`Value::WrongType`].
fn decode(column: &Column, rows: usize) -> Vec<Option<Value>> {
    let words = rows.div_ceil(64);
    if let Some(masks) = &column.masks {
        assert_eq!((masks.present.len(), masks.wrong_type.len()), (words, words));
        for row in 0..words * 64 {
            let (present, wrong) = (bit(&masks.present, row), bit(&masks.wrong_type, row));
            assert!(!(present && wrong) && (row < rows || !(present || wrong)), "row {row}");
        }
        assert!((0..rows).any(|row| !bit(&masks.present, row)), "masks where every value is present");
    }
    let value = |row: usize| match &column.values {
        Values::Unsigned(values) => Value::Unsigned(values[row]),
        Values::Signed(values) => Value::Signed(values[row]),
        Values::Float(values) => Value::Float(values[row]),
        Values::Timestamps(values) => Value::Timestamp(values[row]),
        Values::Bits(values) => Value::Boolean(bit(values, row)),
        Values::Text(_) | Values::Dictionary { .. } => Value::Text(Arc::from(texts(&column.values)[row].as_str())),
        Values::TextLists { items, rows } => Value::TextList(
            entries(items)[rows[row] as usize..rows[row + 1] as usize]
                .iter()
                .map(|item| Arc::from(item.as_str()))
                .collect(),
        ),
        Values::Addresses(words) => {
            let bits = u128::from(words[2 * row]) << 64 | u128::from(words[2 * row + 1]);
            Value::Address(IpAddr::V6(bits.into()).to_canonical())
        }
        Values::Raw { kind, bytes, offsets } => {
            assert_eq!(*kind, RawKind::Json);
            let body = &bytes[offsets[row] as usize..offsets[row + 1] as usize];
            Value::Json(Arc::from(std::str::from_utf8(body).unwrap()))
        }
    };
    match &column.values {
        Values::Unsigned(values) => assert_eq!(values.len(), rows),
        Values::Signed(values) | Values::Timestamps(values) => assert_eq!(values.len(), rows),
        Values::Float(values) => assert_eq!(values.len(), rows),
        Values::Bits(values) => {
            assert_eq!(values.len(), words);
            assert!((rows..words * 64).all(|row| !bit(values, row)), "a bit past the last row");
        }
        Values::Text(arena) => check_offsets(&arena.offsets, rows, arena.bytes.len()),
        Values::Dictionary { entries: arena, indices } => {
            assert_eq!(indices.len(), rows);
            check_offsets(&arena.offsets, arena.offsets.len() - 1, arena.bytes.len());
            let distinct: BTreeSet<String> = entries(arena).into_iter().collect();
            assert_eq!(distinct.len(), arena.offsets.len() - 1, "an entry twice");
            let used: BTreeSet<u32> = indices.iter().copied().collect();
            assert_eq!(used.len(), distinct.len(), "an entry that no row has");
        }
        Values::TextLists { items, rows: starts } => {
            check_offsets(&items.offsets, items.offsets.len() - 1, items.bytes.len());
            check_offsets(starts, rows, items.offsets.len() - 1);
        }
        Values::Addresses(words) => assert_eq!(words.len(), 2 * rows),
        Values::Raw { bytes, offsets, .. } => check_offsets(offsets, rows, bytes.len()),
    }
    let empty = |value: Value| match value {
        Value::Unsigned(number) => number == 0,
        Value::Signed(number) | Value::Timestamp(number) => number == 0,
        Value::Float(number) => number.to_bits() == 0,
        Value::Boolean(flag) => !flag,
        Value::Text(text) | Value::Json(text) => text.is_empty(),
        Value::TextList(items) => items.is_empty(),
        Value::Address(address) => address == IpAddr::from([0u16; 8]),
        Value::WrongType => false,
    };
    let masked = |row: usize| match &column.masks {
        Some(masks) if bit(&masks.wrong_type, row) => {
            assert!(empty(value(row)), "row {row} of the wrong type isn't empty");
            Some(Value::WrongType)
        }
        Some(masks) if !bit(&masks.present, row) => {
            assert!(empty(value(row)), "row {row} is absent and isn't empty");
            None
        }
        _ => Some(value(row)),
    };
    (0..rows).map(masked).collect()
}

/// Text that repeats, that doesn't, and that is longer in bytes than in characters.
fn some_text() -> impl Strategy<Value = Arc<str>> {
    prop_oneof![3 => proptest::sample::select(vec!["", "GetObject", "é", "a"]).prop_map(Arc::from), 1 => ".{0,6}".prop_map(Arc::from)]
}

/// A value for a field of [`FIELDS`], sometimes none, sometimes one of another type.
fn some_value(place: usize) -> BoxedStrategy<Option<Value>> {
    let right: BoxedStrategy<Value> = match place {
        0 => any::<u64>().prop_map(Value::Unsigned).boxed(),
        1 => any::<bool>().prop_map(Value::Boolean).boxed(),
        2 | 3 => some_text().prop_map(Value::Text).boxed(),
        4 => proptest::collection::vec(some_text(), 0..3).prop_map(Value::TextList).boxed(),
        5 => any::<i64>().prop_map(Value::Timestamp).boxed(),
        6 => any::<IpAddr>().prop_map(Value::Address).boxed(),
        _ => "\\{\"[a-zé]{0,5}\":[0-9]\\}".prop_map(|body| Value::Json(Arc::from(body))).boxed(),
    };
    prop_oneof![6 => right.prop_map(Some), 1 => Just(None), 1 => Just(Some(Value::WrongType))].boxed()
}

fn some_rows() -> impl Strategy<Value = Vec<Vec<Option<Value>>>> {
    let row: Vec<BoxedStrategy<Option<Value>>> = (0..FIELDS.len()).map(some_value).collect();
    // One row, a word's worth, and past it.
    prop_oneof![proptest::collection::vec(row.clone(), 1..4), proptest::collection::vec(row, 60..140)]
}

fn event_of(values: &[Option<Value>]) -> Event {
    let mut event = event(0);
    for (field, value) in fields().into_iter().zip(values) {
        if let Some(value) = value {
            event.fields.set(field, value.clone());
        }
    }
    event
}

/// As a rule sees it.
fn canonical(value: &Option<Value>) -> Option<Value> {
    match value {
        Some(Value::Address(address)) => Some(Value::Address(address.to_canonical())),
        value => value.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_batch_decodes_to_the_values_that_it_was_built_from(rows in some_rows()) {
        let batch = batch(&sequence(rows.iter().map(|row| event_of(row)).collect()));
        prop_assert_eq!(batch.columns.len(), FIELDS.len());
        for (place, column) in batch.columns.iter().enumerate() {
            let expected: Vec<Option<Value>> = rows.iter().map(|row| canonical(&row[place])).collect();
            prop_assert_eq!(decode(column, rows.len()), expected, "{}", FIELDS[place]);
        }
    }
}

#[test]
fn columns_have_their_fields_types_even_without_values() {
    let rows = sequence(vec![event(0), event(1)]);
    let batch = batch(&rows);
    let types: Vec<&str> = batch
        .columns
        .iter()
        .map(|column| match &column.values {
            Values::Unsigned(_) => "unsigned",
            Values::Signed(_) => "signed",
            Values::Float(_) => "float",
            Values::Bits(_) => "boolean",
            Values::Text(_) | Values::Dictionary { .. } => "text",
            Values::TextLists { .. } => "text-list",
            Values::Timestamps(_) => "timestamp",
            Values::Addresses(_) => "address",
            Values::Raw { .. } => "json",
        })
        .collect();
    assert_eq!(types, fields().iter().map(|field| field.field().ty.id()).collect::<Vec<_>>());
    for column in &batch.columns {
        assert_eq!(decode(column, 2), [None, None]);
    }
}

#[test]
fn repeated_text_is_stored_once() {
    let rows: Vec<Event> = (0..200)
        .map(|row| {
            let mut event = event(row);
            // Separate allocations: the content counts.
            event.fields.set(fields()[2], Value::Text(Arc::from(format!("operation {}", row % 3))));
            event.fields.set(fields()[3], Value::Text(Arc::from(format!("agent {row}"))));
            event
        })
        .collect();
    let batch = batch(&sequence(rows));
    let Values::Dictionary { entries, indices } = &batch.columns[2].values else { panic!("{:?}", batch.columns[2]) };
    assert_eq!((entries.offsets.len(), &indices[..5]), (4, &[0, 1, 2, 0, 1][..]));
    assert!(matches!(&batch.columns[3].values, Values::Text(_)), "text that never repeats is no dictionary");
}

#[test]
fn row_metadata_has_one_member_for_each_row() {
    let mut events = vec![event(0), event(1_000), event(600), event(1_001)];
    events[1].ingest_time = second(1_060);
    let rows = sequence(events);
    let schema = Schema::of(&declaration("", ""));
    let (indices, keys) =
        index_keys([Some("b"), None, Some("a"), Some("b")].map(|key| key.map(Arc::from)).iter().map(Option::as_ref));
    assert_eq!((indices.as_slice(), keys.len()), (&[0, NO_KEY, 1, 0][..], 2));
    assert_eq!((&*keys[0], &*keys[1]), ("b", "a"), "in order of appearance");
    let built = build_batch(&schema, &rows.iter().collect::<Vec<_>>(), &indices, &keys).rows;
    let times = [0, 1_000, 600, 1_001].map(|at| second(at).micros());
    assert_eq!(built.event_times, times);
    assert_eq!(built.ingest_times, [times[0], second(1_060).micros(), times[2], times[3]]);
    let behind = |at: i64| second(at).micros() - 300 * SECOND;
    assert_eq!(built.watermarks, [Timestamp::MIN.micros(), behind(0), behind(1_000), behind(1_000)]);
    assert_eq!(built.kinds, Some(vec![RowKind::Event, RowKind::Event, RowKind::Late, RowKind::Event]));
    assert_eq!(built.references.iter().collect::<BTreeSet<_>>().len(), 4);

    // Without late rows the kinds are left out, and a row's reference doesn't depend on the rest of its batch.
    let alone = build_batch(&schema, &[&rows[3]], &[0], &keys[..1]).rows;
    assert_eq!((alone.kinds, alone.references), (None, vec![built.references[3]]));
}

#[test]
fn the_schema_hash_follows_fields_and_their_order() {
    let hash = |fields: &str| {
        build_batch(&Schema::of(&declaration(&format!("fields = {fields}"), "")), &[], &[], &[]).schema_hash
    };
    let hashes: BTreeSet<u64> =
        [r#"["api.operation"]"#, r#"["api.operation", "is_mfa"]"#, r#"["is_mfa", "api.operation"]"#].map(hash).into();
    assert_eq!(hashes.len(), 3);
    assert_eq!(hash(r#"["api.operation"]"#), countersign_model::Digest::of(b"api.operation text\n").prefix_u64());
}
