//! Rights that a principal gives to itself: how a stolen credential becomes an administrator's.

use countersign_sdk::cloudtrail::{caller, is_expected, is_service_role};
use countersign_sdk::prelude::*;

mod gain;
mod policy;
#[cfg(test)]
#[path = "../tests/unit/mod.rs"]
mod tests;

use gain::{Gain, gain};

countersign_sdk::rule!();

/// The highest confidence of a finding about an expected actor.
const EXPECTED: u8 = 30;

/// `where` passes only successful grants of IAM to a user or role whose account is proved, which is the actor's alone.
#[detection]
fn detect(event: &Event, cx: &mut Context) {
    if event.user_uid().is_none() || event.user_uid() != event.actor_user_uid() || is_service_role(event) {
        return;
    }
    let parameters = cx.parameters();
    let Some(gain) = gain(event, parameters) else { return };
    let confidence = confidence(event, gain, parameters);
    let finding = Finding::new(class::Privilege, confidence)
        .severity(gain.severity())
        .about(Role::Actor)
        .message(format!("{} {}: {}", caller(event), deed(event), gain.words()));
    cx.report(finding);
}

fn confidence(event: &Event, gain: Gain, parameters: &Parameters) -> u8 {
    let mut points = gain.confidence();
    for holds in [is_role(event), event.actor_session_is_mfa() == Some(true), event.actor_invoked_by().is_some()] {
        points = points.saturating_sub(if holds { 10 } else { 0 });
    }
    if is_expected(event, parameters.expected_actors) { points.min(EXPECTED) } else { points }
}

fn is_role(event: &Event) -> bool {
    event.user_type() == Some("Role")
}

fn deed(event: &Event) -> String {
    let itself = format!(
        "itself, the {} {}",
        if is_role(event) { "role" } else { "user" },
        event.user_name().unwrap_or("without a name")
    );
    let named = |name: Option<&str>| name.map_or_else(String::new, |name| format!(" {name}"));
    match event.api_operation() {
        Some("AddUserToGroup") => format!("added {itself}, to the group{}", named(event.group_name())),
        Some("AttachUserPolicy" | "AttachRolePolicy") => {
            format!("attached the policy{} to {itself}", named(event.policy_name()))
        }
        Some("PutUserPolicy" | "PutRolePolicy") => {
            format!("wrote the policy{} into {itself}", named(event.policy_name()))
        }
        _ => format!("took the permissions boundary off {itself}"),
    }
}
