//! MaxMind databases, written by the tests themselves: what they say, and what is refused.

use countersign_context::{Context, ContextFiles, GeoFile, GeoFileError};

use crate::support::{ask, context, event, rows, wanted};
use crate::writer::{Data, database};

/// The 25th of October 2026, seconds.
const OCTOBER: u64 = 1_792_886_400;

fn city() -> Vec<u8> {
    let names = |name| Data::Map(vec![("en", Data::Text(name)), ("de", Data::Text("anders"))]);
    let berlin = Data::Map(vec![
        ("city", Data::Map(vec![("geoname_id", Data::U32(2_950_159)), ("names", names("Berlin"))])),
        ("continent", Data::Map(vec![("code", Data::Text("EU"))])),
        ("country", Data::Map(vec![("iso_code", Data::Text("DE")), ("names", names("Germany"))])),
        (
            "location",
            Data::Map(vec![
                ("accuracy_radius", Data::U16(20)),
                ("latitude", Data::Double(52.5)),
                ("longitude", Data::Double(13.4)),
                ("time_zone", Data::Text("Europe/Berlin")),
            ]),
        ),
        ("subdivisions", Data::List(vec![Data::Map(vec![("iso_code", Data::Text("BE"))])])),
    ]);
    let somewhere = Data::Map(vec![("country", Data::Map(vec![("iso_code", Data::Text("SE"))]))]);
    database("GeoLite2-City", OCTOBER, &[("203.0.113.0/24", berlin), ("2001:db8::/32", somewhere)])
}

fn asn() -> Vec<u8> {
    let example = Data::Map(vec![
        ("autonomous_system_number", Data::U32(64_496)),
        ("autonomous_system_organization", Data::Text("Example Networks")),
    ]);
    database("GeoLite2-ASN", OCTOBER - 86_400, &[("203.0.113.0/25", example)])
}

fn of(files: &[Vec<u8>]) -> Context {
    let mut read = ContextFiles::default();
    files.iter().for_each(|bytes| read.add("geo", "geo", bytes.clone()).unwrap());
    Context::new(read, None)
}

#[test]
fn a_city_and_an_asn_database_together_say_where_an_address_is() {
    let context = of(&[city(), asn()]);
    let columns = ["country", "city", "latitude", "longitude", "radius", "asn", "organisation"];
    let asked = wanted("geo", "row", "none", &columns);
    let events =
        ["203.0.113.7", "::ffff:203.0.113.7", "203.0.113.200", "2001:db8::1", "192.0.2.1"].map(|from| event("", from));
    let berlin = "fresh -8d: DE, Berlin, 52.5, 13.4, 20, 64496, Example Networks";
    assert_eq!(
        rows(&ask(&context, &asked, &events, &[], 0)),
        [
            berlin,
            berlin,
            "missing: DE, Berlin, 52.5, 13.4, 20, -, -",
            "missing: SE, -, -, -, -, -, -",
            "missing: -, -, -, -, -, -, -",
        ]
    );
    // Only what is asked for must be there, and only its file's age counts.
    let asked = wanted("geo", "row", "none", &["country", "latitude"]);
    let table = ask(&context, &asked, &events, &[], 24);
    assert_eq!(rows(&table)[..3], ["stale -7d: DE, 52.5", "stale -7d: DE, 52.5", "stale -7d: DE, 52.5"]);
}

#[test]
fn only_the_digest_of_a_database_is_kept() {
    let context = of(&[city()]);
    let files: Vec<_> = context.files().files().collect();
    assert_eq!((files.len(), files[0].table, files[0].kept, files[0].bytes), (1, "geo", false, &*city()));
}

#[test]
fn a_damaged_database_is_refused_or_says_what_its_bytes_say() {
    let whole = city();
    for cut in [0, 1, 100, whole.len() / 2, whole.len() - 1] {
        assert!(GeoFile::parse(whole[..cut].to_vec()).is_err(), "cut at {cut}");
    }
    let asked = wanted("geo", "key", "source-ip", &["country", "city", "latitude", "radius", "asn", "organisation"]);
    let keys = ["203.0.113.7", "2001:db8::1", "192.0.2.1", "::"];
    let mut refused = 0;
    for at in 0..whole.len() {
        for bit in [0, 3, 6, 7] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << bit;
            let mut files = ContextFiles::default();
            match files.add("geo", "damaged", damaged) {
                Err(error) => {
                    refused += 1;
                    assert!(!error.to_string().is_empty());
                }
                Ok(()) => {
                    assert_eq!(ask(&Context::new(files, None), &asked, &[], &keys, 0).rows, 4);
                }
            }
        }
    }
    assert!(refused > whole.len(), "{refused}");
}

#[test]
fn what_is_no_database_of_places_is_refused_with_what_it_is() {
    let text = |error: GeoFileError| error.to_string();
    let refused = |bytes: &[u8]| text(GeoFile::parse(bytes.to_vec()).unwrap_err());
    let other = Data::Map(vec![("is_anonymous_proxy", Data::U16(1))]);
    assert_eq!(
        refused(&database("GeoIP2-Anonymous-IP", OCTOBER, &[("203.0.113.0/24", other)])),
        "expected a MaxMind database of cities, countries or autonomous systems, got `GeoIP2-Anonymous-IP`, whose \
         records say none of it"
    );
    // The country as text, as others write it.
    let flat = Data::Map(vec![("country", Data::Text("DE"))]);
    assert!(refused(&database("other flat", OCTOBER, &[("203.0.113.0/24", flat)])).contains("`other flat`"));
    assert!(refused(&database("GeoLite2-City", OCTOBER, &[])).contains("say none of it"));
    assert!(refused(&[0xff; 100]).contains("got bytes that are neither"));
    let faulty = refused(b"version = 1\nas-of = 2026-11-01\n[[locations]]\n");
    assert_eq!(faulty, "line 3, locations: expected a known key, got `locations` (did you mean `location`?)");
}

#[test]
fn a_database_and_a_table_go_together() {
    let own = "version = 1\nas-of = 2026-10-31\n[[location]]\nnetworks = [\"10.0.0.0/8\"]\ncountry = \"NO\"\n";
    let both = of(&[own.into(), city()]);
    let asked = wanted("geo", "key", "source-ip", &["country"]);
    let keys = ["10.1.2.3", "203.0.113.7"];
    assert_eq!(rows(&ask(&both, &asked, &[], &keys, 0)), ["fresh -1d: NO", "fresh -7d: DE"]);
    assert!(context(&[("geo", own)]).files().files().all(|file| file.kept));
}

/// Vendors don't agree on the width of numbers.
#[test]
fn numbers_may_have_any_width() {
    let place = Data::Map(vec![
        ("accuracy_radius", Data::U32(20)),
        ("latitude", Data::U16(52)),
        ("longitude", Data::Double(13.4)),
    ]);
    let record = Data::Map(vec![("location", place), ("autonomous_system_number", Data::U64(64_496))]);
    let context = of(&[database("other", OCTOBER, &[("203.0.113.0/24", record)])]);
    let asked = wanted("geo", "key", "source-ip", &["latitude", "longitude", "radius", "asn"]);
    assert_eq!(rows(&ask(&context, &asked, &[], &["203.0.113.7"], 0)), ["fresh -7d: 52, 13.4, 20, 64496"]);
}
