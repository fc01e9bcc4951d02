//! One session, used from another network and from another operating system.

use countersign_sdk::prelude::*;

mod family;
mod session;
#[cfg(test)]
#[path = "../tests/unit/mod.rs"]
mod tests;

use family::Family;
use session::{Seen, Session, Use};

countersign_sdk::rule!();

/// `where` passes only events with an address and an operating system.
#[detection]
fn detect(event: &Event, session: &mut Slot<Session>, cx: &mut Context) {
    let geo = cx.tables().geo().for_row();
    let asn = geo.and_then(|geo| geo.asn()).filter(|asn| *asn != 0);
    let (Some(asn), Some(family)) = (asn, event.device_os_name().and_then(Family::of)) else { return };
    let this = Use { asn, family, at: event.time() };
    // A row without a key has no state, so nothing contradicts it.
    let Some(Seen { other, evidence }) = session::record(session, this, event.reference()) else { return };
    let confidence = confidence(this, other);
    let network = |asn: u64, name: Option<&str>| match name {
        Some(name) => format!("AS{asn} ({name})"),
        None => format!("AS{asn}"),
    };
    let finding = Finding::new(class::Token, confidence)
        .severity(if confidence >= STRONG { Severity::High } else { Severity::Medium })
        .about(Role::Actor)
        .evidence_all(evidence)
        .message(format!(
            "a session used from {} with {other_family} is used from {}{} with {family}, {}",
            network(other.asn, None),
            network(asn, event.src_endpoint_autonomous_system_name()),
            event.src_endpoint_ip().map_or_else(String::new, |address| format!(" at {address}")),
            apart(this.at - other.at),
            other_family = other.family,
        ));
    cx.report(finding);
}

/// The confidence of two systems that no one device shows.
const STRONG: u8 = 85;

/// Two uses so close to each other weren't separated by a change of browser.
const AT_ONCE: Duration = Duration::from_secs(600);

/// 80 for another network and another system, 85 within ten minutes of each other; 65 for two systems of one maker,
/// which a tablet shows by itself.
fn confidence(this: Use, other: Use) -> u8 {
    if this.family.shows_as(other.family) {
        return 65;
    }
    let apart = this.at - other.at;
    if apart < AT_ONCE && other.at - this.at < AT_ONCE { STRONG } else { 80 }
}

fn apart(gap: Duration) -> String {
    if gap.micros() < 0 {
        format!("{} before that", Duration::from_micros(-gap.micros()))
    } else {
        format!("{gap} after that")
    }
}
