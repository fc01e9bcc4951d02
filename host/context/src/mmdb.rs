//! MaxMind databases: City, Country and ASN, of MaxMind or of others who write the same records (MaxMind DB file format
//! 2.0). Read from memory; a sound one is looked up without errors.

mod record;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use countersign_model::Timestamp;
use countersign_policy::Location;
use maxminddb::{MaxMindDbError, Reader};

use self::record::Record;

/// The mark before a database's metadata, which lies in its last 128 KiB.
const MARK: &[u8] = b"\xAB\xCD\xEFMaxMind.com";
const MARK_WITHIN: usize = 128 << 10;

/// So many records are looked at to see whether they are of a known form.
const PROBED: usize = 256;

/// Most characters shown of what a database says it is.
const MAX_SHOWN: usize = 80;

/// Why a database can't serve.
#[derive(Debug, thiserror::Error)]
pub enum MmdbError {
    /// It is cut, altered or made by something that doesn't keep to the format.
    #[error("expected a sound MaxMind database, got one that is not: {0}; fetch it again")]
    Unsound(#[from] MaxMindDbError),
    /// Its records aren't those of a database about places or networks.
    #[error(
        "expected a MaxMind database of cities, countries or autonomous systems, got `{kind}`, whose records {why}"
    )]
    OtherRecords {
        /// What the database says it is.
        kind: String,
        /// What is wrong with its records.
        why: String,
    },
}

impl MmdbError {
    /// The two parts of the message.
    pub(crate) fn expected_and_got(&self) -> (&'static str, String) {
        match self {
            MmdbError::Unsound(error) => {
                ("a sound MaxMind database", format!("one that is not: {error}; fetch it again"))
            }
            MmdbError::OtherRecords { kind, why } => (
                "a MaxMind database of cities, countries or autonomous systems",
                format!("`{kind}`, whose records {why}"),
            ),
        }
    }
}

/// A database in memory.
#[derive(Clone)]
pub struct Mmdb {
    bytes: Arc<[u8]>,
    reader: Arc<Reader<Arc<[u8]>>>,
}

impl Mmdb {
    /// Whether bytes have the mark of a database, sound or not.
    #[must_use]
    pub fn is_one(bytes: &[u8]) -> bool {
        let end = bytes.get(bytes.len().saturating_sub(MARK_WITHIN)..).unwrap_or_default();
        end.windows(MARK.len()).any(|window| window == MARK)
    }

    /// Reads a database and checks it whole: later look-ups can't fail then.
    ///
    /// # Errors
    /// When it isn't sound, or isn't about places or networks.
    pub fn parse(bytes: Vec<u8>) -> Result<Mmdb, MmdbError> {
        let bytes: Arc<[u8]> = bytes.into();
        let reader = Reader::from_source(Arc::clone(&bytes))?;
        reader.verify()?;
        let database = Mmdb { bytes, reader: Arc::new(reader) };
        database.probe()?;
        Ok(database)
    }

    /// Whether the first records say anything that is asked for.
    fn probe(&self) -> Result<(), MmdbError> {
        let kind = || self.reader.metadata().database_type.chars().take(MAX_SHOWN).collect();
        let mut says = false;
        for found in self.reader.networks(maxminddb::WithinOptions::default())?.take(PROBED) {
            match found?.decode::<Record<'_>>() {
                Ok(record) => says |= record.is_some_and(|record| record.location() != Location::default()),
                Err(error) => {
                    return Err(MmdbError::OtherRecords { kind: kind(), why: format!("can't be read: {error}") });
                }
            }
        }
        if says { Ok(()) } else { Err(MmdbError::OtherRecords { kind: kind(), why: "say none of it".to_owned() }) }
    }

    /// The bytes that it was read from.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// When it was built.
    #[must_use]
    pub fn as_of(&self) -> Timestamp {
        let seconds = i64::try_from(self.reader.metadata().build_epoch).unwrap_or(i64::MAX);
        Timestamp(seconds.saturating_mul(1_000_000))
    }

    /// What it says about an address; none if nothing.
    #[must_use]
    pub fn find(&self, address: IpAddr) -> Option<Location> {
        // An address of IPv6 in a database of IPv4 is an error to the reader, and nothing to us.
        let found = self.reader.lookup(address.to_canonical()).ok()?;
        found.decode::<Record<'_>>().ok().flatten().map(|record| record.location())
    }
}

impl fmt::Debug for Mmdb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mmdb({}, {} bytes)", self.reader.metadata().database_type, self.bytes.len())
    }
}
