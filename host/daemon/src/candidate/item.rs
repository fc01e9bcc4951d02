//! One thing that differs between two generations, in words, and a bounded list of such things.

use std::collections::BTreeMap;

use countersign_model::vocabulary::text_ids;
use serde::{Deserialize, Serialize};

/// Items of one kind that are listed, of those that widen and of those that don't; more are counted.
const MAX_LISTED: u64 = 500;

text_ids! {
    /// The key of `[reload]` that says what becomes of a change.
    pub enum ChangeKind {
        /// Rules.
        Rules = "rules",
        /// The policy, and the capability tables.
        Policy = "policy",
        /// The directory of identities.
        Identities = "identities",
        /// Whose rules are believed.
        Trust = "trust",
        /// The sources.
        Sources = "sources",
        /// The files of context tables.
        Lookups = "lookups",
    }
}

text_ids! {
    /// What an item is about.
    pub enum Aspect {
        /// A rule as a whole: added, removed, of another version.
        Rule = "rule",
        /// What a rule's declaration lets it see and lead to.
        Permission = "permission",
        /// A parameter in force.
        Parameter = "parameter",
        /// What the policy answers.
        Policy = "policy",
        /// What a connector can do.
        Capability = "capability",
        /// What keeps an identity from being acted upon.
        Protection = "protection",
        /// Another fact about an identity.
        Identity = "identity",
        /// Who works with the host, in which roles, and with which keys.
        Person = "person",
        /// A publisher, and what is believed and granted.
        Trust = "trust",
        /// A source, and whom it speaks for.
        Source = "source",
        /// A context table's files.
        Lookup = "lookup",
        /// Text that means the same.
        Text = "text",
    }
}

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The key of `[reload]` that it falls under.
    pub kind: ChangeKind,
    /// What it is about.
    pub aspect: Aspect,
    /// Which one of those: a rule's id, an identity's, a source's name, or what a cell covers.
    pub subject: String,
    /// What differs, in words. Text that others chose is in it as it stands.
    pub change: String,
    /// Whether more may happen with it, or a protection goes. Where that isn't certain it is true.
    pub widens: bool,
}

/// Items that aren't listed, as there are so many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Omitted {
    /// Their kind.
    pub kind: ChangeKind,
    /// Whether they widen.
    pub widens: bool,
    /// How many.
    pub count: u64,
}

/// Takes items, and lists so many of each kind.
#[derive(Default)]
pub(super) struct Items {
    listed: Vec<Item>,
    counts: BTreeMap<(ChangeKind, bool), u64>,
}

impl Items {
    pub(super) fn add(
        &mut self,
        (kind, aspect): (ChangeKind, Aspect),
        subject: impl ToString,
        change: impl Into<String>,
        widens: bool,
    ) {
        let count = self.counts.entry((kind, widens)).or_default();
        *count += 1;
        if *count <= MAX_LISTED {
            let (subject, change) = (subject.to_string(), change.into());
            self.listed.push(Item { kind, aspect, subject, change, widens });
        }
    }

    /// Whether there is one of a kind.
    pub(super) fn has(&self, kind: ChangeKind) -> bool {
        self.counts.keys().any(|(known, _)| *known == kind)
    }

    /// Those that are listed, and how many aren't.
    pub(super) fn finish(self) -> (Vec<Item>, Vec<Omitted>) {
        let omitted = self.counts.into_iter().filter_map(|((kind, widens), count)| {
            let count = count.checked_sub(MAX_LISTED).filter(|count| *count > 0)?;
            Some(Omitted { kind, widens, count })
        });
        (self.listed, omitted.collect())
    }
}

/// Adds an item for what is in one list alone: more of it widens.
pub(super) fn lists<T: PartialEq + ToString>(
    items: &mut Items,
    about: (ChangeKind, Aspect),
    subject: &str,
    name: &str,
    (before, after): (&[T], &[T]),
) {
    let only = |some: &[T], others: &[T]| {
        let only: Vec<String> = some.iter().filter(|one| !others.contains(one)).map(T::to_string).collect();
        (!only.is_empty()).then(|| only.join(", "))
    };
    if let Some(more) = only(after, before) {
        items.add(about, subject, format!("+ {name}: {more}"), true);
    }
    if let Some(less) = only(before, after) {
        items.add(about, subject, format!("- {name}: {less}"), false);
    }
}
