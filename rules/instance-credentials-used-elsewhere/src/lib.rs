//! An instance role's session credentials, used from an address that isn't where the session has been seen.

use countersign_sdk::collections::hash64;
use countersign_sdk::prelude::*;

mod network;
mod session;
#[cfg(test)]
#[path = "../tests/unit/mod.rs"]
mod tests;

use network::{Prefixes, any_contains, is_unrouted};
use session::{Away, Call, Session, record, report};

countersign_sdk::rule!();

/// `where` passes only calls with an instance's own credentials, made directly from an address.
#[detection]
fn detect(event: &Event, session: &mut Slot<Session>, cx: &mut Context) {
    let Some(address) = event.src_endpoint_ip() else { return };
    let parameters = cx.parameters();
    let call = Call {
        address,
        at: event.time(),
        issued: event.actor_session_created_time(),
        key: event.actor_user_credential_uid().map_or(0, |key| hash64(key.as_bytes())),
        reference: event.reference(),
    };
    let prefixes = Prefixes { ipv4: parameters.ipv4_prefix, ipv6: parameters.ipv6_prefix };
    let own = |address| {
        any_contains(parameters.own_networks, address, |entry| {
            cx.warn(format!("`own-networks` has `{entry}`: expected a network such as `192.0.2.0/24`"));
        })
    };
    let Some(away) = record(session, call, prefixes, parameters.settle, own) else { return };
    let confidence = confidence(&away, call);
    let Some(shown) = report(session, &away, call, confidence, parameters.repeat_after) else { return };
    let finding = Finding::new(class::Token, confidence)
        .severity(if confidence >= STRONG { Severity::High } else { Severity::Medium })
        .about(Role::Actor)
        .evidence_all(shown.into_iter().filter(|reference| *reference != call.reference))
        .message(message(event, &away, call));
    cx.report(finding);
}

/// The confidence of a second network of the home's address family, when nothing else is known.
const STRONG: u8 = 80;

/// 80 for another network of an address family that the session has used; 10 more when the home is in use at the same
/// time, so that it is no move. 55 for the first network of the other family, which an instance may have by itself.
/// Either way 5 more for an access key that wasn't seen at home, and 15 less for an address that can't have come over
/// the internet: what lies between isn't known.
fn confidence(away: &Away, call: Call) -> u8 {
    let mut points = match (away.first_of_family, away.both_in_use) {
        (true, _) => 55,
        (false, false) => STRONG,
        (false, true) => STRONG + 10,
    };
    if away.other_key {
        points += 5;
    }
    if is_unrouted(call.address) {
        points -= 15;
    }
    points
}

fn message(event: &Event, away: &Away, call: Call) -> String {
    let mut text = format!(
        "credentials of {} used from {} for {} of {}; their session is at home at {}, first seen {} before",
        event.device_instance_uid().unwrap_or("an instance"),
        call.address,
        event.api_operation().unwrap_or("an unnamed operation"),
        event.api_service_name().unwrap_or("an unnamed service"),
        away.home,
        away.known_for,
    );
    if away.other_key {
        text.push_str(", with an access key not seen there");
    }
    if away.both_in_use {
        text.push_str(", and is used there still");
    }
    text
}
