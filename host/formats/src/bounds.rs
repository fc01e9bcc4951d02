//! How long what is read of a record may be: so that padding neither exhausts what rules may spend nor hides silently.

use std::sync::Arc;

use countersign_model::{Account, Event, Value};

use crate::{DeadReason, Fault};

/// Maximum size of a field's value, bytes; see [`size`].
pub(crate) const MAX_FIELD_BYTES: usize = 64 * 1024;

/// Maximum length of an id, bytes: what becomes part of keys, of references and of all that is recorded about the event.
pub(crate) const MAX_ID_BYTES: usize = 512;

/// What each element of a list counts beside its bytes: an empty one takes room too.
const ELEMENT_BYTES: usize = 16;

/// A value; one that is too long is marked as of the wrong type, so that rules see that there was one.
pub(crate) fn field(value: Value) -> Value {
    if size(&value) > MAX_FIELD_BYTES { Value::WrongType } else { value }
}

/// The size of a value, bytes.
fn size(value: &Value) -> usize {
    match value {
        Value::Text(text) | Value::Json(text) => text.len(),
        Value::TextList(texts) => texts.iter().map(|text| text.len() + ELEMENT_BYTES).sum(),
        _ => 0,
    }
}

/// The beginning of a name that is shown to people only.
pub(crate) fn name(name: &str) -> &str {
    name.get(..name.floor_char_boundary(MAX_ID_BYTES)).unwrap_or(name)
}

/// Checks the ids of an event.
///
/// # Errors
/// When one is too long; the error says which.
pub(crate) fn ids(event: &Event) -> Result<(), Fault> {
    let actor = &event.actor;
    let of_account = |account: &Account| [&account.provider, &account.tenant, &account.subject].map(|part| part.len());
    let accounts = (actor.account.iter())
        .chain(event.chain.iter().filter_map(|member| member.account.as_ref()))
        .chain(event.target.iter().map(|target| &target.account));
    let account = accounts.flat_map(of_account).max().unwrap_or(0);
    let length = |text: &Option<Arc<str>>| text.as_deref().map_or(0, str::len);
    let token = length(&actor.token).max(event.target.as_ref().map_or(0, |target| length(&target.token)));
    let ids = [
        ("an id", event.id.len()),
        ("a tenant", event.tenant.len()),
        ("ids of accounts", account),
        ("the id of a session", length(&actor.session)),
        ("the id of a credential", token),
        ("the name of a person's session", length(&actor.person)),
        ("the id of a grant", length(&actor.grant)),
        ("the id of a trust", length(&event.trust)),
        // A partition key too.
        (
            "the name of a service",
            event.fields.text(countersign_model::vocabulary::FieldId::ActorInvokedBy).map_or(0, str::len),
        ),
    ];
    match ids.into_iter().find(|(_, length)| *length > MAX_ID_BYTES) {
        None => Ok(()),
        Some((what, length)) => {
            let detail = format!("expected {what} of at most {MAX_ID_BYTES} bytes, got {length}");
            Err(Fault::new(DeadReason::IdTooLong, detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_64_kib_is_the_longest() {
        let text = |length: usize| Arc::<str>::from("x".repeat(length));
        for (value, fits) in [
            (Value::Text(text(MAX_FIELD_BYTES)), true),
            (Value::Text(text(MAX_FIELD_BYTES + 1)), false),
            (Value::Json(text(MAX_FIELD_BYTES + 1)), false),
            (Value::TextList(vec![text(MAX_FIELD_BYTES - ELEMENT_BYTES)]), true),
            (Value::TextList(vec![text(MAX_FIELD_BYTES / 2); 2]), false),
            (Value::TextList(vec![text(0); 5_000]), false),
            (Value::Unsigned(u64::MAX), true),
        ] {
            assert_eq!(field(value) != Value::WrongType, fits);
        }
    }

    #[test]
    fn names_are_cut_between_characters() {
        assert_eq!(name("mira"), "mira");
        let long = "é".repeat(300);
        assert_eq!(name(&format!("x{long}")).len(), 511);
    }
}
