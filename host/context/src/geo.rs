//! The table `geo`: where a source address is and whose network it is in. What the record itself says comes first, then
//! the operator's files in their order, value by value; coordinates come from one of them together.

use std::net::IpAddr;

use countersign_declaration::ContextWanted;
use countersign_document::FileDiagnostics;
use countersign_model::call::{Availability, ContextTable};
use countersign_model::vocabulary::FieldId;
use countersign_model::{Event, Timestamp, Value};
use countersign_policy::{Diagnostic, Location, Locations};
use countersign_stream::ContextCall;

use crate::files::{FileTable, Filled};
use crate::mmdb::{Mmdb, MmdbError};
use crate::table::{TableRow, addresses, build, dated, names, text};

pub(crate) const TABLE: FileTable = FileTable {
    name: "geo",
    help: "Where addresses are: a MaxMind database (city, country, ASN) or a geo.toml; may be given several times, the \
           first that has a value counts [default: only what records have themselves]",
    repeatable: true,
    max_bytes: MAX_BYTES,
    empty: || Box::new(GeoFiles(Vec::new())),
};

/// Maximum bytes of a file: the largest databases sold have some hundred megabytes.
const MAX_BYTES: usize = 1 << 30;

/// The columns without which a row isn't whole: what can be told of an address without them is a detail.
const ESSENTIAL: [&str; 4] = ["country", "latitude", "longitude", "asn"];

/// A file that says where addresses are.
#[derive(Clone, Debug)]
pub struct GeoFile(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Database(Mmdb),
    Text(String, Locations),
}

/// Why a file can't serve as `geo`.
#[derive(Debug, thiserror::Error)]
pub enum GeoFileError {
    /// It has the mark of a MaxMind database and isn't a sound one.
    #[error(transparent)]
    Database(#[from] MmdbError),
    /// It is neither a database nor text.
    #[error("expected {}, got {}", NEITHER.0, NEITHER.1)]
    Neither,
    /// It is text with faults.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  "))]
    Text(Vec<Diagnostic>),
}

impl GeoFile {
    /// Reads a MaxMind database or a `geo.toml`: which it is, its content says.
    ///
    /// # Errors
    /// When it is neither, or has faults.
    pub fn parse(bytes: Vec<u8>) -> Result<GeoFile, GeoFileError> {
        if Mmdb::is_one(&bytes) {
            return Ok(GeoFile(Kind::Database(Mmdb::parse(bytes)?)));
        }
        let text = String::from_utf8(bytes).map_err(|_| GeoFileError::Neither)?;
        let locations = Locations::parse(&text).map_err(GeoFileError::Text)?;
        Ok(GeoFile(Kind::Text(text, locations)))
    }

    /// The bytes that it was read from.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.0 {
            Kind::Database(database) => database.bytes(),
            Kind::Text(text, _) => text.as_bytes(),
        }
    }

    /// Whether it is a `geo.toml`.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self.0, Kind::Text(..))
    }

    /// The time that it is as of.
    #[must_use]
    pub fn as_of(&self) -> Timestamp {
        match &self.0 {
            Kind::Database(database) => database.as_of(),
            Kind::Text(_, locations) => locations.as_of(),
        }
    }

    fn find(&self, address: IpAddr) -> Option<Location> {
        match &self.0 {
            Kind::Database(database) => database.find(address),
            Kind::Text(_, locations) => locations.find(address).cloned(),
        }
    }
}

impl GeoFileError {
    fn diagnostics(self) -> Vec<Diagnostic> {
        let (expected, got) = match self {
            GeoFileError::Text(diagnostics) => return diagnostics,
            GeoFileError::Database(error) => error.expected_and_got(),
            GeoFileError::Neither => (NEITHER.0, NEITHER.1.to_owned()),
        };
        vec![Diagnostic::new("", expected, got)]
    }
}

/// What is expected of a file that is neither a database nor text, and what it is.
const NEITHER: (&str, &str) = ("a MaxMind database (`.mmdb`) or a `geo.toml`", "bytes that are neither");

/// The files of the table, in the order of the options.
#[derive(Clone, Debug)]
struct GeoFiles(Vec<GeoFile>);

impl Filled for GeoFiles {
    fn add(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), FileDiagnostics> {
        let of = |error: GeoFileError| FileDiagnostics { file: name.to_owned(), diagnostics: error.diagnostics() };
        self.0.push(GeoFile::parse(bytes).map_err(of)?);
        Ok(())
    }

    fn files(&self) -> Vec<(&[u8], bool)> {
        self.0.iter().map(|file| (file.bytes(), file.is_text())).collect()
    }

    fn table(&self, wanted: &ContextWanted, call: &ContextCall<'_>) -> Option<ContextTable> {
        table(&self.0, wanted, call)
    }

    fn boxed(&self) -> Box<dyn Filled> {
        Box::new(self.clone())
    }
}

/// None when there is nothing that could say where an address is: by key that is so without a file.
fn table(files: &[GeoFile], wanted: &ContextWanted, call: &ContextCall<'_>) -> Option<ContextTable> {
    use countersign_model::vocabulary::Keying;
    if files.is_empty() && wanted.keying != Keying::Row {
        return None;
    }
    let rows = addresses(wanted.keying, call).into_iter().map(|(address, event)| {
        let mut sources: Vec<(Option<Timestamp>, Location)> = Vec::with_capacity(files.len() + 1);
        sources.extend(event.map(|event| (None, of_record(event))));
        let found = files.iter().filter_map(|file| Some((Some(file.as_of()), file.find(address?)?)));
        sources.extend(found);
        row(&sources, event.map(|event| event.time), wanted, call.now)
    });
    Some(build(wanted, rows.collect(), None))
}

/// A row out of what each source says. What the record says about its own event never is too old.
fn row(
    sources: &[(Option<Timestamp>, Location)],
    recorded: Option<Timestamp>,
    wanted: &ContextWanted,
    now: Timestamp,
) -> TableRow {
    let mut used: Option<Timestamp> = None;
    let cells: Vec<Option<Value>> = names(wanted)
        .map(|column| {
            let (as_of, value) =
                sources.iter().find_map(|(as_of, location)| cell(column, location).map(|v| (as_of, v)))?;
            used = match (used, *as_of) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            value
        })
        .collect();
    let lacks = |essential: bool| {
        names(wanted)
            .zip(&cells)
            .filter(|(name, _)| !essential || ESSENTIAL.contains(name))
            .any(|(_, cell)| cell.is_none())
    };
    let availability = if lacks(true) || cells.iter().all(Option::is_none) {
        Availability::Missing
    } else if let Some(as_of) = used {
        dated(as_of, wanted, now)
    } else {
        Availability::Fresh(recorded.unwrap_or(now).micros())
    };
    TableRow { availability, cells }
}

/// What a location says about a column: outer none where it says nothing and the next is asked, inner none where it has
/// the coordinates and not their accuracy, which no other's may stand for.
fn cell(column: &str, location: &Location) -> Option<Option<Value>> {
    let float = |value: f64| Some(Value::Float(value));
    match column {
        "country" => location.country.as_ref().map(text),
        "city" => location.city.as_ref().map(text),
        "latitude" => location.coordinates.map(|(latitude, _)| float(latitude)),
        "longitude" => location.coordinates.map(|(_, longitude)| float(longitude)),
        "radius" => location.coordinates.map(|_| location.radius.and_then(float)),
        "asn" => location.asn.map(|asn| Some(Value::Unsigned(asn))),
        "organisation" => location.organisation.as_ref().map(text),
        _ => None,
    }
}

/// What the record itself says.
fn of_record(event: &Event) -> Location {
    let text = |field| event.fields.text(field).filter(|text| !text.is_empty()).map(str::to_owned);
    let float = |field| match event.fields.get(field) {
        Some(Value::Float(value)) => Some(*value),
        _ => None,
    };
    let coordinates =
        float(FieldId::SrcEndpointLocationLat).zip(float(FieldId::SrcEndpointLocationLong)).filter(on_earth);
    Location {
        country: text(FieldId::SrcEndpointLocationCountry),
        city: text(FieldId::SrcEndpointLocationCity),
        coordinates,
        radius: None,
        asn: match event.fields.get(FieldId::SrcEndpointAutonomousSystemNumber) {
            Some(Value::Unsigned(asn)) => Some(*asn),
            _ => None,
        },
        organisation: text(FieldId::SrcEndpointAutonomousSystemName),
    }
}

/// Whether coordinates are of a place on earth.
pub(crate) fn on_earth((latitude, longitude): &(f64, f64)) -> bool {
    (-90.0..=90.0).contains(latitude) && (-180.0..=180.0).contains(longitude)
}
