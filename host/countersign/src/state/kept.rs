//! Reading what a rule keeps, page by page.

use std::path::Path;

use anyhow::Result;
use countersign_document::nearest;
use countersign_model::{RuleId, StateChange, TimerChange};
use countersign_session::{StoredRule, stored_rules};
use countersign_store::{StateKey, StoreError, Stored, TimerKey, for_each_entry};
use countersign_stream::LINE_SLOT;

use crate::exit::unusable;
use crate::text;

/// Finds a rule that judged in a store: by its id, or by its name where only one has it.
///
/// # Errors
/// When there is none: `Unusable`, with the nearest. When the store can't be read.
pub(super) fn find_rule(path: &Path, store: &dyn Stored, name: &str) -> Result<(RuleId, StoredRule)> {
    let rules = stored_rules(store)?;
    let named: Vec<&RuleId> = rules.keys().filter(|id| id.as_str() == name || id.name() == name).collect();
    let found = match named.as_slice() {
        [one] => Some(*one),
        several => several.iter().copied().find(|id| id.as_str() == name),
    };
    if let Some(id) = found {
        let rule = rules.get(id).cloned();
        return rule.map(|rule| (id.clone(), rule)).ok_or_else(|| unusable("no such rule"));
    }
    let path = text::path(&path);
    let got = crate::text::line(name);
    if let [first, second, ..] = named.as_slice() {
        return Err(unusable(format_args!("expected the id of one rule, got `{got}`: `{first}` or `{second}`")));
    }
    let nearest = nearest(name, rules.keys().flat_map(|id| [id.as_str(), id.name()]));
    let hint = match (nearest, rules.is_empty()) {
        (Some(nearest), _) => format!(" (did you mean `{nearest}`?)"),
        (None, true) => "; no rule has judged in it yet".to_owned(),
        (None, false) => {
            let ids: Vec<&str> = rules.keys().map(RuleId::as_str).collect();
            format!("; there are {}", ids.join(", "))
        }
    };
    Err(unusable(format_args!("expected a rule that judged in `{path}`, got `{got}`{hint}")))
}

/// What is listed of a store.
pub(super) type Pages<'s, K, C> = dyn Fn(Option<&K>, usize) -> Result<Vec<C>, StoreError> + 's;

/// Calls `each` with every entry of a rule's state, by slot and key, as long as it returns true; what the host itself keeps
/// with keys isn't the rule's.
///
/// # Errors
/// When the store can't be read, or `each` fails.
pub(super) fn for_each_state(
    rule: &RuleId,
    pages: &Pages<'_, StateKey, StateChange>,
    mut each: impl FnMut(StateChange) -> Result<bool>,
) -> Result<()> {
    // No slot is before the one without a name.
    let before = StateKey { rule: rule.clone(), slot: String::new(), key: String::new() };
    for_each_entry(
        Some(before),
        pages,
        |change| StateKey::from(change),
        |change| {
            let is_own = change.slot.starts_with(LINE_SLOT);
            Ok(change.rule == *rule && (is_own || each(change)?))
        },
    )
}

/// Calls `each` with every timer of a rule, by key and id, as long as it returns true.
///
/// # Errors
/// See [`for_each_state`].
pub(super) fn for_each_timer(
    rule: &RuleId,
    store: &dyn Stored,
    mut each: impl FnMut(TimerChange) -> Result<bool>,
) -> Result<()> {
    let before = TimerKey { rule: rule.clone(), key: String::new(), id: String::new() };
    for_each_entry(
        Some(before),
        |after, limit| store.timers(after, limit),
        |change| TimerKey::from(change),
        |change| Ok(change.rule == *rule && each(change)?),
    )
}
