//! Which OCSF class and activity an event has, by its event type: the first row that fits.

use countersign_model::vocabulary::EventClass::{
    self, AccountChange, ApiActivity, Authentication, AuthorizeSession, EntityManagement, GroupManagement, UserAccess,
};

use crate::documentation::{Table, class_words};

/// One row of the table of classes.
struct ClassRow {
    /// An event type, or the first parts of one.
    event_type: &'static str,
    /// Its class.
    class: EventClass,
    /// OCSF's activity within the class, where one fits.
    activity: Option<u64>,
}

const fn row(event_type: &'static str, class: EventClass, activity: u64) -> ClassRow {
    ClassRow { event_type, class, activity: if activity == 0 { None } else { Some(activity) } }
}

/// The table; an event type that no row fits is API activity. Activities of authentication: 1 logon, 2 logoff, 4 service
/// ticket, 6 a step before the logon; of account change: 1 create, 2 enable, 3 password change, 4 password reset,
/// 5 disable, 6 delete, 9 lock, 10 factor enabled, 11 factor disabled, 12 unlock; of the others 1 grant or create.
#[rustfmt::skip]
const CLASSES: &[ClassRow] = &[
    row("user.session.start", Authentication, 1),
    row("user.session.end", Authentication, 2),
    row("user.session.expire", Authentication, 2),
    row("user.session.clear", Authentication, 2),
    row("user.session.impersonation", AuthorizeSession, 0),
    row("user.session.access_admin_app", AuthorizeSession, 0),
    row("user.session", Authentication, 0),
    row("user.authentication.sso", Authentication, 4),
    row("user.authentication.universal_logout", Authentication, 2),
    row("user.authentication", Authentication, 6),
    row("user.mfa.okta_verify", Authentication, 6),
    row("user.mfa.attempt_bypass", Authentication, 6),
    row("policy.evaluate_sign_on", Authentication, 0),
    row("app.oauth2.client", EntityManagement, 0),
    row("app.oauth2.consent", UserAccess, 0),
    row("app.oauth2.as.consent", UserAccess, 0),
    row("app.oauth2", Authentication, 0),
    row("user.account.privilege.grant", UserAccess, 1),
    row("user.account.privilege.revoke", UserAccess, 2),
    row("user.account.privilege", UserAccess, 0),
    row("user.account.update_password", AccountChange, 3),
    row("user.account.reset_password", AccountChange, 4),
    row("user.account.expire_password", AccountChange, 4),
    row("user.account.lock", AccountChange, 9),
    row("user.account.unlock", AccountChange, 12),
    row("user.account.unlock_by_admin", AccountChange, 12),
    row("user.account.unlock_token", AccountChange, 12),
    row("user.account", AccountChange, 0),
    row("user.lifecycle.create", AccountChange, 1),
    row("user.lifecycle.activate", AccountChange, 2),
    row("user.lifecycle.reactivate", AccountChange, 2),
    row("user.lifecycle.unsuspend", AccountChange, 2),
    row("user.lifecycle.deactivate", AccountChange, 5),
    row("user.lifecycle.suspend", AccountChange, 5),
    row("user.lifecycle.delete", AccountChange, 6),
    row("user.lifecycle", AccountChange, 0),
    row("user.mfa.factor.activate", AccountChange, 10),
    row("user.mfa.factor.unsuspend", AccountChange, 10),
    row("user.mfa.factor.deactivate", AccountChange, 11),
    row("user.mfa.factor.reset_all", AccountChange, 11),
    row("user.mfa.factor.suspend", AccountChange, 11),
    row("user.mfa.factor", AccountChange, 0),
    row("user.credential", AccountChange, 0),
    row("user.registration", AccountChange, 0),
    row("user.import", AccountChange, 0),
    row("system.api_token.create", AccountChange, 1),
    row("system.api_token.revoke", AccountChange, 6),
    row("system.api_token", AccountChange, 0),
    row("group.privilege", UserAccess, 0),
    row("group.application_assignment", UserAccess, 0),
    row("group", GroupManagement, 0),
    row("application.user_membership", UserAccess, 0),
    row("application.integration", ApiActivity, 0),
    row("application", EntityManagement, 0),
    row("app.access_request", UserAccess, 0),
    row("iam", UserAccess, 0),
    row("policy", EntityManagement, 0),
    row("zone", EntityManagement, 0),
    row("device", EntityManagement, 0),
    row("event_hook", EntityManagement, 0),
    row("inline_hook", EntityManagement, 0),
    row("security.authenticator", EntityManagement, 0),
    row("security.trusted_origin", EntityManagement, 0),
    row("system.idp", EntityManagement, 0),
    row("system.mfa.factor", EntityManagement, 0),
    row("system.log_stream", EntityManagement, 0),
    row("system.custom_error", EntityManagement, 0),
    row("system.sign_in_page", EntityManagement, 0),
];

/// The table, for the documentation.
pub(super) fn table() -> Table {
    let activity = |activity: Option<u64>| activity.map_or("–".to_owned(), |id| id.to_string());
    let rows = CLASSES
        .iter()
        .map(|row| vec![format!("`{}`", row.event_type), class_words(row.class), activity(row.activity)])
        .chain([vec!["any other".to_owned(), class_words(ApiActivity), activity(None)]]);
    let head = &["`eventType`, or its first parts; the first that fits", "class", "`activity_id`"];
    Table { name: "classes", head, rows: rows.collect() }
}

/// The class and activity of an event type.
pub(super) fn class(event_type: &str) -> (EventClass, Option<u64>) {
    let row = CLASSES.iter().find(|row| is_or_below(event_type, row.event_type));
    row.map_or((ApiActivity, None), |row| (row.class, row.activity))
}

/// Whether an event type is this one, or one of those that its first parts name.
pub(super) fn is_or_below(event_type: &str, first: &str) -> bool {
    event_type.strip_prefix(first).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_type_has_one_class() {
        for (event_type, expected) in [
            ("user.session.start", (Authentication, Some(1))),
            ("user.session.context.change", (Authentication, None)),
            ("user.session.impersonation.initiate", (AuthorizeSession, None)),
            ("user.authentication.auth_via_mfa", (Authentication, Some(6))),
            ("user.mfa.okta_verify.deny_push", (Authentication, Some(6))),
            ("user.mfa.factor.reset_all", (AccountChange, Some(11))),
            ("user.account.privilege.grant", (UserAccess, Some(1))),
            ("user.account.lock.limit", (AccountChange, Some(9))),
            ("user.account.report_suspicious_activity_by_enduser", (AccountChange, None)),
            ("user.lifecycle.delete.initiated", (AccountChange, Some(6))),
            ("group.user_membership.add", (GroupManagement, None)),
            ("group.privilege.grant", (UserAccess, None)),
            ("application.user_membership.add", (UserAccess, None)),
            ("application.lifecycle.update", (EntityManagement, None)),
            ("policy.evaluate_sign_on", (Authentication, None)),
            ("policy.rule.update", (EntityManagement, None)),
            ("app.oauth2.token.detect_reuse", (Authentication, None)),
            ("app.generic.unauth_app_access_attempt", (ApiActivity, None)),
            ("grouping", (ApiActivity, None)),
            ("", (ApiActivity, None)),
        ] {
            assert_eq!(class(event_type), expected, "{event_type}");
        }
    }

    #[test]
    fn no_row_hides_behind_one_before_it() {
        for (place, row) in CLASSES.iter().enumerate() {
            let hidden = CLASSES.iter().take(place).find(|before| is_or_below(row.event_type, before.event_type));
            assert!(hidden.is_none(), "{} behind {}", row.event_type, hidden.map_or("", |row| row.event_type));
        }
    }
}
