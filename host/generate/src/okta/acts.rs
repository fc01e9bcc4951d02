//! What people and administrators do in an Okta org, each act as the org logs it.

use super::{Act, Client, user};
use crate::estate::org::{Application, Group, Member};
use crate::json::{Json, object};

/// The org's policy looked at a sign-in: `ALLOW`, `CHALLENGE` or `DENY`.
pub(crate) fn policy(member: &Member, client: Client<'_>, session: &str, result: &'static str) -> Act {
    let reason = match result {
        "CHALLENGE" => Json::from("Sign-on policy evaluation resulted in CHALLENGE"),
        "DENY" => "Sign-on policy evaluation resulted in DENY".into(),
        _ => "Sign-on policy evaluation resulted in ALLOW".into(),
    };
    Act::of("policy.evaluate_sign_on", "Evaluation of sign-on policy", member, client, session)
        .ended(result, reason, if result == "DENY" { "WARN" } else { "INFO" })
        .debug("factor", "PASSWORD_AS_FACTOR")
        .target(object! {
            "id" => "00p0default0policy00",
            "type" => "PolicyEntity",
            "alternateId" => "unknown",
            "displayName" => "Default Policy",
            "detailEntry" => object! { "policyType" => "Okta_Sign_On" },
        })
}

/// A session begins: the right password was given.
pub(crate) fn sign_in(member: &Member, client: Client<'_>, session: &str) -> Act {
    Act::of("user.session.start", "User login to Okta", member, client, session)
        .legacy("core.user_auth.login_success")
        .credential("PASSWORD")
}

/// A wrong password.
pub(crate) fn wrong_password(member: &Member, client: Client<'_>) -> Act {
    Act::of("user.session.start", "User login to Okta", member, client, "")
        .legacy("core.user_auth.login_failed")
        .ended("FAILURE", "INVALID_CREDENTIALS", "WARN")
        .credential("PASSWORD")
}

/// A session ends.
pub(crate) fn sign_out(member: &Member, client: Client<'_>, session: &str) -> Act {
    Act::of("user.session.end", "User logout from Okta", member, client, session)
        .legacy("core.user_auth.logout_success")
}

/// A push was sent to the member's phone.
pub(crate) fn push_sent(member: &Member, client: Client<'_>, session: &str) -> Act {
    Act::of("system.push.send_factor_verify_push", "Send push notification", member, client, session)
        .debug("factor", "OKTA_VERIFY_PUSH")
        .target(user(member))
}

/// The member approved the push.
pub(crate) fn push_approved(member: &Member, client: Client<'_>, session: &str) -> Act {
    Act::of("user.authentication.auth_via_mfa", "Authentication of user via MFA", member, client, session)
        .legacy("core.user.factor.attempt_success")
        .credential("OTP")
        .debug("factor", "OKTA_VERIFY_PUSH")
        .target(user(member))
}

/// The member typed a code in place of the push.
pub(crate) fn code_typed(member: &Member, client: Client<'_>, session: &str) -> Act {
    Act::of("user.authentication.auth_via_mfa", "Authentication of user via MFA", member, client, session)
        .legacy("core.user.factor.attempt_success")
        .credential("OTP")
        .debug("factor", "GOOGLE_AUTH")
        .target(user(member))
}

/// The member refused the push.
pub(crate) fn push_denied(member: &Member, client: Client<'_>, session: &str) -> Act {
    Act::of("user.mfa.okta_verify.deny_push", "User rejected Okta push verify", member, client, session)
        .legacy("core.user.factor.attempt_fail")
        .ended("FAILURE", "INVALID_CREDENTIALS", "WARN")
        .credential("OTP")
        .debug("factor", "OKTA_VERIFY_PUSH")
        .target(user(member))
}

/// The member opens an application.
pub(crate) fn open(member: &Member, client: Client<'_>, session: &str, application: &Application) -> Act {
    Act::of("user.authentication.sso", "User single sign on to app", member, client, session)
        .legacy("app.auth.sso")
        .debug("signOnMode", "SAML_2_0")
        .target(app(application))
        .target(object! {
            "id" => format!("0ua{}", member.id.get(3..).unwrap_or_default()),
            "type" => "AppUser",
            "alternateId" => &member.email,
            "displayName" => &member.name,
            "detailEntry" => Json::Null,
        })
}

/// An administrator adds a member to a group.
pub(crate) fn add_to_group(admin: &Member, client: Client<'_>, session: &str, member: &Member, group: &Group) -> Act {
    Act::of("group.user_membership.add", "Add user to group membership", admin, client, session)
        .legacy("core.user_group_member.user_add")
        .target(user(member))
        .target(object! {
            "id" => &group.id,
            "type" => "UserGroup",
            "alternateId" => "unknown",
            "displayName" => group.name,
            "detailEntry" => Json::Null,
        })
}

/// An administrator removes all factors of a member.
pub(crate) fn reset_factors(admin: &Member, client: Client<'_>, session: &str, member: &Member) -> Act {
    Act::of("user.mfa.factor.reset_all", "Reset all factors for user", admin, client, session)
        .legacy("core.user.factor.reset_all")
        .target(user(member))
}

/// A member enrols a factor.
pub(crate) fn enrol(member: &Member, client: Client<'_>, session: &str) -> Act {
    Act::of("user.mfa.factor.activate", "Activate factor or authenticator enrollment for user", member, client, session)
        .legacy("core.user.factor.activate")
        .debug("factor", "OKTA_VERIFY_PUSH")
        .target(user(member))
}

/// The org pushes a profile to an application.
pub(crate) fn provision(application: &Application, member: &Member) -> Act {
    Act::of_the_org("application.provision.user.push_profile", "Push user's profile to external application")
        .legacy("app.user_management.push_profile_success")
        .target(user(member))
        .target(app(application))
}

fn app(application: &Application) -> Json {
    object! {
        "id" => &application.id,
        "type" => "AppInstance",
        "alternateId" => application.label,
        "displayName" => application.label,
        "detailEntry" => object! { "signOnModeType" => "SAML_2_0" },
    }
}
