//! A sign-in from an address that has sprayed passwords.

use countersign_sdk::prelude::*;
use countersign_sdk::sign_in::{account_name, has_bad_credentials, is_local};

countersign_sdk::rule!();

#[cfg(test)]
#[path = "../tests/unit/mod.rs"]
mod tests;

/// The number of accounts that are remembered per address in each list.
const MAX_FAILED: usize = 32;
const MAX_HOME: usize = 32;
const MAX_REPORTED: usize = 16;

/// How long an account that signed in from an address is at home there.
const HOME_LASTS: Duration = Duration::from_secs(30 * 86_400);

/// State of an address. The kept reference is the event of the last spray.
#[derive(State)]
#[state(slot = "address")]
struct Address {
    /// Accounts that failed for a wrong name or password, by when they last did.
    failed: SlidingDistinct<MAX_FAILED>,
    /// When the failures began that have gone on since without a gap.
    failing_since: Timestamp,
    /// Accounts that signed in while no spray was known, by when they first did.
    home: SlidingDistinct<MAX_HOME>,
    /// What was reported already.
    reported: SlidingDistinct<MAX_REPORTED>,
    /// When a spray was last found, and with how much confidence.
    sprayed: Option<Timestamp>,
    confidence: u8,
}

/// `where` passes only sign-ins, failed and successful, from an address; the other rows are findings of the spray rule.
#[detection]
fn detect(event: &Event, address: &mut Slot<Address>, cx: &mut Context) {
    let (at, window) = (event.time(), cx.parameters().window);
    if event.is_finding() {
        address.sprayed = address.sprayed.max(Some(at));
        address.confidence = u8::try_from(event.finding_confidence().unwrap_or_default()).unwrap_or(100);
        address.forget_kept();
        address.keep(event.reference());
        return;
    }
    let Some(account) = account_name(event) else { return };
    if event.src_endpoint_ip().is_none_or(is_local) {
        return;
    }
    if has_bad_credentials(event) {
        return note_failure(address, &account, at, window);
    }
    if event.status_id() != Some(1) {
        return;
    }
    let Some(sprayed) = address.sprayed.filter(|sprayed| at - *sprayed < window) else {
        // By its first sign-in, so only once.
        if address.home.last_seen(&account).is_none_or(|first| at - first >= HOME_LASTS) {
            address.home.add(&account, at, HOME_LASTS);
        }
        return;
    };
    if at < sprayed {
        return;
    }
    // An account that first signed in after the failures began isn't at home: the first guess may have been right.
    let began = address.failing_since.max(sprayed - window);
    let at_home = address.home.last_seen(&account).is_some_and(|first| first < began);
    let failed = address.failed.last_seen(&account).filter(|failed| *failed <= at && at - *failed < window);
    let Some(confidence) = confidence(event, address.confidence, failed.is_some(), at_home) else { return };
    // Once as one that didn't fail, and once as one that did.
    let reported_as = if failed.is_some() { account.clone() } else { format!("{account} didn't fail") };
    if address.reported.last_seen(&reported_as).is_some_and(|reported| at - reported < window) {
        return;
    }
    address.reported.add(&reported_as, at, window);
    let finding = Finding::new(class::SignIn, confidence)
        .severity(if confidence >= GUESSED { Severity::High } else { Severity::Medium })
        .about(Role::Actor)
        .evidence_all(address.kept())
        .message(message(event, &account, failed.map(|failed| at - failed), at - sprayed));
    cx.report(finding);
}

fn note_failure(address: &mut Slot<Address>, account: &str, at: Timestamp, window: Duration) {
    if address.failed.count_since(at - window) == 0 {
        address.failing_since = at;
    }
    address.failing_since = address.failing_since.min(at);
    address.failed.add(account, at, window);
}

/// The confidence of an account that failed in the spray and then got in.
const GUESSED: u8 = 85;

/// 85 for an account that failed here, 5 more after a spray that was sure (75 or more); 65 if it was at home here, so
/// that it may have mistyped. 50 for one that neither failed nor is known here; none for one at home that didn't fail.
/// 25 less with a second factor.
fn confidence(event: &Event, spray: u8, failed: bool, at_home: bool) -> Option<u8> {
    let points = match (failed, at_home) {
        (true, false) if spray >= 75 => GUESSED + 5,
        (true, false) => GUESSED,
        (true, true) => 65,
        (false, false) => 50,
        (false, true) => return None,
    };
    Some(if event.is_mfa() == Some(true) { points - 25 } else { points })
}

fn message(event: &Event, account: &str, failed: Option<Duration>, sprayed: Duration) -> String {
    let from = event.src_endpoint_ip().map_or_else(|| "an unnamed address".to_owned(), |address| address.to_string());
    let factor = match event.is_mfa() {
        Some(true) => " with a second factor",
        Some(false) => " without a second factor",
        None => "",
    };
    let own = match failed {
        Some(failed) => format!("its own sign-in failed there {failed} before"),
        None => "it wasn't seen to fail there".to_owned(),
    };
    format!("{account} signed in{factor} from {from}, where a password spray was found {sprayed} before; {own}")
}
