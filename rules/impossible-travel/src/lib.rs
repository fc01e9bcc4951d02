//! Two sign-ins of one person from places that are too far apart for the time between them.

use countersign_sdk::collections::hash64;
use countersign_sdk::prelude::*;

mod places;
mod sphere;
#[cfg(test)]
#[path = "../tests/unit/mod.rs"]
mod tests;

use places::{Places, Travel, Visit};
use sphere::Point;

countersign_sdk::rule!();

/// `where` passes only successful sign-ins of a person from an address.
#[detection]
fn detect(event: &Event, places: &mut Slot<Places>, cx: &mut Context) {
    let (tables, parameters) = (cx.tables(), cx.parameters());
    // Behind one of the organisation's own networks the person may be anywhere.
    if tables.egress().for_row().and_then(|egress| egress.network()).is_some() {
        return;
    }
    let Some(geo) = tables.geo().for_row() else { return };
    let Some(point) =
        geo.latitude().zip(geo.longitude()).and_then(|(latitude, longitude)| Point::new(latitude, longitude))
    else {
        return;
    };
    let radius = geo.radius().filter(|radius| radius.is_finite() && *radius >= 0.0);
    let this = Visit {
        at: event.time(),
        point,
        radius: radius.unwrap_or(parameters.accuracy as f64).min(MAX_RADIUS),
        device: event.device_uid().map_or(0, |device| hash64(device.as_bytes()).max(1)),
    };
    let limits = places::Limits {
        distance: parameters.distance as f64,
        speed: parameters.speed as f64,
        repeat: parameters.repeat_after,
    };
    let Some(travel) = places::record(places, this, event.reference(), limits) else { return };
    let confidence = confidence(event, &travel);
    let whereabouts = match (geo.city(), geo.country()) {
        (Some(city), Some(country)) => format!("{city}, {country}"),
        (None, Some(country)) => country.to_owned(),
        _ => point.to_string(),
    };
    let finding = Finding::new(class::SignIn, confidence)
        .severity(Severity::Medium)
        .about(Role::Actor)
        .evidence_all(travel.evidence)
        .message(message(event, &whereabouts, &travel));
    cx.report(finding);
}

/// An address with a larger radius could be anywhere, in kilometres.
const MAX_RADIUS: f64 = 1_000.0;

/// The highest confidence of travel alone.
const MAX_CONFIDENCE: u8 = 60;

/// 60 if both devices are known to their management and differ, 50 if one isn't; 10 less with a second factor.
fn confidence(event: &Event, travel: &Travel) -> u8 {
    let points = if travel.devices_differ { MAX_CONFIDENCE } else { MAX_CONFIDENCE - 10 };
    if event.is_mfa() == Some(true) { points - 10 } else { points }
}

fn message(event: &Event, whereabouts: &str, travel: &Travel) -> String {
    let from = event.src_endpoint_ip().map_or_else(String::new, |address| format!(" ({address})"));
    let order = if travel.gap.micros() < 0 { "after" } else { "before" };
    let devices = if travel.devices_differ { ", on another device" } else { "" };
    let gap = Duration::from_micros(travel.gap.micros().saturating_abs());
    format!(
        "a sign-in from {whereabouts}{from}, at least {} km from where the account signed in {gap} {order} ({}){devices}",
        // A whole number: code that prints a float is larger than the rest of the rule.
        travel.distance as i64,
        travel.elsewhere,
    )
}
