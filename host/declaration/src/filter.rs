//! `where`: which events a rule wants. Literals are checked against the type of their field.

mod test;

use countersign_model::vocabulary::{FIELDS, FieldId};
use serde_json::Value;

use crate::declaration::Filter;
use crate::reader::{Need, Reader, Table};
use crate::reasons::{RefusalCode, quoted};

/// How deep filters may be nested.
const DEEPEST: usize = 16;
/// Most filters in one `where`, counted with those inside others.
const MAX_FILTERS: usize = 256;
/// Most bytes of a literal.
const MAX_TEXT: usize = 4_096;

const TESTS: &[&str] = &["eq", "in", "prefix", "suffix", "contains", "range", "cidr", "exists"];
const JOINS: &[&str] = &["and", "or", "not"];
const KEYS: &[&str] = &[
    "field",
    "eq",
    "in",
    "prefix",
    "suffix",
    "contains",
    "range",
    "cidr",
    "exists",
    "ignore-case",
    "and",
    "or",
    "not",
];
/// What stands beside no `and`, `or` and `not`.
const OF_A_TEST: &[&str] = &["field", "ignore-case"];

/// Reads a filter and notes where it tests a field that only rows of findings have.
pub(crate) fn filter(
    reader: &mut Reader,
    place: &str,
    value: &Value,
    finding_fields: &mut Vec<String>,
) -> Option<Filter> {
    Budget { filters: 0, finding_fields }.filter(reader, place, value, 1)
}

/// Whether only rows of findings have this field.
pub(crate) fn is_finding_field(field: FieldId) -> bool {
    field.field().path.starts_with("finding.")
}

/// A field by its path.
pub(crate) fn field(reader: &mut Reader, place: &str, value: &Value) -> Option<FieldId> {
    let path = reader.any_text(place, value, MAX_TEXT)?;
    let found = FieldId::from_path(path);
    if found.is_none() {
        let known = FIELDS.iter().map(|field| field.path);
        reader.unknown(RefusalCode::UnknownField, place, "a field of the table of fields", path, known);
    }
    found
}

struct Budget<'f> {
    filters: usize,
    finding_fields: &'f mut Vec<String>,
}

impl Budget<'_> {
    fn filter(&mut self, reader: &mut Reader, place: &str, value: &Value, depth: usize) -> Option<Filter> {
        let table = reader.table(place, value)?;
        self.filters += 1;
        if depth > DEEPEST {
            reader.refuse(
                RefusalCode::OutOfRange,
                place,
                format!("filters nested at most {DEEPEST} deep"),
                "a deeper one",
            );
            return None;
        }
        if self.filters > MAX_FILTERS {
            // Said once: the others are as many.
            if self.filters == MAX_FILTERS + 1 {
                reader.refuse(RefusalCode::OutOfRange, place, format!("at most {MAX_FILTERS} filters"), "more");
            }
            return None;
        }
        reader.only(&table, KEYS);
        let joins: Vec<&str> = JOINS.iter().copied().filter(|key| table.has(key)).collect();
        match joins.as_slice() {
            [] => self.test(reader, &table),
            [join] if !OF_A_TEST.iter().chain(TESTS).any(|key| table.has(key)) => {
                self.join(reader, &table, join, depth)
            }
            _ => {
                let expected = "a field with one test, or one of `and`, `or`, `not` alone";
                let got = table.keys().filter(|key| KEYS.contains(key)).map(quoted).collect::<Vec<_>>().join(", ");
                reader.refuse(RefusalCode::Inconsistent, place, expected, got);
                None
            }
        }
    }

    fn join(&mut self, reader: &mut Reader, table: &Table<'_>, join: &str, depth: usize) -> Option<Filter> {
        let (place, value) = (table.place(join), table.get(join)?);
        if join == "not" {
            return Some(Filter::Not(Box::new(self.filter(reader, &place, value, depth + 1)?)));
        }
        let filters = reader.list(&place, value, (1, MAX_FILTERS), |reader, place, value| {
            self.filter(reader, place, value, depth + 1)
        })?;
        Some(if join == "and" { Filter::And(filters) } else { Filter::Or(filters) })
    }

    fn test(&mut self, reader: &mut Reader, table: &Table<'_>) -> Option<Filter> {
        let field = reader.key(table, "field", Need::Required, field);
        if field.is_some_and(is_finding_field) {
            self.finding_fields.push(table.place("field"));
        }
        let tests: Vec<&str> = TESTS.iter().copied().filter(|key| table.has(key)).collect();
        let [test] = tests.as_slice() else {
            let (code, got) = match tests.len() {
                0 => (RefusalCode::MissingKey, "none".to_owned()),
                _ => (RefusalCode::Inconsistent, tests.iter().map(|key| quoted(key)).collect::<Vec<_>>().join(", ")),
            };
            let expected = "one test: `eq`, `in`, `prefix`, `suffix`, `contains`, `range`, `cidr` or `exists`";
            reader.refuse(code, table.own_place(), expected, got);
            return None;
        };
        // What a test may be follows from the field, so an unknown field masks what is wrong with its test.
        let field = field?;
        let ty = field.field().ty;
        let ignore_case = test::ignore_case(reader, table, test, ty);
        let test = test::read(reader, &table.place(test), (test, ignore_case == Some(true)), table.get(test)?, ty)?;
        Some(Filter::Test { field, test, ignore_case: ignore_case? })
    }
}
