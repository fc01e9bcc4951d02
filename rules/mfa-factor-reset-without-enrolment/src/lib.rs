//! A second factor that was reset without another being enrolled.

use countersign_sdk::prelude::*;

countersign_sdk::rule!();

#[cfg(test)]
#[path = "../tests/unit/mod.rs"]
mod tests;

const RESET_ALL: &str = "user.mfa.factor.reset_all";
const DEACTIVATED: &str = "user.mfa.factor.deactivate";
const SUSPENDED: &str = "user.mfa.factor.suspend";
const ACTIVATED: &str = "user.mfa.factor.activate";
const UNSUSPENDED: &str = "user.mfa.factor.unsuspend";

/// State of an account. The kept reference is the reset that is waited on.
#[derive(State)]
#[state(slot = "reset")]
struct Reset {
    /// When its factors were first reset since an enrolment, and the highest confidence of the resets since then; 0 when
    /// nothing is waited for.
    at: Timestamp,
    confidence: u8,
    /// When a factor was last enrolled, for a reset that is delivered after the enrolment that follows it.
    enrolled: Option<Timestamp>,
}

/// `where` passes only successful changes of factors; the other rows are the timer's.
#[detection]
fn detect(event: &Event, reset: &mut Slot<Reset>, cx: &mut Context) {
    if event.is_timer(&timer::NOBODY_ENROLLED) {
        return overdue(event, reset, cx);
    }
    match event.metadata_event_code() {
        Some(ACTIVATED | UNSUSPENDED) => {
            reset.enrolled = reset.enrolled.max(Some(event.time()));
            if reset.confidence > 0 && reset.enrolled >= Some(reset.at) {
                stop_waiting(reset);
                cx.cancel_timer(timer::NOBODY_ENROLLED);
            }
        }
        Some(code @ (RESET_ALL | DEACTIVATED | SUSPENDED)) => wait(event, code, reset, cx),
        _ => {}
    }
}

/// Waits for an enrolment. Of several resets the strongest is reported; the timer stays where the first set it, so that
/// resetting again doesn't delay the finding.
fn wait(event: &Event, code: &str, reset: &mut Slot<Reset>, cx: &mut Context) {
    let at = event.time();
    if reset.enrolled >= Some(at) {
        return;
    }
    let confidence = confidence(event, code);
    let earlier = reset.confidence == 0 || at < reset.at;
    if !earlier && confidence <= reset.confidence {
        return;
    }
    if earlier {
        reset.at = at;
    }
    reset.confidence = reset.confidence.max(confidence);
    reset.forget_kept();
    reset.keep(event.reference());
    cx.set_timer(timer::NOBODY_ENROLLED, reset.at + cx.parameters().enrolment);
}

/// Reports that no factor was enrolled. The row is the reset that set the timer.
fn overdue(event: &Event, reset: &mut Slot<Reset>, cx: &mut Context) {
    if reset.confidence == 0 {
        return;
    }
    let confidence = reset.confidence;
    let finding = Finding::new(class::Credential, confidence)
        .severity(if confidence >= ALL_BY_ANOTHER { Severity::Medium } else { Severity::Low })
        .about(Role::Target)
        .evidence_all(reset.kept().filter(|kept| *kept != event.reference()))
        .message(message(event, cx.parameters().enrolment));
    stop_waiting(reset);
    cx.report(finding);
}

fn stop_waiting(reset: &mut Slot<Reset>) {
    reset.confidence = 0;
    reset.at = Timestamp::from_micros(0);
    reset.forget_kept();
}

/// The confidence of all factors reset by someone other than the owner.
const ALL_BY_ANOTHER: u8 = 65;

/// 65 when all factors were reset, 55 when one was taken away; 10 less when the account's owner did it.
fn confidence(event: &Event, code: &str) -> u8 {
    let points = if code == RESET_ALL { ALL_BY_ANOTHER } else { ALL_BY_ANOTHER - 10 };
    if is_own(event) { points - 10 } else { points }
}

fn is_own(event: &Event) -> bool {
    event.actor_user_uid().is_some() && event.actor_user_uid() == event.user_uid()
}

fn message(event: &Event, allowed: Duration) -> String {
    let what = match event.metadata_event_code() {
        Some(RESET_ALL) => "all second factors",
        _ => "a second factor",
    };
    let done = match event.metadata_event_code() {
        Some(RESET_ALL) => "were reset",
        Some(SUSPENDED) => "was suspended",
        _ => "was taken away",
    };
    let whose = event.user_name().or(event.user_uid()).unwrap_or("an unnamed account");
    let by = match (is_own(event), event.actor_user_name().or(event.actor_user_uid())) {
        (true, _) => "its owner",
        (false, Some(name)) => name,
        (false, None) => "somebody unnamed",
    };
    format!("{what} of {whose} {done} by {by}, and none was enrolled within {allowed}")
}
