//! A successful sign-in to the console with a password alone.

use countersign_sdk::prelude::*;

countersign_sdk::rule!();

/// `where` has done most of it: a successful `ConsoleLogin` whose record says that no second factor was used.
#[detection]
fn detect(event: &Event, cx: &mut Context) {
    if event.is_mfa() != Some(false) || is_federated(event) {
        return;
    }
    let is_root = event.actor_user_type() == Some("Root");
    let (severity, confidence) = if is_root { (Severity::High, 80) } else { (Severity::Medium, 70) };
    let who = if is_root { "the root user" } else { event.actor_user_name().unwrap_or("an unnamed user") };
    let from = event.src_endpoint_ip().map_or_else(String::new, |address| format!(" from {address}"));
    let finding = Finding::new(class::SignIn, confidence)
        .severity(severity)
        .about(Role::Actor)
        .message(format!("{who} signed in to the console without a second factor{from}"));
    cx.find(finding);
}

/// Whether an identity provider vouched for the person, and so for the second factor: this record can't tell.
fn is_federated(event: &Event) -> bool {
    let password = matches!(event.actor_user_type(), Some("IAMUser" | "Root"));
    !password || event.actor_idp_name().is_some() || event.actor_session_issuer().is_some()
}

#[cfg(test)]
mod tests {
    use countersign_sdk::testing::{Bench, Found, Row, Value, row};

    use super::*;

    fn sign_in(user_type: &str) -> Row {
        row().at("2024-05-01T08:00:00Z").actor_user_type(user_type).actor_user_name("alice").is_mfa(false)
    }

    fn check(row: Row) -> Vec<Found> {
        Bench::<Rule>::new().feed(&[row])
    }

    #[test]
    fn a_password_alone_is_found() {
        let found = check(sign_in("IAMUser").src_endpoint_ip("198.51.100.7"));
        let [finding] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((finding.class, finding.confidence, finding.about), (SignalClass::SignIn, 70, Role::Actor));
        assert_eq!(finding.message, "alice signed in to the console without a second factor from 198.51.100.7");
        assert_eq!(finding.techniques, ["T1078.004"]);
    }

    #[test]
    fn the_root_user_weighs_more() {
        let found = check(sign_in("Root"));
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
            assert_eq!(check(quiet.clone()), [], "{quiet:?}");
        }
    }
}
