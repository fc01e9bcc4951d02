//! `where`: which events a rule wants. Literals are checked against the type of their field.

mod test;

use countersign_document::quoted;
use countersign_model::vocabulary::{FIELDS, FieldId};

use crate::declaration::Filter;
use crate::reader::{A_VALUE, Item, Table, inconsistent};
use crate::reasons::RefusalCode;

/// How deep filters may be nested.
const MAX_DEPTH: usize = 16;
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
/// Keys of a test beside its name: never beside `and`, `or` and `not`.
const TEST_KEYS: &[&str] = &["field", "ignore-case"];

/// Reads a filter and notes where it tests a field that only rows of findings have.
pub(crate) fn filter<'n>(item: Item<'n>, finding_fields: &mut Vec<Item<'n>>) -> Option<Filter> {
    FilterReader { filters: 0, finding_fields }.filter(item, 1)
}

/// Whether only rows of findings have this field.
pub(crate) fn is_finding_field(field: FieldId) -> bool {
    field.field().path.starts_with("finding.")
}

/// A field by its path.
pub(crate) fn field(item: Item<'_>) -> Option<FieldId> {
    let path = item.any_text(MAX_TEXT)?;
    let found = FieldId::from_path(path);
    if found.is_none() {
        let known = FIELDS.iter().map(|field| field.path);
        return item.unknown(RefusalCode::UnknownField, "a field of the table of fields", path, known);
    }
    found
}

struct FilterReader<'f, 'n> {
    filters: usize,
    finding_fields: &'f mut Vec<Item<'n>>,
}

impl<'n> FilterReader<'_, 'n> {
    fn filter(&mut self, item: Item<'n>, depth: usize) -> Option<Filter> {
        let table = item.table()?;
        self.filters += 1;
        if depth > MAX_DEPTH {
            let expected = format!("filters nested at most {MAX_DEPTH} deep");
            return item.refuse(RefusalCode::OutOfRange, expected, "a deeper one", None);
        }
        if self.filters > MAX_FILTERS {
            // Reported once: the others are as many.
            if self.filters == MAX_FILTERS + 1 {
                let expected = format!("at most {MAX_FILTERS} filters");
                item.refuse::<()>(RefusalCode::OutOfRange, expected, "more", None);
            }
            return None;
        }
        table.know(KEYS);
        let joins: Vec<&'static str> = JOINS.iter().copied().filter(|key| table.has(key)).collect();
        let filter = match joins.as_slice() {
            [] => self.test(&table),
            [join] if !TEST_KEYS.iter().chain(TESTS).any(|key| table.has(key)) => self.join(&table, join, depth),
            _ => {
                let expected = "a field with one test, or one of `and`, `or`, `not` alone";
                let got: Vec<String> =
                    KEYS.iter().filter(|key| table.has(key)).map(|key| quoted(key)).collect();
                inconsistent(item, expected, got.join(", "))
            }
        };
        table.finish();
        filter
    }

    fn join(&mut self, table: &Table<'n>, join: &'static str, depth: usize) -> Option<Filter> {
        let item = table.get(join)?;
        if join == "not" {
            return Some(Filter::Not(Box::new(self.filter(item, depth + 1)?)));
        }
        let filters = item.list((1, MAX_FILTERS), |item| self.filter(item, depth + 1))?;
        Some(if join == "and" { Filter::And(filters) } else { Filter::Or(filters) })
    }

    fn test(&mut self, table: &Table<'n>) -> Option<Filter> {
        let field_item = table.required("field", A_VALUE);
        let field = field_item.and_then(field);
        self.finding_fields.extend(field_item.filter(|_| field.is_some_and(is_finding_field)));
        let tests: Vec<&'static str> = TESTS.iter().copied().filter(|key| table.has(key)).collect();
        let [test] = tests.as_slice() else {
            let (code, got) = match tests.len() {
                0 => (RefusalCode::MissingKey, "none".to_owned()),
                _ => (RefusalCode::Inconsistent, tests.iter().map(|key| quoted(key)).collect::<Vec<_>>().join(", ")),
            };
            let expected = "one test: `eq`, `in`, `prefix`, `suffix`, `contains`, `range`, `cidr` or `exists`";
            return table.item().refuse(code, expected, got, None);
        };
        // What a test may be follows from the field, so an unknown field masks what is wrong with its test.
        let ty = field?.field().ty;
        let ignore_case = test::ignore_case(table, test, ty);
        let test = test::read(table.get(test)?, test, ignore_case == Some(true), ty)?;
        Some(Filter::Test { field: field?, test, ignore_case: ignore_case? })
    }
}
