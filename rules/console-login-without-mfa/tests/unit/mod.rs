//! The rule over rows: what it finds and what it leaves alone.

use countersign_sdk::testing::{Row, Value, findings, only_finding, row};

use super::*;

fn sign_in(user_type: &str) -> Row {
    row().at("2024-05-01T08:00:00Z").actor_user_type(user_type).actor_user_name("alice").is_mfa(false)
}

#[test]
fn a_password_alone_is_found() {
    let finding = only_finding::<Rule>(&[sign_in("IAMUser").src_endpoint_ip("198.51.100.7")]);
    assert_eq!((finding.class, finding.confidence, finding.about), (SignalClass::SignIn, 70, Role::Actor));
    assert_eq!(finding.message, "alice signed in to the console without a second factor from 198.51.100.7");
    assert_eq!(finding.techniques, ["T1078.004"]);
}

#[test]
fn the_root_user_weighs_more() {
    let found = findings::<Rule>(&[sign_in("Root")]);
    assert_eq!(found.iter().map(|one| (one.confidence, one.severity)).collect::<Vec<_>>(), [(80, Severity::High)]);
    assert_eq!(found[0].message, "the root user signed in to the console without a second factor");
}

#[test]
fn everything_else_stays_quiet() {
    for quiet in [
        sign_in("IAMUser").is_mfa(true),
        sign_in("IAMUser").set("is_mfa", Value::WrongType),
        sign_in("AssumedRole").actor_session_issuer("arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0"),
        sign_in("FederatedUser"),
        sign_in("SAMLUser").actor_idp_name("https://idp.example.org/"),
        sign_in("IAMUser").actor_idp_name("https://idp.example.org/"),
    ] {
        assert_eq!(findings::<Rule>(std::slice::from_ref(&quiet)), [], "{quiet:?}");
    }
}
