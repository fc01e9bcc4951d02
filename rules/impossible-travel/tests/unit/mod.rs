//! The rule over rows: what it finds, what it leaves alone, and what it remembers.

use countersign_sdk::testing::{Harness, Row, Value, check, check_state_size, findings, only_finding, row};

use super::*;

const KEY: &str = "okta:example:00u1";

/// Latitude, longitude, city, country.
type Town = (f64, f64, &'static str, &'static str);

const BERLIN: Town = (52.52, 13.40, "Berlin", "DE");
const POTSDAM: Town = (52.40, 13.06, "Potsdam", "DE");
const MUNICH: Town = (48.14, 11.58, "Munich", "DE");
const LISBON: Town = (38.72, -9.14, "Lisbon", "PT");
const SEATTLE: Town = (47.61, -122.33, "Seattle", "US");

fn sign_in(town: Town, minute: i64) -> Row {
    let (latitude, longitude, city, country) = town;
    let text = |text: &str| Value::Text(text.to_owned());
    row().key(KEY).at("2026-03-04T08:00:00Z").plus_secs(minute * 60).src_endpoint_ip("198.51.100.7").context(
        "geo",
        &[
            ("latitude", Value::Float(latitude)),
            ("longitude", Value::Float(longitude)),
            ("city", text(city)),
            ("country", text(country)),
        ],
    )
}

fn on(device: &str, row: Row) -> Row {
    row.device_uid(device)
}

#[test]
fn two_places_too_far_apart_are_found() {
    let finding = only_finding::<Rule>(&[on("laptop", sign_in(BERLIN, 0)), on("other", sign_in(SEATTLE, 60))]);
    assert_eq!((finding.row, finding.class, finding.confidence), (1, SignalClass::SignIn, 60));
    assert_eq!(
        (finding.about, finding.severity, finding.evidence.as_slice()),
        (Role::Actor, Severity::Medium, &[0][..])
    );
    assert_eq!(
        finding.message,
        "a sign-in from Seattle, US (198.51.100.7), at least 8017 km from where the account signed in 1h before (52.5°N \
         13.4°E), on another device"
    );
}

#[test]
fn what_an_airliner_can_do_is_possible() {
    // 2,313 km and 100 less for what isn't known of the addresses: 2 h 27½ min at 900 km/h.
    check::<Rule>(&[sign_in(BERLIN, 0), sign_in(LISBON, 147)], &[(1, 50)]);
    check::<Rule>(&[sign_in(BERLIN, 0), sign_in(LISBON, 148)], &[]);
    // Half the world away within a day.
    check::<Rule>(&[sign_in(BERLIN, 0), sign_in(SEATTLE, 22 * 60)], &[]);
}

#[test]
fn near_places_are_one_and_those_below_the_distance_no_matter() {
    check::<Rule>(&[sign_in(BERLIN, 0), sign_in(POTSDAM, 1), sign_in(BERLIN, 2)], &[]);
    check::<Rule>(&[sign_in(BERLIN, 0), sign_in(MUNICH, 1)], &[]);
    let mut harness = Harness::<Rule>::new().set("distance", 400);
    assert_eq!(harness.feed(&[sign_in(BERLIN, 0), sign_in(MUNICH, 1)]).len(), 1);
}

#[test]
fn the_edges_count_and_not_the_middles() {
    let vague = |row: Row, radius: f64| {
        let (latitude, longitude, ..) = LISBON;
        let geo = [("latitude", latitude), ("longitude", longitude), ("radius", radius)];
        row.context("geo", &geo.map(|(name, value)| (name, Value::Float(value))))
    };
    check::<Rule>(&[sign_in(BERLIN, 0), vague(sign_in(LISBON, 60), 1_000.0)], &[(1, 50)]);
    check::<Rule>(&[sign_in(BERLIN, 0), vague(sign_in(LISBON, 90), 1_000.0)], &[]);
    check::<Rule>(&[sign_in(BERLIN, 0), vague(sign_in(LISBON, 60), f64::NAN)], &[(1, 50)]);
    assert!(
        findings::<Rule>(&[sign_in(BERLIN, 0), vague(sign_in(LISBON, 1), 5.0)])[0]
            .message
            .starts_with("a sign-in from 38.7°N 9.1°W")
    );
}

#[test]
fn one_device_is_one_person_and_the_own_egress_nowhere() {
    check::<Rule>(&[on("laptop", sign_in(BERLIN, 0)), on("laptop", sign_in(SEATTLE, 1))], &[]);
    check::<Rule>(&[on("laptop", sign_in(BERLIN, 0)), sign_in(SEATTLE, 1)], &[(1, 50)]);
    let egress = |row: Row, network: Option<&str>| {
        let network: Vec<_> = network.map(|network| ("network", Value::Text(network.to_owned()))).into_iter().collect();
        row.context("egress", &network)
    };
    let vpn = |row: Row| egress(row, Some("198.51.100.0/24"));
    check::<Rule>(&[sign_in(BERLIN, 0), vpn(sign_in(SEATTLE, 1)), sign_in(BERLIN, 2)], &[]);
    check::<Rule>(&[vpn(sign_in(SEATTLE, 0)), sign_in(BERLIN, 1)], &[]);
    check::<Rule>(&[egress(sign_in(BERLIN, 0), None), egress(sign_in(SEATTLE, 1), None)], &[(1, 50)]);
}

#[test]
fn a_second_factor_weighs_against_it() {
    check::<Rule>(&[on("a", sign_in(BERLIN, 0)), on("b", sign_in(SEATTLE, 60)).is_mfa(true)], &[(1, 50)]);
    check::<Rule>(&[sign_in(BERLIN, 0), sign_in(SEATTLE, 60).is_mfa(true)], &[(1, 40)]);
}

#[test]
fn the_same_two_places_are_reported_once_a_week() {
    let rows: Vec<Row> =
        (0..400).map(|hour| sign_in(if hour % 2 == 0 { BERLIN } else { SEATTLE }, hour * 60)).collect();
    check::<Rule>(&rows, &[(1, 50), (169, 50), (337, 50)]);
    // A third place is another matter.
    check::<Rule>(
        &[sign_in(BERLIN, 0), sign_in(SEATTLE, 60), sign_in(BERLIN, 120), sign_in(LISBON, 125)],
        &[(1, 50), (3, 50)],
    );
}

#[test]
fn a_place_reached_in_time_is_not_excused_later() {
    // A thief who waits a day before the first sign-in.
    check::<Rule>(&[sign_in(BERLIN, 0), sign_in(SEATTLE, 24 * 60), sign_in(BERLIN, 25 * 60)], &[(2, 50)]);
}

#[test]
fn late_rows_are_travel_too() {
    check::<Rule>(&[sign_in(BERLIN, 0), sign_in(SEATTLE, -60).late()], &[(1, 50)]);
    assert!(
        findings::<Rule>(&[sign_in(BERLIN, 0), sign_in(SEATTLE, -60).late()])[0]
            .message
            .contains(" signed in 1h after (52.5°N 13.4°E)")
    );
    // One that comes late changes nothing about when the place was last visited.
    check::<Rule>(&[sign_in(SEATTLE, 0), sign_in(SEATTLE, -1_400).late(), sign_in(BERLIN, 60)], &[(2, 50)]);
}

#[test]
fn what_is_not_known_is_not_guessed() {
    let nowhere = row().key(KEY).src_endpoint_ip("198.51.100.7");
    check::<Rule>(&[sign_in(BERLIN, 0), nowhere, sign_in(BERLIN, 1)], &[]);
    check::<Rule>(&[sign_in(BERLIN, 0), sign_in((0.0, 0.0, "", ""), 1), sign_in((f64::NAN, 1.0, "", ""), 2)], &[]);
    check::<Rule>(&[sign_in(BERLIN, 0).key("okta:example:00u2"), sign_in(SEATTLE, 1)], &[]);
    let unknown_device = |town| sign_in(town, 0).set("device.uid", Value::WrongType);
    check::<Rule>(&[unknown_device(BERLIN), unknown_device(SEATTLE)], &[(1, 50)]);
}

#[test]
fn more_places_than_are_remembered_push_out_the_one_visited_longest_ago() {
    let far = |number: i64| {
        sign_in((-80.0 + 10.0 * (number % 17) as f64, -170.0 + 20.0 * (number % 17) as f64, "", "XX"), 10 + number)
    };
    let mut rows = vec![sign_in(BERLIN, 0)];
    rows.extend((0..17).map(far));
    let found = findings::<Rule>(&rows);
    assert_eq!(found.len(), 17, "{found:#?}");
    // A late sign-in from a new place displaces none.
    rows.truncate(7);
    rows.push(sign_in(LISBON, -3_000).late());
    rows.push(far(1));
    assert_eq!(findings::<Rule>(&rows).len(), 6);
}

#[test]
fn the_layout_of_state_is_that_of_its_version() {
    check_state_size::<Rule>(&[sign_in(BERLIN, 0)], KEY, 300);
}
