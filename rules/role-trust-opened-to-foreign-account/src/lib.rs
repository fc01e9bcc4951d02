//! A role's trust policy that lets another account, or everybody, assume the role: a door that outlives the intrusion.

use std::borrow::Cow;

use countersign_sdk::cloudtrail::{caller, is_expected, is_provider};
use countersign_sdk::prelude::*;

mod condition;
mod document;
#[cfg(test)]
#[path = "../tests/unit/mod.rs"]
mod tests;
mod trust;

use trust::{Opening, Trusted, Who};

countersign_sdk::rule!();

/// The highest confidence of a finding about an expected actor.
const EXPECTED: u8 = 30;

/// The number of principals that a message names.
const MAX_NAMED: usize = 4;

/// `where` passes only successful calls of IAM that write a trust policy.
#[detection]
fn detect(event: &Event, cx: &mut Context) {
    if is_provider(event) {
        return;
    }
    let parameters = cx.parameters();
    let document = document::trust_policy(event);
    let trusted = Trusted {
        // IAM is called within one account, so the actor's is the role's.
        own: event.cloud_account_uid().or(event.actor_user_account_uid()),
        accounts: parameters.trusted_accounts,
        organisations: parameters.trusted_organisations,
    };
    let openings = trust::openings(document.as_deref(), &trusted);
    let is_new = event.api_operation() == Some("CreateRole");
    let Some(widest) = openings.iter().map(|opening| width(opening, is_new)).max() else { return };
    let severity = match openings.iter().any(|opening| opening.who == Who::Everybody) {
        true => Severity::Critical,
        false if widest >= 60 => Severity::High,
        false => Severity::Medium,
    };
    let finding = Finding::new(class::Federation, confidence(event, widest, parameters))
        .severity(severity)
        .about(Role::Actor)
        .message(format!(
            "{} {} the role {} to {}",
            caller(event),
            if is_new { "made and opened" } else { "opened" },
            event.user_name().unwrap_or("without a name"),
            list(&openings),
        ));
    cx.report(finding);
}

/// How wide an opening is, before who made it and how is considered.
fn width(opening: &Opening<'_>, is_new: bool) -> u8 {
    let points = match (&opening.who, is_new) {
        (Who::Everybody, _) => 90,
        (Who::Account(_), false) => 75,
        (Who::Account(_), true) | (Who::Organisation(_), false) => 60,
        (Who::Unknown, false) => 55,
        (Who::Organisation(_) | Who::Unknown, true) => 45,
    };
    if opening.external_id { points - 15 } else { points }
}

fn confidence(event: &Event, widest: u8, parameters: &Parameters) -> u8 {
    let mut points = widest;
    for holds in [event.actor_session_is_mfa() == Some(true), event.actor_invoked_by().is_some()] {
        points = points.saturating_sub(if holds { 10 } else { 0 });
    }
    if is_expected(event, parameters.expected_actors) { points.min(EXPECTED) } else { points }
}

/// The principals that the role was opened to, each once.
fn list(openings: &[Opening<'_>]) -> String {
    let mut shown: Vec<Cow<'_, str>> = Vec::new();
    for opening in openings {
        let who: Cow<'_, str> = match &opening.who {
            Who::Everybody => "everybody".into(),
            Who::Unknown => "principals that the record doesn't show".into(),
            Who::Account(account) => format!("the account {account}").into(),
            Who::Organisation(organisation) => format!("everybody of the organisation {organisation}").into(),
        };
        let how = if opening.external_id { " with an external id" } else { "" };
        let text: Cow<'_, str> = format!("{who}{how}").into();
        if !shown.contains(&text) {
            shown.push(text);
        }
    }
    let more = shown.len().saturating_sub(MAX_NAMED);
    shown.truncate(MAX_NAMED);
    let named = shown.join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}
