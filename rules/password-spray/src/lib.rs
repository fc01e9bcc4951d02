//! Failed sign-ins of many accounts from one address.

use countersign_sdk::prelude::*;
use countersign_sdk::sign_in::{account_name, has_bad_credentials, is_local};

countersign_sdk::rule!();

#[cfg(test)]
#[path = "../tests/unit/mod.rs"]
mod tests;

/// The number of accounts that are counted per address; the maximum of both thresholds.
const MAX_ACCOUNTS: usize = 32;

/// State of an address.
#[derive(State)]
#[state(slot = "failed")]
struct Failed {
    /// Accounts that failed within the slow window, and haven't signed in since.
    accounts: SlidingDistinct<MAX_ACCOUNTS>,
    /// When a spray was last reported, and with how much confidence.
    reported: Option<Timestamp>,
    confidence: u8,
}

/// `where` passes only sign-ins, failed and successful, from an address.
#[detection]
fn detect(event: &Event, failed: &mut Slot<Failed>, cx: &mut Context) {
    let (Some(address), Some(account)) = (event.src_endpoint_ip(), account_name(event)) else { return };
    if is_local(address) {
        return;
    }
    if event.status_id() == Some(1) {
        // Checked first, so that state isn't touched if nothing failed.
        if failed.accounts.last_seen(&account).is_some() {
            failed.accounts.forget(&account);
        }
        return;
    }
    if !has_bad_credentials(event) {
        return;
    }
    let (at, parameters) = (event.time(), cx.parameters());
    failed.keep(event.reference());
    let slow = failed.accounts.add(&account, at, parameters.slow_window.max(parameters.window));
    let fast = failed.accounts.count_since(at - parameters.window);
    let Some(confidence) = confidence(fast, slow, parameters) else { return };
    let is_fast = fast as i64 >= parameters.accounts;
    // A spray that takes a day isn't reported every hour.
    let quiet = if is_fast { parameters.repeat_after } else { parameters.slow_window };
    let known = failed.reported.is_some_and(|reported| at - reported < quiet);
    if known && confidence < failed.confidence.saturating_add(10) {
        return;
    }
    (failed.reported, failed.confidence) = (Some(at), confidence);
    let (accounts, window) = if is_fast { (fast, parameters.window) } else { (slow, parameters.slow_window) };
    let more = if accounts == MAX_ACCOUNTS { " or more" } else { "" };
    let finding = Finding::new(class::SignIn, confidence)
        .severity(if confidence >= 80 { Severity::High } else { Severity::Medium })
        .about(Role::Source)
        .merely_names()
        .evidence_all(failed.kept())
        .message(format!(
            "sign-ins of {accounts}{more} accounts failed from {address} within {window} for a wrong name or password, \
             and none of them has signed in from there since"
        ));
    cx.report(finding);
}

/// 65 for a quick spray that just reaches its threshold, 60 for a slow one; 2 more for each quick account beyond and 1
/// for each slow one, at most 85 and 75. None below both thresholds.
fn confidence(fast: usize, slow: usize, parameters: &Parameters) -> Option<u8> {
    let points = |accounts: usize, threshold: i64, base: i64, step: i64, max: i64| {
        let beyond = (accounts as i64).saturating_sub(threshold);
        (beyond >= 0).then(|| base.saturating_add(beyond.saturating_mul(step)).min(max))
    };
    let fast = points(fast, parameters.accounts, 65, 2, 85);
    let slow = points(slow, parameters.slow_accounts, 60, 1, 75);
    fast.max(slow).and_then(|points| u8::try_from(points).ok())
}
