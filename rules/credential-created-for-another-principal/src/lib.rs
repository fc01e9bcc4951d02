//! A credential made, reset or activated for another IAM user: a way back in that outlives the one who made it.

use countersign_sdk::cloudtrail::{caller, is_expected, is_provider, role_path};
use countersign_sdk::prelude::*;

mod deed;
#[cfg(test)]
#[path = "../tests/unit/mod.rs"]
mod tests;

use deed::{Deed, deed};

countersign_sdk::rule!();

/// The highest confidence of a finding about an expected actor.
const EXPECTED: u8 = 30;

/// `where` passes only successful calls of IAM that make, change or activate a credential.
#[detection]
fn detect(event: &Event, cx: &mut Context) {
    if is_provider(event) {
        return;
    }
    let Some(owner) = other(event) else { return };
    let request = event.api_request_data().and_then(Json::parse);
    let Some(deed) = event.api_operation().and_then(|operation| deed(operation, request)) else { return };
    let confidence = confidence(event, &deed, request, owner, cx.parameters());
    let technique = if deed.is_device { technique::T1098_005 } else { technique::T1098_001 };
    let severity = if deed.confidence >= 70 { Severity::High } else { Severity::Medium };
    let finding =
        Finding::new(class::Credential, confidence).severity(severity).about(Role::Actor).technique(technique).message(
            format!(
                "{} {}{} for the user {owner}",
                caller(event),
                deed.words,
                event.user_credential_uid().map_or_else(String::new, |id| format!(" ({id})")),
            ),
        );
    cx.report(finding);
}

/// The name of the user whose credential it is; none if that is the actor, or if no user is named: IAM then takes the
/// actor.
fn other<'a>(event: &Event<'a>) -> Option<&'a str> {
    // The host sets the id only if the record proves the user's account, which here is the actor's alone.
    let is_actor = event.user_uid().is_some() && event.user_uid() == event.actor_user_uid();
    if is_actor { None } else { event.user_name() }
}

fn confidence(event: &Event, deed: &Deed, request: Option<Json>, owner: &str, parameters: &Parameters) -> u8 {
    let must_change = request.and_then(|body| body.get("passwordResetRequired")).and_then(Json::truth) == Some(true);
    let mut points = deed.confidence;
    for (holds, less) in [
        (event.actor_session_is_mfa() == Some(true), 15),
        (must_change, 15),
        (event.actor_invoked_by().is_some(), 10),
        (is_own_name(event, owner), 30),
    ] {
        points = points.saturating_sub(if holds { less } else { 0 });
    }
    if is_expected(event, parameters.expected_actors) { points.min(EXPECTED) } else { points }
}

/// Whether an Identity Center session bears the user's name. Identity Center names its sessions by itself; everywhere
/// else the caller chooses the name.
fn is_own_name(event: &Event, owner: &str) -> bool {
    let is_person = role_path(event).is_some_and(|path| path.starts_with("aws-reserved/sso.amazonaws.com/"));
    let name = event.actor_session_uid().and_then(|session| session.split_once(':')).map(|(_, name)| name);
    let local = |name: &'_ str| name.split('@').next().unwrap_or_default().to_ascii_lowercase();
    is_person && name.is_some_and(|name| local(name) == local(owner))
}
