//! Writing the chain: records in, line bytes out. Storing the bytes is up to the caller.

use countersign_model::Digest;

use crate::lines::{self, FIRST_LINK, MAX_LINE};
use crate::record::{Record, Seal};

/// How a finished file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The records before the seal, header included.
    pub records: u64,
    /// SHA-256 of the seal line's exact bytes: kept elsewhere, it shows that the file was replaced.
    pub digest: Digest,
}

/// Why a record can't be appended. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The first record isn't a header.
    #[error("expected a `header` as the first record of an audit file, got a `{0}`")]
    NoHeader(&'static str),
    /// A header that isn't the first record.
    #[error("expected one `header`, as the first record of an audit file, got another as record {0}")]
    SecondHeader(u64),
    /// A seal appended as a record.
    #[error("expected a record other than `seal`: a file is sealed by `ChainWriter::seal`")]
    SealAppended,
    /// The file is sealed.
    #[error("expected an unsealed audit file, got one sealed after {0} records")]
    Sealed(u64),
    /// The record's line is longer than a reader accepts.
    #[error("expected a `{type_id}` record of at most {MAX_LINE} bytes, got {length}")]
    TooLong {
        /// The record's type.
        type_id: &'static str,
        /// Its line's bytes.
        length: usize,
    },
    /// The record has a value whose text form can't be read back.
    #[error("a `{type_id}` record couldn't be read back: {source}")]
    Unreadable {
        /// The record's type.
        type_id: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// The record has no JSON form.
    #[error("a `{type_id}` record can't be written as JSON: {source}")]
    Unwritable {
        /// The record's type.
        type_id: &'static str,
        /// Why.
        source: serde_json::Error,
    },
}

/// The end of a growing chain. Small and `Copy`: append to a copy, and keep the copy once its bytes are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainWriter {
    records: u64,
    link: Digest,
    sealed: bool,
}

impl Default for ChainWriter {
    fn default() -> Self {
        ChainWriter::new()
    }
}

impl ChainWriter {
    /// For an empty file.
    #[must_use]
    pub const fn new() -> ChainWriter {
        ChainWriter { records: 0, link: FIRST_LINK, sealed: false }
    }

    /// For an unsealed file with this many records and this link for the next line.
    #[must_use]
    pub const fn resume(records: u64, link: Digest) -> ChainWriter {
        ChainWriter { records, link, sealed: false }
    }

    /// The records so far; also the next one's sequence number.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// The next line's link.
    #[must_use]
    pub const fn link(&self) -> Digest {
        self.link
    }

    /// Appends a record's line to `out`.
    ///
    /// # Errors
    /// When the record is invalid here; `out` and the chain are then unchanged.
    pub fn append(&mut self, record: &Record, out: &mut Vec<u8>) -> Result<(), AppendError> {
        match record {
            _ if self.sealed => return Err(AppendError::Sealed(self.records)),
            Record::Seal(_) => return Err(AppendError::SealAppended),
            Record::Header(_) if self.records > 0 => return Err(AppendError::SecondHeader(self.records)),
            Record::Header(_) => {}
            other if self.records == 0 => return Err(AppendError::NoHeader(other.type_id())),
            _ => {}
        }
        let line = self.line(record)?;
        self.link = Digest::of(&line);
        self.records += 1;
        out.extend_from_slice(&line);
        Ok(())
    }

    /// Appends the seal's line to `out` and ends the chain.
    ///
    /// # Errors
    /// When the file is sealed already or has no header; `out` and the chain are then unchanged.
    pub fn seal(&mut self, out: &mut Vec<u8>) -> Result<Head, AppendError> {
        if self.sealed {
            return Err(AppendError::Sealed(self.records));
        }
        if self.records == 0 {
            return Err(AppendError::NoHeader("seal"));
        }
        // The digest is at the end of the line and covers what is before it, so a draft with any digest will do.
        let draft = self.line(&Record::Seal(Seal { records: self.records, seal: FIRST_LINK }))?;
        let seal = lines::seal_digest(&draft);
        let line = self.line(&Record::Seal(Seal { records: self.records, seal }))?;
        self.link = Digest::of(&line);
        self.sealed = true;
        out.extend_from_slice(&line);
        Ok(Head { records: self.records, digest: self.link })
    }

    /// The head of the file if it were sealed here.
    ///
    /// # Errors
    /// See [`ChainWriter::seal`].
    pub fn head(mut self) -> Result<Head, AppendError> {
        self.seal(&mut Vec::new())
    }

    fn line(&self, record: &Record) -> Result<Vec<u8>, AppendError> {
        let type_id = record.type_id();
        let line = lines::write(self.records, self.link, record)
            .map_err(|source| AppendError::Unwritable { type_id, source })?;
        if line.len() > MAX_LINE {
            return Err(AppendError::TooLong { type_id, length: line.len() });
        }
        // INVARIANT: what is written reads back. Some values would not, such as an account with an empty part.
        lines::parse(&line).map_err(|source| AppendError::Unreadable { type_id, source })?;
        Ok(line)
    }
}
