//! How a generation on disk, a candidate, differs from the one that serves: in what may happen (`rules`, `policy`,
//! `identities`, `trust`, `sources`, `lookups`), in what would have happened (`trial`) and in what happens (`shadow`).
//!
//! INVARIANT: whatever differs is an item, and an item that may let more happen, or drop a protection, widens. A change that
//! isn't an item would be applied without anybody having seen it.

mod behaviour;
mod compared;
mod identities;
mod item;
mod lookups;
mod pair;
mod policy;
mod rules;
mod shadow;
mod sources;
mod trial;
mod trust;

use std::collections::BTreeMap;

use countersign_model::Digest;
use serde::{Deserialize, Serialize};

pub use self::behaviour::{Behaviour, Failing};
pub use self::compared::{Compared, Example, Group};
use self::item::Items;
pub use self::item::{Aspect, ChangeKind, Item, Omitted};
pub(crate) use self::pair::Pair;
pub(crate) use self::shadow::Shadow;
pub(crate) use self::trial::Trial;
use crate::material::{Built, Manifest, Role};

/// How two generations differ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What differs, by kinds.
    pub items: Vec<Item>,
    /// What differs too and isn't listed.
    pub omitted: Vec<Omitted>,
}

impl Difference {
    /// How a candidate differs from what serves.
    #[must_use]
    pub fn between(serving: &Built, candidate: &Built) -> Difference {
        let mut items = Items::default();
        let (before, after) = (&serving.generation, &candidate.generation);
        rules::compare(before, after, &mut items);
        policy::compare(before, after, &mut items);
        identities::compare(&before.directory, &after.directory, &mut items);
        trust::compare(&before.trust, &after.trust, &mut items);
        sources::compare(&serving.sources, &candidate.sources, &mut items);
        lookups::compare(&serving.manifest, &candidate.manifest, &mut items);
        texts(&serving.manifest, &candidate.manifest, &mut items);
        let (items, omitted) = items.finish();
        Difference { items, omitted }
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The kinds of what differs, each with whether something of it widens.
    #[must_use]
    pub fn kinds(&self) -> BTreeMap<ChangeKind, bool> {
        let mut kinds = BTreeMap::new();
        let listed = self.items.iter().map(|item| (item.kind, item.widens));
        let all = listed.chain(self.omitted.iter().map(|omitted| (omitted.kind, omitted.widens)));
        all.for_each(|(kind, widens)| *kinds.entry(kind).or_default() |= widens);
        kinds
    }

    /// Whether anything widens.
    #[must_use]
    pub fn widens(&self) -> bool {
        self.kinds().into_values().any(|widens| widens)
    }
}

/// Adds an item for each kind whose files differ in nothing that counts.
fn texts(before: &Manifest, after: &Manifest, items: &mut Items) {
    let digests = |manifest: &Manifest, kind| -> Vec<Digest> {
        let of_kind = |name: &str| Role::named(name).is_none_or(|role| role.change_kind() == kind);
        manifest.files.iter().filter(|file| of_kind(&file.role)).map(|file| file.digest).collect()
    };
    for kind in ChangeKind::ALL.iter().copied().filter(|kind| !items.has(*kind)).collect::<Vec<_>>() {
        let shipped = kind == ChangeKind::Rules && before.shipped_rules != after.shipped_rules;
        if shipped || digests(before, kind) != digests(after, kind) {
            items.add((kind, Aspect::Text), kind, "other files, which mean the same", false);
        }
    }
}

#[cfg(test)]
#[path = "../../tests/unit/difference.rs"]
mod tests;
