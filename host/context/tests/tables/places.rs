//! Tables about source addresses: declared egress, and where addresses are.

use countersign_model::vocabulary::FieldId;
use countersign_model::{Event, Timestamp, Value};

use crate::support::{DAY, NOVEMBER, ask, context, event, rows, wanted};

const EGRESS: &str = r#"
version = 1
as-of = 2026-10-01

[[egress]]
name = "vpn"
kind = "vpn"
networks = ["198.51.100.0/24", "2001:db8::/32"]
asn = 64496
"#;

const PLACES: &str = r#"
version = 1
as-of = 2026-10-25

[[location]]
networks = ["203.0.113.0/25"]
country = "DE"
latitude = 52.5
longitude = 13.4
radius = 20
asn = 64496

[[location]]
networks = ["203.0.113.128/25"]
country = "AT"
"#;

#[test]
fn egress_is_told_by_row_by_key_and_by_batch() {
    let context = context(&[("egress", EGRESS)]);
    let columns = ["name", "network", "kind", "asn", "provider"];
    let vpn = "stale -31d: vpn, 198.51.100.0/24, vpn, 64496, -";
    let none = "stale -31d: -, -, -, -, -";
    let asked = wanted("egress", "row", "none", &columns);
    let events = [event("", "198.51.100.9"), event("", "192.0.2.1"), event("", "")];
    assert_eq!(rows(&ask(&context, &asked, &events, &[], 0)), [vpn, none, "missing: -, -, -, -, -"]);
    let asked = wanted("egress", "key", "source-ip", &columns);
    assert_eq!(rows(&ask(&context, &asked, &[], &["192.0.2.1", "198.51.100.9"], 0)), [none, vpn]);
    let asked = wanted("egress", "batch", "none", &["network"]);
    let fresh = ["fresh -31d: 198.51.100.0/24", "fresh -31d: 2001:db8::/32"];
    assert_eq!(rows(&ask(&context, &asked, &events, &[], -1)), fresh);
}

/// An event with what the record itself says.
fn said(address: &str, values: &[(FieldId, Value)]) -> Event {
    let mut event = event("", address);
    for (field, value) in values {
        event.fields.set(*field, value.clone());
    }
    event
}

fn coordinates(latitude: f64, longitude: f64) -> [(FieldId, Value); 2] {
    [
        (FieldId::SrcEndpointLocationLat, Value::Float(latitude)),
        (FieldId::SrcEndpointLocationLong, Value::Float(longitude)),
    ]
}

#[test]
fn what_the_record_says_comes_first_and_never_is_too_old() {
    let context = context(&[("geo", PLACES)]);
    let asked = wanted("geo", "row", "none", &["latitude", "longitude", "radius"]);
    let mut old = said("203.0.113.1", &coordinates(48.2, 16.4));
    old.time = Timestamp(NOVEMBER - 90 * DAY);
    let events = [
        said("203.0.113.1", &coordinates(48.2, 16.4)),
        said("203.0.113.1", &[]),
        old,
        // Nowhere on earth, or half of a place: the file says where it is.
        said("203.0.113.1", &coordinates(91.0, 0.0)),
        said("203.0.113.1", &coordinates(f64::NAN, 0.0)),
        said("203.0.113.1", &coordinates(48.2, 16.4)[..1]),
        said("203.0.113.200", &[]),
        said("192.0.2.1", &[]),
        said("", &[]),
        said("", &coordinates(48.2, 16.4)),
    ];
    let berlin = "fresh -7d: 52.5, 13.4, 20";
    let expected = [
        "fresh 0d: 48.2, 16.4, -",
        berlin,
        "fresh -90d: 48.2, 16.4, -",
        berlin,
        berlin,
        berlin,
        "missing: -, -, -",
        "missing: -, -, -",
        "missing: -, -, -",
        "fresh 0d: 48.2, 16.4, -",
    ];
    let whole = ask(&context, &asked, &events, &[], 0);
    assert_eq!(rows(&whole), expected);
    // Alone each row says the same.
    let alone: Vec<String> =
        events.iter().flat_map(|one| rows(&ask(&context, &asked, std::slice::from_ref(one), &[], 0))).collect();
    assert_eq!(alone, expected);
}

#[test]
fn a_row_that_is_not_whole_is_missing_and_what_is_there_may_be_used() {
    let context = context(&[("geo", PLACES)]);
    let asked = wanted("geo", "row", "none", &["country", "asn", "organisation"]);
    let asn = (FieldId::SrcEndpointAutonomousSystemNumber, Value::Unsigned(64_500));
    let country = (FieldId::SrcEndpointLocationCountry, Value::Text("Deutschland".into()));
    let events = [
        said("203.0.113.1", &[]),
        said("203.0.113.200", &[]),
        said("203.0.113.200", std::slice::from_ref(&asn)),
        said("192.0.2.1", std::slice::from_ref(&asn)),
        said("192.0.2.1", &[asn, country]),
    ];
    assert_eq!(
        rows(&ask(&context, &asked, &events, &[], 0)),
        [
            "fresh -7d: DE, 64496, -",
            "missing: AT, -, -",
            "fresh -7d: AT, 64500, -",
            "missing: -, 64500, -",
            "fresh 0d: Deutschland, 64500, -",
        ]
    );
    // Too old is only what the file was needed for.
    assert_eq!(
        rows(&ask(&context, &asked, &events, &[], 24)),
        [
            "stale -7d: DE, 64496, -",
            "missing: AT, -, -",
            "stale -7d: AT, 64500, -",
            "missing: -, 64500, -",
            "fresh 0d: Deutschland, 64500, -",
        ]
    );
}

#[test]
fn without_a_file_records_say_where_they_are_from_and_keys_do_not() {
    let nothing = context(&[]);
    let asked = wanted("geo", "row", "none", &["longitude"]);
    let events = [said("203.0.113.1", &coordinates(48.2, 16.4)), said("203.0.113.1", &[])];
    assert_eq!(rows(&ask(&nothing, &asked, &events, &[], 0)), ["fresh 0d: 16.4", "missing: -"]);
    let asked = wanted("geo", "key", "source-ip", &["longitude"]);
    assert!(rows(&ask(&nothing, &asked, &events, &["203.0.113.1"], 0)).is_empty());
    assert_eq!(rows(&ask(&context(&[("geo", PLACES)]), &asked, &events, &["203.0.113.1"], 0)), ["fresh -7d: 13.4"]);
}

#[test]
fn the_first_file_that_says_something_counts_and_the_oldest_used_is_the_age() {
    let second = "version = 1\nas-of = 2026-10-20\n[[location]]\nnetworks = [\"203.0.113.0/24\"]\ncountry = \"CH\"\n\
                  latitude = 46.9\nlongitude = 7.4\norganisation = \"Second\"\nasn = 64501\n";
    let context = context(&[("geo", PLACES), ("geo", second)]);
    let asked = wanted("geo", "key", "source-ip", &["country", "latitude", "radius", "asn"]);
    assert_eq!(
        rows(&ask(&context, &asked, &[], &["203.0.113.1", "203.0.113.129"], 0)),
        ["fresh -7d: DE, 52.5, 20, 64496", "fresh -12d: AT, 46.9, -, 64501"]
    );
}
