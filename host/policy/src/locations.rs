//! Where networks are, in the operator's own words: `geo.toml`, for those without a MaxMind database and for cases.

use std::net::IpAddr;

use countersign_model::Timestamp;

use crate::fault::Fault;
use crate::network::{MAX_NETWORKS, Networks, networks, twice};
use crate::node::{Node, NodeValue};
use crate::reader::{Faults, TableReader, as_of, tables, version};

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
    pub fn parse(text: &str) -> Result<Locations, Vec<Fault>> {
        let root = Node::parse(text).map_err(|fault| vec![fault])?;
        let faults = Faults::default();
        let mut read = Locations { as_of: Timestamp::MIN, locations: Vec::new(), networks: Networks::default() };
        if let Some(table) = TableReader::new(&root, &faults) {
            version(&table, &faults);
            if let Some(time) = as_of(&table, &faults) {
                read.as_of = time;
            }
            for node in tables(table.get("location"), &faults) {
                read.read(node, &faults);
            }
            table.finish();
        }
        if read.networks.len() > MAX_NETWORKS {
            let got = format!("{} networks", read.networks.len());
            faults.push(root.fault(format!("at most {MAX_NETWORKS} networks"), None).with_got(&got));
        }
        faults.finish(read)
    }

    fn read(&mut self, node: &Node, faults: &Faults) {
        let Some(table) = TableReader::new(node, faults) else { return };
        let named = table.required("networks", "a list of networks").map(|node| networks(node, faults));
        let country = table.get("country").and_then(|node| country(node, faults));
        let latitude = number(&table, "latitude", (-90.0, 90.0), faults);
        let longitude = number(&table, "longitude", (-180.0, 180.0), faults);
        if let (Some(_), None) | (None, Some(_)) = (&latitude, &longitude) {
            let missing = if latitude.is_none() { "latitude" } else { "longitude" };
            table.missing(missing, "both coordinates or none");
        }
        let location = Location {
            country,
            city: table.text("city"),
            coordinates: latitude.flatten().zip(longitude.flatten()),
            radius: number(&table, "radius", (0.0, 20_038.0), faults).flatten(),
            asn: table.integer("asn", 1, u32::MAX.into()).and_then(|asn| u64::try_from(asn).ok()),
            organisation: table.text("organisation"),
        };
        table.finish();
        let place = self.locations.len();
        for (node, network) in named.unwrap_or_default() {
            if !self.networks.insert(network, place) {
                faults.push(twice(node, network));
            }
        }
        self.locations.push(location);
    }

    /// The time that it is as of.
    #[must_use]
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// What the narrowest network in which an address lies says.
    #[must_use]
    pub fn find(&self, address: IpAddr) -> Option<&Location> {
        self.locations.get(*self.networks.find(address)?.1)
    }
}

/// Two capital letters.
fn country(node: &Node, faults: &Faults) -> Option<String> {
    match &node.value {
        NodeValue::Text(text) if text.len() == 2 && text.bytes().all(|c| c.is_ascii_uppercase()) => Some(text.clone()),
        _ => {
            faults.push(node.fault("an ISO 3166-1 alpha-2 code such as `DE`", None));
            None
        }
    }
}

/// A number within a range, ends included: none where the key isn't there, `Some(None)` where it is wrong.
fn number(
    table: &TableReader<'_>,
    key: &'static str,
    (least, most): (f64, f64),
    faults: &Faults,
) -> Option<Option<f64>> {
    let node = table.get(key)?;
    let value = match node.value {
        NodeValue::Float(value) => Some(value),
        #[expect(clippy::cast_precision_loss, reason = "the range is far below 2^53")]
        NodeValue::Integer(value) => Some(value as f64),
        _ => None,
    };
    let value = value.filter(|value| (least..=most).contains(value));
    if value.is_none() {
        faults.push(node.fault(format!("a number {least} to {most}"), None));
    }
    Some(value)
}
