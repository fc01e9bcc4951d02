//! Pushes that are denied or ignored again and again, until one is accepted.

use countersign_sdk::prelude::*;

mod pushes;
mod step;
#[cfg(test)]
#[path = "../tests/unit/mod.rs"]
mod tests;

use pushes::{MAX_DENIALS, MAX_SENT, Pushes};
use step::{Approval, Step};

countersign_sdk::rule!();

#[detection]
fn detect(event: &Event, pushes: &mut Slot<Pushes>, cx: &mut Context) {
    let Some(step) = step::classify(event) else { return };
    let at = event.time();
    match step {
        Step::Sent => pushes.send(at),
        Step::Denied => pushes.denied.add(at),
        Step::Refused => pushes.refused.add(at),
        Step::Approved(how) => {
            if how.may_be_a_push() {
                pushes.accept(at);
            }
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
    // A push that was sent or denied before the approval and delivered after it.
    if let Some(approved) = pushes.approved.filter(|approved| at <= *approved)
        && pushes.reported != Some(approved)
        && judge(event, pushes, cx, approved, Approval::from_byte(pushes.how))
    {
        pushes.reported = Some(approved);
    }
}

/// Reports an approval if enough pushes before it were denied or ignored; true if so.
fn judge(event: &Event, pushes: &Slot<Pushes>, cx: &mut Context, approved: Timestamp, how: Approval) -> bool {
    let parameters = cx.parameters();
    let window = parameters.window;
    // One approval a wave: what follows is the same person at work.
    let known = pushes.reported.is_some_and(|reported| approved - reported < window && reported - approved < window);
    if known {
        return false;
    }
    let (denials, ignored) = (pushes.denials(approved, window), pushes.ignored(approved, window));
    let (confidence, what) = if denials as i64 >= parameters.denials {
        let more = beyond(denials, parameters.denials);
        (how.after_denials().saturating_add(more.min(10)), counted(denials, MAX_DENIALS, "were denied"))
    } else if ignored as i64 >= parameters.ignored
        && let Some(points) = how.after_silence()
    {
        let more = beyond(ignored, parameters.ignored).saturating_mul(2);
        // Of those remembered one was accepted.
        let what = counted(ignored, MAX_SENT - 1, "were sent and not accepted");
        (points.saturating_add(more).min(MAX_AFTER_SILENCE), what)
    } else {
        return false;
    };
    let from = event.src_endpoint_ip().map_or_else(String::new, |address| format!(" from {address}"));
    let severity = if how == Approval::Typed { Severity::Medium } else { Severity::High };
    let finding = Finding::new(class::SignIn, confidence)
        .severity(severity)
        .about(Role::Actor)
        .evidence_all(pushes.kept())
        .message(format!("{what} within {window}, and then {}{from}", how.words()));
    cx.report(finding);
    true
}

/// The highest confidence where nothing shows that the owner saw the pushes.
const MAX_AFTER_SILENCE: u8 = 75;

fn beyond(count: usize, threshold: i64) -> u8 {
    u8::try_from((count as i64).saturating_sub(threshold)).unwrap_or(u8::MAX)
}

fn counted(count: usize, max: usize, what: &str) -> String {
    format!("{count}{} pushes {what}", if count == max { " or more" } else { "" })
}
