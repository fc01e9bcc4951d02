//! What is read of a database's record. Everything else in it is passed over.

use std::fmt;

use countersign_policy::Location;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use crate::geo::on_earth;

/// Most bytes of a name. Longer ones are none.
const MAX_NAME: usize = 256;

/// A record of a City, Country or ASN database.
#[derive(Deserialize)]
pub(super) struct Record<'r> {
    #[serde(borrow, default)]
    country: Option<Country<'r>>,
    #[serde(borrow, default)]
    city: Option<City<'r>>,
    #[serde(default)]
    location: Option<Place>,
    #[serde(default)]
    autonomous_system_number: Option<Number>,
    #[serde(borrow, default)]
    autonomous_system_organization: Option<&'r str>,
}

#[derive(Deserialize)]
struct Country<'r> {
    #[serde(borrow, default)]
    iso_code: Option<&'r str>,
}

#[derive(Deserialize)]
struct City<'r> {
    #[serde(borrow, default)]
    names: Option<Names<'r>>,
}

#[derive(Deserialize)]
struct Names<'r> {
    #[serde(borrow, default)]
    en: Option<&'r str>,
}

#[derive(Deserialize)]
struct Place {
    #[serde(default)]
    latitude: Option<Number>,
    #[serde(default)]
    longitude: Option<Number>,
    /// Kilometres.
    #[serde(default)]
    accuracy_radius: Option<Number>,
}

impl Record<'_> {
    pub(super) fn location(&self) -> Location {
        let name = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty() && text.len() <= MAX_NAME);
        let place = self.location.as_ref();
        let number = |number: Option<&Number>| number.map(|number| number.0);
        let latitude = number(place.and_then(|place| place.latitude.as_ref()));
        let longitude = number(place.and_then(|place| place.longitude.as_ref()));
        let coordinates = latitude.zip(longitude).filter(on_earth);
        let radius = number(place.and_then(|place| place.accuracy_radius.as_ref()));
        Location {
            country: self.country.as_ref().and_then(|country| country.iso_code).and_then(name),
            city: self.city.as_ref().and_then(|city| city.names.as_ref()).and_then(|names| names.en).and_then(name),
            coordinates,
            radius: radius.filter(|radius| coordinates.is_some() && radius.is_finite() && *radius >= 0.0),
            asn: number(self.autonomous_system_number.as_ref()).and_then(whole),
            organisation: self.autonomous_system_organization.and_then(name),
        }
    }
}

/// A whole number of 32 bits, which is what an autonomous system has.
fn whole(number: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the range, and whole")]
    let cut = ((0.0..=f64::from(u32::MAX)).contains(&number) && number.fract() == 0.0).then_some(number as u64);
    cut
}

/// A number of any width: vendors don't agree on it, and the reader takes only the exact one.
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Width)
    }
}

struct Width;

impl Visitor<'_> for Width {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Number, E> {
        Ok(Number(number))
    }

    #[expect(clippy::cast_precision_loss, reason = "what is asked for is far below 2^53")]
    fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
        Ok(Number(number as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "what is asked for is far below 2^53")]
    fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
        Ok(Number(number as f64))
    }
}
