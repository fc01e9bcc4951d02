//! Pushes that are denied again and again, until one is accepted.

use countersign_sdk::prelude::*;

mod step;
#[cfg(test)]
#[path = "../tests/unit/mod.rs"]
mod tests;

use step::{Approval, Step};

countersign_sdk::rule!();

/// The number of denials that are remembered; the maximum of the parameter `denials`.
const MAX_DENIALS: usize = 16;

/// State of an account. Kept references are the latest denials and the latest approval.
#[derive(State)]
#[state(slot = "pushes")]
struct Pushes {
    /// Denials reported by the owner's device.
    denied: RecentTimes<MAX_DENIALS>,
    /// Denials reported by the sign-in: most are the same ones again, so the two are never added up.
    refused: RecentTimes<MAX_DENIALS>,
    /// The newest approval, and how it was given.
    approved: Option<Timestamp>,
    how: u8,
    /// The approval that was last reported.
    reported: Option<Timestamp>,
}

#[detection]
fn detect(event: &Event, pushes: &mut Slot<Pushes>, cx: &mut Context) {
    let Some(step) = step::classify(event) else { return };
    let at = event.time();
    match step {
        Step::Denied => pushes.denied.add(at),
        Step::Refused => pushes.refused.add(at),
        Step::Approved(how) => {
            if judge(event, pushes, cx, at, how) {
                pushes.reported = pushes.reported.max(Some(at));
            }
            if pushes.approved.is_none_or(|known| known <= at) {
                (pushes.approved, pushes.how) = (Some(at), how.to_byte());
            }
            pushes.keep(event.reference());
            return;
        }
    }
    pushes.keep(event.reference());
    // A denial that was delivered after the approval that it came before.
    if let Some(approved) = pushes.approved.filter(|approved| at <= *approved)
        && pushes.reported != Some(approved)
        && judge(event, pushes, cx, approved, Approval::from_byte(pushes.how))
    {
        pushes.reported = Some(approved);
    }
}

/// Reports an approval if enough denials came before it; true if so.
fn judge(event: &Event, pushes: &Slot<Pushes>, cx: &mut Context, approved: Timestamp, how: Approval) -> bool {
    let parameters = cx.parameters();
    let before = |times: &RecentTimes<MAX_DENIALS>| {
        times.iter().filter(|time| *time > approved - parameters.window && *time <= approved).count()
    };
    let denials = before(&pushes.denied).max(before(&pushes.refused));
    // One approval a wave: what follows is the same person at work.
    let known = pushes
        .reported
        .is_some_and(|reported| approved - reported < parameters.window && reported - approved < parameters.window);
    if known || (denials as i64) < parameters.denials {
        return false;
    }
    let more = u8::try_from((denials as i64).saturating_sub(parameters.denials)).unwrap_or(u8::MAX);
    let confidence = how.confidence().saturating_add(more.min(10));
    let from = event.src_endpoint_ip().map_or_else(String::new, |address| format!(" from {address}"));
    let finding = Finding::new(class::SignIn, confidence)
        .severity(if how == Approval::Typed { Severity::Medium } else { Severity::High })
        .about(Role::Actor)
        .evidence_all(pushes.kept())
        .message(format!(
            "{denials}{} pushes were denied within {}, and then {}{from}",
            if denials == MAX_DENIALS { " or more" } else { "" },
            parameters.window,
            how.words(),
        ));
    cx.report(finding);
    true
}
