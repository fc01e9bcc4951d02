//! Audit and detection switched off, or made to see less.

use countersign_sdk::cloudtrail::{caller, is_expected, is_provider};
use countersign_sdk::prelude::*;

mod deed;
mod guardduty;
mod named;
mod plain;
mod selectors;
#[cfg(test)]
#[path = "../tests/unit/mod.rs"]
mod tests;

use deed::{Deed, Watcher, deed};

countersign_sdk::rule!();

/// The highest confidence of a finding about an expected actor.
const EXPECTED: u8 = 30;

/// `where` passes only successful calls whose operation can weaken a log or a detection tool.
#[detection]
fn detect(event: &Event, cx: &mut Context) {
    if is_provider(event) {
        return;
    }
    let Some(deed) = deed(event) else { return };
    let parameters = cx.parameters();
    if !deed.things.is_empty() && deed.things.iter().all(|thing| is_expendable(thing, parameters)) {
        return;
    }
    let technique = match deed.watcher {
        Watcher::Log => technique::T1562_008,
        Watcher::Tool => technique::T1562_001,
    };
    let things = if deed.things.is_empty() { String::new() } else { format!(" {}", deed.things.join(", ")) };
    let finding = Finding::new(class::Evasion, confidence(event, &deed, parameters))
        .severity(if deed.confidence >= 70 { Severity::High } else { Severity::Medium })
        .about(Role::Actor)
        .technique(technique)
        .message(format!("{} {}{things}", caller(event), deed.words));
    cx.report(finding);
}

/// Whether the operator named it, as in the record or by the last part of its ARN.
fn is_expendable(thing: &str, parameters: &Parameters) -> bool {
    let name = thing.rsplit('/').next().unwrap_or(thing);
    parameters.expendable.iter().any(|expendable| expendable == thing || expendable == name)
}

fn confidence(event: &Event, deed: &Deed, parameters: &Parameters) -> u8 {
    let mut points = deed.confidence;
    for holds in [event.actor_session_is_mfa() == Some(true), event.actor_invoked_by().is_some()] {
        points = points.saturating_sub(if holds { 10 } else { 0 });
    }
    if is_expected(event, parameters.expected_actors) { points.min(EXPECTED) } else { points }
}
