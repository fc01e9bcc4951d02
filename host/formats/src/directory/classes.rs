//! Which OCSF class and activity an event has, by its type: the first row that fits.

use countersign_model::vocabulary::EventClass::{
    self, AccountChange, ApiActivity, Authentication, EntityManagement, GroupManagement,
};

use crate::documentation::{Table, class_words};

/// One row of the table of classes.
struct ClassRow {
    /// A type, or the part before its dot.
    kind: &'static str,
    /// Of which credential; every one if empty.
    credential: &'static str,
    class: EventClass,
    /// OCSF's activity within the class, where one fits.
    activity: Option<u64>,
}

const fn row(kind: &'static str, credential: &'static str, class: EventClass, activity: u64) -> ClassRow {
    ClassRow { kind, credential, class, activity: if activity == 0 { None } else { Some(activity) } }
}

/// The table; a type that no row fits is API activity. Activities of authentication: 1 logon, 2 logoff, 5 renewal of a ticket; of
/// account change: 1 create, 2 enable, 3 password change, 5 disable, 6 delete, 9 lock, 10 factor enabled, 11 factor disabled,
/// 12 unlock; of groups: 3 add, 4 remove, 5 delete, 6 create; of entities: 1 create, 4 delete.
#[rustfmt::skip]
const CLASSES: &[ClassRow] = &[
    row("session.started", "", Authentication, 1),
    row("session.ended", "", Authentication, 2),
    row("session", "", Authentication, 0),
    row("token.refreshed", "", Authentication, 5),
    row("token.reused", "", Authentication, 5),
    row("token", "", Authentication, 0),
    row("account.created", "", AccountChange, 1),
    row("account.enabled", "", AccountChange, 2),
    row("account.unsuspended", "", AccountChange, 2),
    row("account.disabled", "", AccountChange, 5),
    row("account.suspended", "", AccountChange, 5),
    row("account.deleted", "", AccountChange, 6),
    row("account.sign-in-blocked", "", AccountChange, 9),
    row("account.sign-in-unblocked", "", AccountChange, 12),
    row("account", "", AccountChange, 0),
    row("credential.created", "password", AccountChange, 3),
    row("credential.created", "totp", AccountChange, 10),
    row("credential.enabled", "totp", AccountChange, 10),
    row("credential.disabled", "totp", AccountChange, 11),
    row("credential.deleted", "totp", AccountChange, 11),
    row("credential", "", AccountChange, 0),
    row("group.member-added", "", GroupManagement, 3),
    row("group.member-removed", "", GroupManagement, 4),
    row("group.deleted", "", GroupManagement, 5),
    row("group.created", "", GroupManagement, 6),
    row("group", "", GroupManagement, 0),
    row("principal.created", "", EntityManagement, 1),
    row("principal.revoked", "", EntityManagement, 4),
    row("principal", "", EntityManagement, 0),
];

/// The table, for the documentation.
pub(super) fn table() -> Table {
    let activity = |activity: Option<u64>| activity.map_or("–".to_owned(), |id| id.to_string());
    let credential = |row: &ClassRow| if row.credential.is_empty() { "any" } else { row.credential }.to_owned();
    let rows = CLASSES
        .iter()
        .map(|row| vec![format!("`{}`", row.kind), credential(row), class_words(row.class), activity(row.activity)])
        .chain([vec!["any other".to_owned(), "any".to_owned(), class_words(ApiActivity), activity(None)]]);
    let head = &["`type`, or its first part; the first that fits", "credential", "class", "`activity_id`"];
    Table { name: "classes", head, rows: rows.collect() }
}

/// The class and activity of a type, of events about credentials by their kind.
pub(super) fn class(kind: &str, credential: &str) -> (EventClass, Option<u64>) {
    let fits =
        |row: &&ClassRow| is_or_below(kind, row.kind) && (row.credential.is_empty() || row.credential == credential);
    CLASSES.iter().find(fits).map_or((ApiActivity, None), |row| (row.class, row.activity))
}

/// Whether a type is this one, or begins with this part.
pub(super) fn is_or_below(kind: &str, first: &str) -> bool {
    kind.strip_prefix(first).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_one_class() {
        for (kind, credential, expected) in [
            ("session.started", "", (Authentication, Some(1))),
            ("session.reauthentication", "", (Authentication, None)),
            ("token.revoked", "", (Authentication, None)),
            ("account.suspended", "", (AccountChange, Some(5))),
            ("account.factors-required", "", (AccountChange, None)),
            ("credential.created", "password", (AccountChange, Some(3))),
            ("credential.created", "api-key", (AccountChange, None)),
            ("credential.deleted", "totp", (AccountChange, Some(11))),
            ("group.member-removed", "", (GroupManagement, Some(4))),
            ("principal.revoked", "", (EntityManagement, Some(4))),
            ("access.denied", "", (ApiActivity, None)),
            ("sessions.started", "", (ApiActivity, None)),
            ("", "", (ApiActivity, None)),
        ] {
            assert_eq!(class(kind, credential), expected, "{kind} {credential}");
        }
    }

    #[test]
    fn no_row_hides_behind_one_before_it() {
        for (place, row) in CLASSES.iter().enumerate() {
            let hides = |before: &&ClassRow| {
                is_or_below(row.kind, before.kind)
                    && (before.credential.is_empty() || before.credential == row.credential)
            };
            assert!(CLASSES.iter().take(place).find(hides).is_none(), "{}", row.kind);
        }
    }
}
