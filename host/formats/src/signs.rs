//! The signs by which the format of a record is recognised: which members it has at its top.

use std::borrow::Cow;
use std::fmt;

use crate::json::{self, Entries, Member};

/// How a record of one format is recognised. The signs of no two formats are in a record that one producer made.
#[derive(Clone, Copy)]
pub struct Signs {
    /// The signs in words: for people, and for the documentation (Markdown).
    pub text: &'static str,
    pub(crate) are_in: fn(&TopLevel<'_>) -> bool,
}

impl fmt::Debug for Signs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signs").field(&self.text).finish()
    }
}

/// The members at the top of a record. One that is null counts as absent.
#[derive(Default)]
pub(crate) struct TopLevel<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> TopLevel<'a> {
    pub(crate) fn new(entries: Entries<'a>) -> TopLevel<'a> {
        TopLevel(entries.all)
    }

    /// Adds a member.
    pub(crate) fn add(&mut self, name: Cow<'a, str>, json: &'a str) {
        self.0.push((name, json));
    }

    /// How many members it has.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The names of its members, in its order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    /// The JSON of a member.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, json)| *json).filter(|json| *json != "null")
    }

    /// Whether it has all of these members.
    pub(crate) fn all(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.get(name).is_some())
    }

    /// Whether it has one of these members.
    pub(crate) fn any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.get(name).is_some())
    }

    /// Whether it has a member whose name spells one of these.
    pub(crate) fn any_spelled(&self, names: &[&str]) -> bool {
        self.0.iter().any(|(name, json)| *json != "null" && names.contains(&json::spelled(name, names)))
    }

    /// Whether it has this member, and its value is an object.
    pub(crate) fn is_object(&self, name: &str) -> bool {
        self.get(name).is_some_and(|json| json.starts_with('{'))
    }

    /// Whether it has this member, and its value is a list.
    pub(crate) fn is_list(&self, name: &str) -> bool {
        self.get(name).is_some_and(|json| json.starts_with('['))
    }

    /// Whether it has this member, and its value is a text, a number or a truth.
    pub(crate) fn is_scalar(&self, name: &str) -> bool {
        self.get(name).is_some_and(|json| !json.starts_with(['{', '[']))
    }

    /// Whether the text of this member begins so.
    pub(crate) fn begins(&self, name: &str, beginning: &str) -> bool {
        self.get(name).and_then(|json| Member::new(json).text()).is_some_and(|text| text.starts_with(beginning))
    }

    /// The members of a member.
    pub(crate) fn inside(&self, name: &str) -> TopLevel<'a> {
        TopLevel(self.get(name).map(|json| Member::new(json).members::<Entries<'a>>().all).unwrap_or_default())
    }
}
