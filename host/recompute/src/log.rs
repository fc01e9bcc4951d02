//! Where a record is read from.

use std::error::Error;
use std::io::{self, BufRead};

use countersign_audit::{Head, Verified, VerifyError};
use countersign_model::{Digest, DigestKey};
use countersign_store::AuditLog;

/// The lines of a record and the blobs that they name. They don't change while they are read.
pub trait Log {
    /// Verifies the lines.
    ///
    /// # Errors
    /// When they can't be read, or aren't as they were written.
    fn verify(&self) -> Result<Head, VerifyError>;

    /// The lines, from the first.
    ///
    /// # Errors
    /// When they can't be read.
    fn lines(&self) -> io::Result<Box<dyn BufRead + '_>>;

    /// A blob, checked against its name under the record's key.
    ///
    /// # Errors
    /// When it is missing, can't be read, or has another name.
    fn blob(&self, name: &Digest, key: &DigestKey) -> Result<Vec<u8>, Box<dyn Error>>;
}

impl Log for AuditLog {
    fn verify(&self) -> Result<Head, VerifyError> {
        match AuditLog::verify(self, lines(self)?, None)? {
            Verified::Sealed(head) => Ok(head),
            // A store has no seal: its head is that of an export.
            Verified::Unsealed(unsealed) => match unsealed.end.head() {
                Ok(head) if self.is_store() => Ok(head),
                _ => Err(VerifyError::Faults(vec![unsealed.fault()])),
            },
        }
    }

    fn lines(&self) -> io::Result<Box<dyn BufRead + '_>> {
        Ok(Box::new(lines(self)?))
    }

    fn blob(&self, name: &Digest, key: &DigestKey) -> Result<Vec<u8>, Box<dyn Error>> {
        Ok(AuditLog::blob(self, name, key)?)
    }
}

fn lines(log: &AuditLog) -> io::Result<impl BufRead + use<'_>> {
    AuditLog::lines(log).map_err(io::Error::other)
}
