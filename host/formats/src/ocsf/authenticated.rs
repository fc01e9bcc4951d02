//! Which events prove that their actor authenticated.
//!
//! An allow-list by class and activity, and always only with success: of an act that failed, the event doesn't say whether
//! that was before or after the actor had shown who it is. A sign-in is done with its logon; what comes before (a ticket, a
//! factor, a challenge) isn't one. Left out are acts that a product records about an account, with that account as the
//! actor: locked, password reset by a mailed link, privileges assigned to a new session.

use countersign_model::vocabulary::EventClass;

use super::{OcsfRecord, aws};
use crate::cloudtrail::authenticated::{ends_a_sign_in, is_a_callers};
use crate::documentation::{Table, class_words};

/// Classes, and the activities of each whose success proves it, with their names in OCSF.
const PROOFS: &[(EventClass, &[(u64, &str)])] = &[
    (EventClass::Authentication, &[(1, "logon")]),
    (
        EventClass::AccountChange,
        &[
            (1, "create"),
            (2, "enable"),
            (5, "disable"),
            (6, "delete"),
            (7, "attach policy"),
            (8, "detach policy"),
            (10, "MFA factor enable"),
            (11, "MFA factor disable"),
        ],
    ),
    (EventClass::EntityManagement, &[(1, "create"), (2, "read"), (3, "update"), (4, "delete")]),
    (EventClass::UserAccess, &[(1, "assign privileges"), (2, "revoke privileges")]),
    (
        EventClass::GroupManagement,
        &[
            (1, "assign privileges"),
            (2, "revoke privileges"),
            (3, "add user"),
            (4, "remove user"),
            (5, "delete"),
            (6, "create"),
        ],
    ),
    (EventClass::ApiActivity, &[(1, "create"), (2, "read"), (3, "update"), (4, "delete"), (99, "other")]),
];

/// The table, for the documentation.
pub(super) fn table() -> Table {
    let rows = PROOFS.iter().map(|(class, activities)| {
        let activities: Vec<String> = activities.iter().map(|(id, name)| format!("{id} {name}")).collect();
        vec![class_words(*class), activities.join(", "), "its status is success".to_owned()]
    });
    let rest = ["any other", "any other, or none", "never"].map(str::to_owned).to_vec();
    Table {
        name: "authenticated",
        head: &["class", "`activity_id`, else the last two digits of `type_uid`", "authenticated if"],
        rows: rows.chain([rest]).collect(),
    }
}

/// Whether the event proves that its actor authenticated.
pub(super) fn authenticated(record: &OcsfRecord<'_>) -> bool {
    let tree = &record.tree;
    let activity = tree.member("activity_id").unsigned().or_else(|| Some(tree.member("type_uid").unsigned()? % 100));
    let is_listed = PROOFS.iter().any(|(class, activities)| {
        *class == record.class && activities.iter().any(|(known, _)| Some(*known) == activity)
    });
    record.principal.account.is_some() && record.status == Some(1) && is_listed && cloudtrail_agrees(record)
}

/// What AWS says in OCSF is CloudTrail's: neither its services' own events nor the steps of a sign-in prove anything.
fn cloudtrail_agrees(record: &OcsfRecord<'_>) -> bool {
    let text = |path| record.tree.member(path).text().unwrap_or_default();
    let from_cloudtrail = aws::is_cloudtrail(&record.tree);
    let step = text("api.service.name").starts_with("signin.") && !ends_a_sign_in(&text("api.operation"));
    let event_type = aws::event_type(&record.tree).unwrap_or_default();
    !step && (!from_cloudtrail || event_type.is_empty() || is_a_callers(&event_type))
}
