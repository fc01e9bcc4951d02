//! The configuration of an AD FS farm, read over its replication service.

use countersign_sdk::collections::hash64;
use countersign_sdk::prelude::*;

#[cfg(test)]
#[path = "../tests/unit/mod.rs"]
mod tests;
mod told;

use told::Told;

countersign_sdk::rule!();

/// Hosts of a tenant that are told apart; the one heard of longest ago gives way.
const HOSTS: usize = 16;

/// What is kept of a tenant. Kept references are the latest records.
#[derive(State)]
#[state(slot = "hosts")]
struct Hosts {
    hosts: [Host; HOSTS],
}

/// One machine with the federation service. Times are 1970 for never.
#[derive(State)]
struct Host {
    /// Hash of its name, 0 for none.
    name: u64,
    /// The latest token, and whether its record told that it was for the replication service.
    token: Timestamp,
    is_replication: bool,
    /// The latest claims of a caller.
    claims: Timestamp,
    /// When it was last reported, and with how much confidence.
    reported: Timestamp,
    confidence: u8,
}

/// `where` has left the two events of the federation service.
#[detection]
fn detect(event: &Event, hosts: &mut Slot<Hosts>, cx: &mut Context) {
    let at = event.time();
    let name = event.device_hostname().unwrap_or("an unnamed host");
    let evidence: Vec<Reference> = hosts.kept().collect();
    let Some(host) = host(hosts, hash64(name.to_ascii_lowercase().as_bytes()).max(1), at) else { return };
    match event.metadata_event_code() {
        Some("412") => match told::of(event) {
            // An ordinary sign-in.
            Told::RelyingParty => return,
            told => {
                (host.token, host.is_replication) = (at.max(host.token), told == Told::Replication);
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
    cx.find(finding);
}

/// 85 for a token of the replication service and its caller's claims, 60 where the records don't tell what the token
/// was for. None as long as one of the two is missing, and where it was reported already.
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

/// What is kept of a host, which is made room for if it is new.
fn host(hosts: &mut Hosts, name: u64, at: Timestamp) -> Option<&mut Host> {
    let places = hosts.hosts.iter().enumerate();
    let place = match hosts.hosts.iter().position(|host| host.name == name) {
        Some(place) => place,
        None => places.min_by_key(|(place, host)| (host.token.max(host.claims), *place))?.0,
    };
    let host = hosts.hosts.get_mut(place)?;
    if host.name != name {
        // A late stranger makes no room for itself where all others are newer.
        if host.name != 0 && host.token.max(host.claims) > at {
            return None;
        }
        let never = Timestamp::from_micros(0);
        *host = Host { name, token: never, is_replication: false, claims: never, reported: never, confidence: 0 };
    }
    Some(host)
}
