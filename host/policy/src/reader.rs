//! What the operator's files have in common: `version`, `as-of`, and how a file is read. Public for the files of context
//! tables that are read elsewhere.

use countersign_document::{Diagnostic, Document, NodeValue};
use countersign_model::Timestamp;

/// The reader of a file.
pub type Reader = countersign_document::Reader;
/// A value of a file.
pub type Item<'n> = countersign_document::Item<'n>;
/// A table of a file.
pub type Table<'n> = countersign_document::Table<'n>;

/// Reads a file: `read` takes the keys of its root, and what it returns counts if there is no diagnostic.
///
/// # Errors
/// Every diagnostic.
pub fn read_file<T>(text: &str, read: impl FnOnce(&Table<'_>) -> T) -> Result<T, Vec<Diagnostic>> {
    let document = Document::parse(text, crate::MAX_BYTES).map_err(|diagnostic| vec![diagnostic])?;
    let reader = Reader::new();
    let content = reader.root(&document).table().map(|table| {
        let content = read(&table);
        table.finish();
        content
    });
    // INVARIANT: a TOML document is a table.
    let Some(content) = content else { return Err(reader.finish(()).err().unwrap_or_default()) };
    reader.finish(content)
}

/// `version = 1` of a file.
pub fn version(table: &Table<'_>) {
    if table.required("version", "1").is_some() {
        optional_version(table);
    }
}

/// `version = 1` of a file that need not have it.
pub fn optional_version(table: &Table<'_>) {
    if let Some(item) = table.get("version")
        && !matches!(item.node().value, NodeValue::Integer(1))
    {
        item.invalid::<()>("1, the version of this grammar");
    }
}

/// `as-of` of a file: the date (its beginning, UTC) or time that its facts are as of.
#[must_use]
pub fn as_of(table: &Table<'_>) -> Option<Timestamp> {
    let item = table.required("as-of", "the date that the file is as of, such as `2026-11-01`")?;
    let time = match &item.node().value {
        NodeValue::Date(text) | NodeValue::Text(text) => {
            text.parse().or_else(|_| format!("{text}T00:00:00Z").parse::<Timestamp>()).ok()
        }
        _ => None,
    };
    // Years past 9999 and before 1970 aren't dates that an operator means.
    let valid = time.filter(|time| (0..=253_402_300_799_000_000).contains(&time.micros()));
    if valid.is_none() {
        return item.invalid("a date such as `2026-11-01`, or a time such as `2026-11-01T12:00:00Z`");
    }
    valid
}

/// The text of a required key.
#[must_use]
pub fn required_text(table: &Table<'_>, key: &'static str, expected: &str) -> Option<String> {
    table.read(key, expected, |item| item.text()).map(str::to_owned)
}

/// The text of a key that may be missing.
pub fn optional_text(table: &Table<'_>, key: &'static str) -> Option<String> {
    table.get(key).and_then(|item| item.text()).map(str::to_owned)
}

/// A flag that is false where the key is missing.
#[must_use]
pub fn flag(table: &Table<'_>, key: &'static str) -> bool {
    table.get(key).and_then(|item| item.flag()).unwrap_or(false)
}
