//! The configuration of an AD FS farm, read over its replication service.

use countersign_sdk::collections::hash64;
use countersign_sdk::prelude::*;

#[cfg(test)]
#[path = "../tests/unit/mod.rs"]
mod tests;
mod token;

use token::TokenUse;

countersign_sdk::rule!();

/// The number of hosts that are remembered per tenant; beyond it the one seen longest ago is forgotten.
const MAX_HOSTS: usize = 16;

/// State of a tenant. Kept references are the latest records.
#[derive(State)]
#[state(slot = "hosts")]
struct Hosts {
    hosts: [Host; MAX_HOSTS],
}

/// One machine with the federation service. Times are 1970 for never.
#[derive(State)]
struct Host {
    /// Hash of its name, 0 for none.
    name: u64,
    /// The time of the latest token, and whether its record shows that it was for the replication service.
    token: Timestamp,
    is_replication: bool,
    /// The time of the latest claims of a caller.
    claims: Timestamp,
    /// When it was last reported, and with how much confidence.
    reported: Timestamp,
    confidence: u8,
}

/// `where` passes only the two events of the federation service.
#[detection]
fn detect(event: &Event, hosts: &mut Slot<Hosts>, cx: &mut Context) {
    let at = event.time();
    let name = event.device_hostname().unwrap_or("an unnamed host");
    let evidence: Vec<Reference> = hosts.kept().collect();
    let Some(host) = host(hosts, hash64(name.to_ascii_lowercase().as_bytes()).max(1), at) else { return };
    match event.metadata_event_code() {
        Some("412") => match token::token_use(event) {
            // An ordinary sign-in.
            TokenUse::RelyingParty => return,
            token_use => {
                (host.token, host.is_replication) = (at.max(host.token), token_use == TokenUse::Replication);
            }
        },
        Some("501") => host.claims = at.max(host.claims),
        _ => return,
    }
    let found = judge(host, at, cx.parameters()).map(|confidence| (confidence, host.is_replication));
    hosts.keep(event.reference());
    let Some((confidence, is_replication)) = found else { return };
    let how = if is_replication {
        "a secure conversation with its replication service"
    } else {
        "what may be its replication service: the records came without their text"
    };
    let finding = Finding::new(class::Federation, confidence)
        .severity(if is_replication { Severity::Critical } else { Severity::High })
        .about(Role::Source)
        .merely_names()
        .evidence_all(evidence)
        .message(format!(
            "a caller was authenticated by the federation service on {name} for {how}; who reads the farm's configuration \
             has the key that signs its tokens"
        ));
    cx.report(finding);
}

/// 85 for a token of the replication service and its caller's claims, 60 if the records don't show what the token was
/// for. None if one of the two is missing, or if it was reported already.
fn judge(host: &mut Host, at: Timestamp, parameters: &Parameters) -> Option<u8> {
    let never = Timestamp::from_micros(0);
    if host.token == never || host.claims == never {
        return None;
    }
    let apart = host.token.max(host.claims) - host.token.min(host.claims);
    if apart > parameters.together {
        return None;
    }
    let confidence = if host.is_replication { 85 } else { 60 };
    if host.reported != never && at - host.reported < parameters.repeat_after && confidence <= host.confidence {
        return None;
    }
    (host.reported, host.confidence) = (at, confidence);
    Some(confidence)
}

/// The state of a host; a new one takes the place of the one seen longest ago.
fn host(hosts: &mut Hosts, name: u64, at: Timestamp) -> Option<&mut Host> {
    let places = hosts.hosts.iter().enumerate();
    let place = match hosts.hosts.iter().position(|host| host.name == name) {
        Some(place) => place,
        None => places.min_by_key(|(place, host)| (host.token.max(host.claims), *place))?.0,
    };
    let host = hosts.hosts.get_mut(place)?;
    if host.name != name {
        // A late record of a new host doesn't displace hosts that are all newer.
        if host.name != 0 && host.token.max(host.claims) > at {
            return None;
        }
        let never = Timestamp::from_micros(0);
        *host = Host { name, token: never, is_replication: false, claims: never, reported: never, confidence: 0 };
    }
    Some(host)
}
