//! Where a record is read from.

use std::error::Error;
use std::io::{self, BufRead, Read};

use countersign_audit::{Believed, Head, Verified};
use countersign_model::{Digest, DigestKey};
use countersign_store::AuditLog;

use crate::RecomputeError;

/// The lines of a record and the blobs that they name.
pub trait Log {
    /// The lines, from the first. They are read once.
    ///
    /// # Errors
    /// When they can't be read.
    fn lines(&self) -> io::Result<Box<dyn Read + '_>>;

    /// Verifies lines that were read; `head`, if given, is the one that they must have.
    ///
    /// # Errors
    /// When they can't be read, aren't as they were written, or have no seal where they need one.
    fn verify(&self, lines: &mut dyn BufRead, head: Option<Digest>) -> Result<Head, RecomputeError>;

    /// A blob, checked against its name under the record's key.
    ///
    /// # Errors
    /// When it is missing, can't be read, or has another name.
    fn blob(&self, name: &Digest, key: &DigestKey) -> Result<Vec<u8>, Box<dyn Error>>;
}

impl Log for AuditLog {
    fn lines(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(AuditLog::lines(self).map_err(io::Error::other)?))
    }

    fn verify(&self, lines: &mut dyn BufRead, head: Option<Digest>) -> Result<Head, RecomputeError> {
        let found = self.verify_signed(lines, head, &Believed::default())?;
        match found.verified {
            Verified::Sealed(head) => Ok(head),
            // A store has no seal: its head is that of an export. Nor has a segment, whose checkpoint is about its end.
            Verified::Unsealed(unsealed) => match unsealed.end.head() {
                Ok(head) if self.is_store() || found.is_signed_to_its_end() => Ok(head),
                _ => Err(RecomputeError::Unsealed(unsealed)),
            },
        }
    }

    fn blob(&self, name: &Digest, key: &DigestKey) -> Result<Vec<u8>, Box<dyn Error>> {
        Ok(AuditLog::blob(self, name, key)?)
    }
}
