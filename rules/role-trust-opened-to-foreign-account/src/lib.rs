//! A role's trust policy that lets another account, everybody, or an identity provider of the actor's own making assume
//! the role: a door that outlives the intrusion.

use std::borrow::Cow;

use countersign_sdk::cloudtrail::{caller, is_expected, is_provider, is_request_out_of_sight};
use countersign_sdk::prelude::*;

mod condition;
mod document;
mod doors;
mod provider;
#[cfg(test)]
#[path = "../tests/unit/mod.rs"]
mod tests;
mod trust;

use doors::{Doors, ROLES_ANYWHERE};
use trust::{Opening, Trusted, Who};

countersign_sdk::rule!();

/// The highest confidence of a finding about an expected actor.
const EXPECTED: u8 = 30;

/// The number of principals that a message names.
const MAX_NAMED: usize = 4;

/// `where` passes only successful calls that write a role's trust policy or make an identity provider.
#[detection]
fn detect(event: &Event, doors: &mut Slot<Doors>, cx: &mut Context) {
    if is_provider(event) {
        return;
    }
    match event.api_operation() {
        Some("UpdateAssumeRolePolicy" | "CreateRole") => opened(event, doors, cx),
        _ => made(event, doors, cx),
    }
}

/// A role's trust policy was written.
fn opened(event: &Event, doors: &mut Slot<Doors>, cx: &mut Context) {
    let parameters = cx.parameters();
    let document = document::trust_policy(event);
    let trusted = Trusted {
        // IAM is called within one account, so the actor's is the role's.
        own: event.cloud_account_uid().or(event.actor_user_account_uid()),
        accounts: parameters.trusted_accounts,
        organisations: parameters.trusted_organisations,
        subjects: parameters.own_subjects,
    };
    let is_new = event.api_operation() == Some("CreateRole");
    let mut openings = trust::openings(document.as_deref(), &trusted);
    openings.retain(|opening| match &opening.who {
        Who::Provider(provider) => is_own_making(event, provider, is_new, doors, parameters),
        _ => true,
    });
    for opening in openings.iter_mut().filter(|one| one.who == Who::Unknown && is_request_out_of_sight(event)) {
        opening.who = Who::OutOfSight;
    }
    let Some(widest) = openings.iter().map(|opening| width(opening, is_new)).max() else { return };
    let severity = match openings
        .iter()
        .any(|opening| matches!(opening.who, Who::Everybody | Who::OutOfSight | Who::AnybodyAt(_)))
    {
        true => Severity::Critical,
        false if widest >= 60 => Severity::High,
        false => Severity::Medium,
    };
    let evidence: Vec<Reference> = match openings.iter().any(|opening| matches!(opening.who, Who::Provider(_))) {
        true => doors.kept().filter(|kept| *kept != event.reference()).collect(),
        false => Vec::new(),
    };
    let finding = Finding::new(class::Federation, confidence(event, widest, parameters))
        .severity(severity)
        .about(Role::Actor)
        .evidence_all(evidence)
        .message(format!(
            "{} {} the role {} to {}",
            caller(event),
            if is_new { "made and opened" } else { "opened" },
            event.user_name().unwrap_or("without a name"),
            list(&openings),
        ));
    cx.report(finding);
}

/// Remembers that a role was opened to a provider, and returns whether to report it: if the actor made the provider
/// lately, of new roles the first.
fn is_own_making(
    event: &Event,
    provider: &str,
    is_new: bool,
    doors: &mut Slot<Doors>,
    parameters: &Parameters,
) -> bool {
    let (at, window) = (event.time(), parameters.provider_window);
    doors.open(provider, at, window);
    doors.keep(event.reference());
    if doors.made_before(provider, at, window).is_none() || (is_new && doors.is_reported(provider, at, window)) {
        return false;
    }
    doors.report(provider, at, window);
    true
}

/// An identity provider was made, or its keys were replaced: the role may have been opened to it before.
fn made(event: &Event, doors: &mut Slot<Doors>, cx: &mut Context) {
    let Some(provider) = doors::provider_made(event) else { return };
    let parameters = cx.parameters();
    let (at, window) = (event.time(), parameters.provider_window);
    let evidence: Vec<Reference> = doors.kept().collect();
    doors.make(&provider, at, window);
    doors.keep(event.reference());
    let Some(ago) = doors.opened_before(&provider, at, window) else { return };
    if doors.is_reported(&provider, at, window) {
        return;
    }
    doors.report(&provider, at, window);
    let opening = Opening { who: Who::Provider(provider), external_id: false };
    // Whether the role was new isn't remembered.
    let finding = Finding::new(class::Federation, confidence(event, width(&opening, true), parameters))
        .severity(Severity::High)
        .about(Role::Actor)
        .evidence_all(evidence)
        .message(format!(
            "{} made or changed {}, to which the same actor opened a role {}",
            caller(event),
            named(&opening.who),
            apart(ago),
        ));
    cx.report(finding);
}

fn apart(ago: Duration) -> String {
    let gap = Duration::from_micros(ago.micros().saturating_abs());
    if ago.micros() < 0 { format!("{gap} after") } else { format!("{gap} before") }
}

/// How wide an opening is, before who made it and how is considered.
fn width(opening: &Opening<'_>, is_new: bool) -> u8 {
    let points = match (&opening.who, is_new) {
        (Who::Everybody | Who::OutOfSight, _) => 90,
        (Who::AnybodyAt(_), false) => 80,
        (Who::Account(_) | Who::Subject(_) | Who::Provider(_), false) => 75,
        (Who::AnybodyAt(_), true) => 70,
        (Who::Account(_) | Who::Subject(_) | Who::Provider(_), true) | (Who::Organisation(_), false) => 60,
        (Who::Unknown, false) => 55,
        (Who::Organisation(_) | Who::Unknown, true) => 45,
    };
    // Each cluster of EKS has a provider of its own, made together with the roles of its pods.
    let of_a_cluster = matches!(&opening.who, Who::Provider(provider) if provider.starts_with(EKS));
    if of_a_cluster { points - 15 } else { points }
}

/// How the providers of EKS clusters begin.
const EKS: &str = "oidc-provider/oidc.eks.";

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
        let own = if matches!(opening.who, Who::Provider(_)) { ", made by the same actor" } else { "" };
        let how = if opening.external_id { " with an external id" } else { "" };
        let text: Cow<'_, str> = format!("{}{how}{own}", named(&opening.who)).into();
        if !shown.contains(&text) {
            shown.push(text);
        }
    }
    let more = shown.len().saturating_sub(MAX_NAMED);
    shown.truncate(MAX_NAMED);
    let named = shown.join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}

fn named<'a>(who: &Who<'a>) -> Cow<'a, str> {
    match who {
        Who::Everybody => "everybody".into(),
        Who::Unknown => "principals that the record doesn't show".into(),
        Who::OutOfSight => "principals in a document too large for the record".into(),
        Who::Account(account) => format!("the account {account}").into(),
        Who::Organisation(organisation) => format!("everybody of the organisation {organisation}").into(),
        Who::AnybodyAt(whose) => (*whose).into(),
        Who::Subject(subject) => format!("{subject}, which isn't among the own subjects").into(),
        Who::Provider(provider) if provider == ROLES_ANYWHERE => "a trust anchor of Roles Anywhere".into(),
        Who::Provider(provider) => format!("the identity provider {provider}").into(),
    }
}
