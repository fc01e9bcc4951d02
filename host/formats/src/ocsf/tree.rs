//! A record opened as far as the vocabulary's paths go, and no further.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::json::{Entries, Member};

/// Upper bound of the parts of a path. Objects further down stay JSON.
const DEPTH: usize = 4;

/// Members that stay JSON as a whole: no path leads into them, and they can be large.
const CLOSED: &[&str] = &["data", "enrichments", "observables", "raw_data", "unmapped"];

/// An object's members, or a value that isn't opened.
#[derive(Default)]
pub(super) struct Tree<'a> {
    json: Member<'a>,
    members: Vec<(Cow<'a, str>, Tree<'a>)>,
}

impl<'a> Tree<'a> {
    /// The tree of an object's top members.
    pub(super) fn new(top: Entries<'a>) -> Tree<'a> {
        Tree { json: Member::default(), members: open(top, DEPTH - 1) }
    }

    /// What is at a path; of a name that comes twice the last one counts. Nothing where the record has nothing there.
    pub(super) fn at(&self, path: &str) -> Option<&Tree<'a>> {
        path.split('.').try_fold(self, |tree, name| {
            tree.members.iter().rev().find(|(known, _)| known == name).map(|(_, member)| member)
        })
    }

    /// The value at a path.
    pub(super) fn member(&self, path: &str) -> Member<'a> {
        self.at(path).map_or_else(Member::default, |tree| tree.json)
    }

    /// The value of a top member whose own name may have dots.
    pub(super) fn top(&self, name: &str) -> Member<'a> {
        self.members.iter().rev().find(|(known, _)| known == name).map_or_else(Member::default, |(_, tree)| tree.json)
    }

    /// The elements of an array.
    pub(super) fn elements(&self) -> Option<Vec<Tree<'a>>> {
        let elements: Vec<&'a RawValue> = serde_json::from_str(self.json.json()?).ok()?;
        Some(elements.into_iter().map(|element| opened(element.get(), 1)).collect())
    }

    /// The value itself.
    pub(super) fn value(&self) -> Member<'a> {
        self.json
    }
}

fn open(object: Entries<'_>, depth: usize) -> Vec<(Cow<'_, str>, Tree<'_>)> {
    let mut members = Vec::with_capacity(object.all.len());
    for (name, json) in object.all {
        let tree = opened(json, if CLOSED.contains(&&*name) { 0 } else { depth });
        members.push((name, tree));
    }
    members
}

fn opened(json: &str, depth: usize) -> Tree<'_> {
    let member = Member::new(json);
    let members = match depth.checked_sub(1) {
        Some(depth) if json.starts_with('{') => open(member.members(), depth),
        _ => Vec::new(),
    };
    Tree { json: member, members }
}

#[cfg(test)]
mod tests {
    use countersign_model::vocabulary::FIELDS;

    use super::*;

    #[test]
    fn every_path_of_the_vocabulary_is_opened() {
        for field in FIELDS {
            let names: Vec<&str> = field.path.split('.').collect();
            let json = names.iter().rev().fold("7".to_owned(), |json, name| format!(r#"{{"{name}":{json}}}"#));
            let tree = Tree::new(serde_json::from_str(&json).unwrap());
            assert_eq!(tree.member(field.path).json(), Some("7"), "{}", field.path);
        }
    }

    #[test]
    fn what_is_too_deep_stays_json_and_the_last_of_a_name_counts() {
        let deep = format!(r#"{{"a":{}{},"b":1,"b":2}}"#, "[".repeat(100_000), "]".repeat(100_000));
        let tree = Tree::new(serde_json::from_str(&deep).unwrap());
        assert_eq!(tree.member("b").json(), Some("2"));
        assert!(tree.at("a.b").is_none());
    }
}
