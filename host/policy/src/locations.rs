//! Where networks are, as the operator states it: `geo.toml`, for those without a MaxMind database and for cases.

use std::net::IpAddr;

use countersign_document::{Diagnostic, Problem};
use countersign_model::Timestamp;

use crate::network::{MAX_NETWORKS, Networks, duplicate, networks};
use crate::reader::{Item, as_of, optional_text, read_file, version};

/// Where networks are, as of a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Locations {
    as_of: Timestamp,
    locations: Vec<Location>,
    /// Places in `locations`.
    networks: Networks<usize>,
}

/// A place, and whose network it is; every part may be unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Location {
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// In English.
    pub city: Option<String>,
    /// Degrees: latitude, north positive, and longitude, east positive.
    pub coordinates: Option<(f64, f64)>,
    /// Accuracy of the coordinates, kilometres.
    pub radius: Option<f64>,
    /// Autonomous system number.
    pub asn: Option<u64>,
    /// Whose autonomous system it is.
    pub organisation: Option<String>,
}

impl Locations {
    /// Reads `geo.toml`: `version = 1`, `as-of`, and `[[location]]` with `networks` and any of `country`, `city`,
    /// `latitude` with `longitude`, `radius`, `asn`, `organisation`.
    ///
    /// # Errors
    /// Everything wrong with it at once.
    pub fn parse(text: &str) -> Result<Locations, Vec<Diagnostic>> {
        read_file(text, |table| {
            version(table);
            let as_of = as_of(table).unwrap_or(Timestamp::MIN);
            let mut read = Locations { as_of, locations: Vec::new(), networks: Networks::default() };
            for item in table.tables("location") {
                read.read(item);
            }
            read.networks.check_count(table, MAX_NETWORKS);
            read
        })
    }

    fn read(&mut self, item: Item<'_>) {
        let Some(table) = item.table() else { return };
        let networks = table.read("networks", "a list of networks", networks);
        let country = table.get("country").and_then(country);
        let number = |key, (min, max): (f64, f64)| {
            table.get(key).map(|item| item.decimal().and_then(|value| item.within(Problem::OutOfRange, value, min, max)))
        };
        let latitude = number("latitude", (-90.0, 90.0));
        let longitude = number("longitude", (-180.0, 180.0));
        if let (Some(_), None) | (None, Some(_)) = (&latitude, &longitude) {
            let missing = if latitude.is_none() { "latitude" } else { "longitude" };
            table.missing(missing, "both coordinates or none");
        }
        let location = Location {
            country,
            city: optional_text(&table, "city"),
            coordinates: latitude.flatten().zip(longitude.flatten()),
            radius: number("radius", (0.0, 20_038.0)).flatten(),
            asn: table.get("asn").and_then(|item| item.integer(1, u32::MAX.into())),
            organisation: optional_text(&table, "organisation"),
        };
        table.finish();
        let place = self.locations.len();
        for (item, network) in networks.unwrap_or_default() {
            if !self.networks.insert(network, place) {
                duplicate(item, network);
            }
        }
        self.locations.push(location);
    }

    /// The time that it is as of.
    #[must_use]
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// The location of the narrowest network in which an address lies.
    #[must_use]
    pub fn find(&self, address: IpAddr) -> Option<&Location> {
        self.locations.get(*self.networks.find(address)?.1)
    }
}

/// Two capital letters.
fn country(item: Item<'_>) -> Option<String> {
    let text = item.any_text(usize::MAX)?;
    if text.len() != 2 || !text.bytes().all(|c| c.is_ascii_uppercase()) {
        return item.invalid("an ISO 3166-1 alpha-2 code such as `DE`");
    }
    Some(text.to_owned())
}
