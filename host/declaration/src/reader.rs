//! What this crate reads with: items and tables whose diagnostics have refusal codes, and the forms of value that only
//! declarations have.

use countersign_document::quoted;

use crate::reasons::RefusalCode;

pub(crate) type Reader = countersign_document::Reader<RefusalCode>;
pub(crate) type Item<'n> = countersign_document::Item<'n, RefusalCode>;
pub(crate) type Table<'n> = countersign_document::Table<'n, RefusalCode>;

/// What is expected of a required key about which there is no more to say.
pub(crate) const A_VALUE: &str = "a value";

/// Text of at most `max` bytes that isn't blank.
pub(crate) fn text(item: Item<'_>, max: usize) -> Option<String> {
    let text = item.any_text(max)?;
    if text.trim().is_empty() {
        return item.refuse(RefusalCode::InvalidValue, "text that isn't blank", quoted(text), None);
    }
    Some(text.to_owned())
}

/// A name as parameters, slots and timers have it.
pub(crate) fn name(item: Item<'_>) -> Option<String> {
    let text = item.any_text(4_096)?;
    if !countersign_model::rule::is_id_part(text) {
        return item.invalid("1 to 64 characters of a-z, 0-9 and `-` beginning with a letter");
    }
    Some(text.to_owned())
}

/// Refuses two parts of a declaration that can't be together.
pub(crate) fn inconsistent<T>(item: Item<'_>, expected: impl Into<String>, got: impl Into<String>) -> Option<T> {
    item.refuse(RefusalCode::Inconsistent, expected, got, None)
}
