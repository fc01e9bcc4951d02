//! The rule over rows: what it finds, what it leaves alone, and what it remembers.

use countersign_sdk::testing::{Bench, Found, Row, Value, row, time};

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
    let at = time("2026-03-04T08:00:00Z") + Duration::from_secs(minute * 60);
    let (latitude, longitude, city, country) = town;
    let text = |text: &str| Value::Text(text.to_owned());
    row().key(KEY).at_time(at).src_endpoint_ip("198.51.100.7").context(
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

/// The same findings, and the same state after them, whatever the batch size.
fn found(rows: &[Row]) -> Vec<Found> {
    let mut whole = Bench::<Rule>::new();
    let found = whole.feed(rows);
    for size in [1, 2, 3] {
        let mut split = Bench::<Rule>::new().batch_size(size);
        assert_eq!(split.feed(rows), found, "batches of {size}");
        assert_eq!(split.blob(0, KEY), whole.blob(0, KEY), "batches of {size}");
    }
    found
}

/// The rows found, each with its confidence.
#[track_caller]
fn check(rows: &[Row], expected: &[(usize, u8)]) {
    let found = found(rows);
    assert_eq!(found.iter().map(|one| (one.row, one.confidence)).collect::<Vec<_>>(), expected, "{found:#?}");
}

#[test]
fn two_places_too_far_apart_are_found() {
    let found = found(&[on("laptop", sign_in(BERLIN, 0)), on("other", sign_in(SEATTLE, 60))]);
    let [finding] = found.as_slice() else { panic!("{found:#?}") };
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
    check(&[sign_in(BERLIN, 0), sign_in(LISBON, 147)], &[(1, 50)]);
    check(&[sign_in(BERLIN, 0), sign_in(LISBON, 148)], &[]);
    // Half the world away within a day.
    check(&[sign_in(BERLIN, 0), sign_in(SEATTLE, 22 * 60)], &[]);
}

#[test]
fn near_places_are_one_and_those_below_the_distance_no_matter() {
    check(&[sign_in(BERLIN, 0), sign_in(POTSDAM, 1), sign_in(BERLIN, 2)], &[]);
    check(&[sign_in(BERLIN, 0), sign_in(MUNICH, 1)], &[]);
    let mut bench = Bench::<Rule>::new().set("distance", Value::Signed(400));
    assert_eq!(bench.feed(&[sign_in(BERLIN, 0), sign_in(MUNICH, 1)]).len(), 1);
}

#[test]
fn the_edges_count_and_not_the_middles() {
    let vague = |row: Row, radius: f64| {
        let (latitude, longitude, ..) = LISBON;
        let geo = [("latitude", latitude), ("longitude", longitude), ("radius", radius)];
        row.context("geo", &geo.map(|(name, value)| (name, Value::Float(value))))
    };
    check(&[sign_in(BERLIN, 0), vague(sign_in(LISBON, 60), 1_000.0)], &[(1, 50)]);
    check(&[sign_in(BERLIN, 0), vague(sign_in(LISBON, 90), 1_000.0)], &[]);
    check(&[sign_in(BERLIN, 0), vague(sign_in(LISBON, 60), f64::NAN)], &[(1, 50)]);
    assert!(
        found(&[sign_in(BERLIN, 0), vague(sign_in(LISBON, 1), 5.0)])[0]
            .message
            .starts_with("a sign-in from 38.7°N 9.1°W")
    );
}

#[test]
fn one_device_is_one_person_and_the_own_egress_nowhere() {
    check(&[on("laptop", sign_in(BERLIN, 0)), on("laptop", sign_in(SEATTLE, 1))], &[]);
    check(&[on("laptop", sign_in(BERLIN, 0)), sign_in(SEATTLE, 1)], &[(1, 50)]);
    let egress = |row: Row, network: Option<&str>| {
        let network: Vec<_> = network.map(|network| ("network", Value::Text(network.to_owned()))).into_iter().collect();
        row.context("egress", &network)
    };
    let vpn = |row: Row| egress(row, Some("198.51.100.0/24"));
    check(&[sign_in(BERLIN, 0), vpn(sign_in(SEATTLE, 1)), sign_in(BERLIN, 2)], &[]);
    check(&[vpn(sign_in(SEATTLE, 0)), sign_in(BERLIN, 1)], &[]);
    check(&[egress(sign_in(BERLIN, 0), None), egress(sign_in(SEATTLE, 1), None)], &[(1, 50)]);
}

#[test]
fn a_second_factor_weighs_against_it() {
    check(&[on("a", sign_in(BERLIN, 0)), on("b", sign_in(SEATTLE, 60)).is_mfa(true)], &[(1, 50)]);
    check(&[sign_in(BERLIN, 0), sign_in(SEATTLE, 60).is_mfa(true)], &[(1, 40)]);
}

#[test]
fn the_same_two_places_are_reported_once_a_week() {
    let rows: Vec<Row> =
        (0..400).map(|hour| sign_in(if hour % 2 == 0 { BERLIN } else { SEATTLE }, hour * 60)).collect();
    check(&rows, &[(1, 50), (169, 50), (337, 50)]);
    // A third place is another matter.
    check(&[sign_in(BERLIN, 0), sign_in(SEATTLE, 60), sign_in(BERLIN, 120), sign_in(LISBON, 125)], &[(1, 50), (3, 50)]);
}

#[test]
fn a_place_reached_in_time_is_not_excused_later() {
    // A thief who waits a day before the first sign-in.
    check(&[sign_in(BERLIN, 0), sign_in(SEATTLE, 24 * 60), sign_in(BERLIN, 25 * 60)], &[(2, 50)]);
}

#[test]
fn late_rows_are_travel_too() {
    check(&[sign_in(BERLIN, 0), sign_in(SEATTLE, -60).late()], &[(1, 50)]);
    assert!(
        found(&[sign_in(BERLIN, 0), sign_in(SEATTLE, -60).late()])[0]
            .message
            .contains(" signed in 1h after (52.5°N 13.4°E)")
    );
    // One that comes late changes nothing about when the place was last visited.
    check(&[sign_in(SEATTLE, 0), sign_in(SEATTLE, -1_400).late(), sign_in(BERLIN, 60)], &[(2, 50)]);
}

#[test]
fn what_is_not_known_is_not_guessed() {
    let nowhere = row().key(KEY).src_endpoint_ip("198.51.100.7");
    check(&[sign_in(BERLIN, 0), nowhere, sign_in(BERLIN, 1)], &[]);
    check(&[sign_in(BERLIN, 0), sign_in((0.0, 0.0, "", ""), 1), sign_in((f64::NAN, 1.0, "", ""), 2)], &[]);
    check(&[sign_in(BERLIN, 0).key("okta:example:00u2"), sign_in(SEATTLE, 1)], &[]);
    let nobody = |town| sign_in(town, 0).set("device.uid", Value::WrongType);
    check(&[nobody(BERLIN), nobody(SEATTLE)], &[(1, 50)]);
}

#[test]
fn more_places_than_are_remembered_push_out_the_one_visited_longest_ago() {
    let far = |number: i64| {
        sign_in((-80.0 + 10.0 * (number % 17) as f64, -170.0 + 20.0 * (number % 17) as f64, "", "XX"), 10 + number)
    };
    let mut rows = vec![sign_in(BERLIN, 0)];
    rows.extend((0..17).map(far));
    let found = found(&rows);
    assert_eq!(found.len(), 17, "{found:#?}");
    // A late stranger doesn't push out anybody.
    rows.truncate(7);
    rows.push(sign_in(LISBON, -3_000).late());
    rows.push(far(1));
    assert_eq!(self::found(&rows).len(), 6);
}

#[test]
fn the_layout_of_state_is_that_of_its_version() {
    // State outlives the rule: another size or order of its parts needs another version of the slot, and a migration.
    let mut bench = Bench::<Rule>::new();
    bench.feed(&[sign_in(BERLIN, 0)]);
    assert_eq!(bench.blob(0, KEY).map(<[u8]>::len), Some(300));
}
