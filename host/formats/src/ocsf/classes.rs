//! Which class a record has. Numbers changed their meaning until 1.0: in 1.0.0-rc.2, which Security Lake began with, 3005 is
//! API activity.

use countersign_model::vocabulary::EventClass;

use super::tree::Tree;
use crate::documentation::{Table, class_words};
use crate::{DeadReason, Fault};

/// Classes by number, as OCSF 1.0 to 1.8 have them, and by their names.
const NAMES: &[(&str, EventClass)] = &[
    ("Account Change", EventClass::AccountChange),
    ("Authentication", EventClass::Authentication),
    ("Authorize Session", EventClass::AuthorizeSession),
    ("Entity Management", EventClass::EntityManagement),
    ("User Access Management", EventClass::UserAccess),
    ("Group Management", EventClass::GroupManagement),
    ("API Activity", EventClass::ApiActivity),
];

/// Classes by number in the release candidates before 1.0.0-rc.3; others of them aren't read.
const BEFORE_1_0: &[(u64, EventClass)] =
    &[(3001, EventClass::AccountChange), (3002, EventClass::Authentication), (3005, EventClass::ApiActivity)];

/// The class of a record: by `class_uid`, else by `type_uid`, as the version of the schema has them. Where the version is
/// a release candidate or isn't named, the class's name says more than its number.
pub(super) fn class(tree: &Tree<'_>) -> Result<EventClass, Fault> {
    let uid = tree.member("class_uid").unsigned().or_else(|| Some(tree.member("type_uid").unsigned()? / 100));
    let name = tree.member("class_name").text();
    let named = || NAMES.iter().find(|(known, _)| name.as_deref() == Some(known)).map(|(_, class)| *class);
    let by_uid = || EventClass::ALL.iter().copied().find(|class| Some(u64::from(class.uid())) == uid);
    let early = || BEFORE_1_0.iter().find(|(known, _)| Some(*known) == uid).map(|(_, class)| *class);
    let found = match version(tree) {
        Version::Released => by_uid(),
        Version::Unsaid => named().filter(|_| uid.is_some()).or_else(by_uid),
        Version::Candidate(1 | 2) => named().or_else(early),
        Version::Candidate(_) => named().or_else(by_uid),
    };
    found.ok_or_else(|| {
        let known: Vec<String> = EventClass::ALL.iter().map(|class| format!("{} ({class})", class.uid())).collect();
        let got = match (uid, tree.member("class_uid").json()) {
            (Some(uid), _) => format!("{uid}"),
            (None, Some(json)) => json.chars().take(64).collect(),
            (None, None) => "none".to_owned(),
        };
        let detail = format!("expected one of the classes {} in `class_uid`, got `{got}`", known.join(", "));
        Fault::new(DeadReason::ClassUnsupported, detail)
    })
}

/// What a record's `metadata.version` is.
enum Version {
    /// Released, 1.0.0 at least.
    Released,
    /// A release candidate of 1.0.0, with its number.
    Candidate(u64),
    /// Not named.
    Unsaid,
}

fn version(tree: &Tree<'_>) -> Version {
    match tree.member("metadata.version").text() {
        None => Version::Unsaid,
        Some(version) => match version.split_once("1.0.0-rc") {
            Some(("" | "v", number)) => Version::Candidate(number.trim_matches(['.', '-']).parse().unwrap_or(1)),
            _ => Version::Released,
        },
    }
}

/// The table, for the documentation.
pub(super) fn table() -> Table {
    let rows = EventClass::ALL.iter().map(|class| {
        let early = BEFORE_1_0.iter().filter(|(_, known)| known == class).map(|(uid, _)| uid.to_string());
        let name = NAMES.iter().find(|(_, known)| known == class).map_or("–", |(name, _)| name);
        vec![class.uid().to_string(), early.collect(), format!("`{name}`"), class_words(*class)]
    });
    let rest = ["any other, or none", "any other, or none", "any other, or none", "a dead letter, `class-unsupported`"];
    Table {
        name: "classes",
        head: &["`class_uid`, else `type_uid` / 100", "in 1.0.0-rc.1, -rc.2", "`class_name`", "class"],
        rows: rows.chain([rest.map(str::to_owned).to_vec()]).collect(),
    }
}
