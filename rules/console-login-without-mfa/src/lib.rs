//! A successful sign-in to the console with a password alone.

use countersign_sdk::prelude::*;

countersign_sdk::rule!();

#[cfg(test)]
#[path = "../tests/unit/mod.rs"]
mod tests;

/// `where` passes only successful `ConsoleLogin` events whose record states that no second factor was used.
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
    cx.report(finding);
}

/// Whether an identity provider authenticated the person: then this record doesn't show the second factor.
fn is_federated(event: &Event) -> bool {
    let password = matches!(event.actor_user_type(), Some("IAMUser" | "Root"));
    !password || event.actor_idp_name().is_some() || event.actor_session_issuer().is_some()
}
