//! Where a record is read from.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use countersign_audit::{Head, Verified, VerifyError, verify};
use countersign_model::{Digest, DigestKey};
use countersign_store::BundleReader;

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

/// An audit file, with its blobs in the folder beside it.
#[derive(Clone, Debug)]
pub struct AuditFile {
    path: PathBuf,
    bundles: BundleReader,
}

impl AuditFile {
    /// The file at a path.
    #[must_use]
    pub fn new(path: &Path) -> AuditFile {
        AuditFile { path: path.to_owned(), bundles: BundleReader::open(path) }
    }

    fn open(&self) -> io::Result<BufReader<File>> {
        File::open(&self.path).map(BufReader::new).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("expected a readable audit file at `{}`: {error}", self.path.display()),
            )
        })
    }
}

impl Log for AuditFile {
    fn verify(&self) -> Result<Head, VerifyError> {
        match verify(self.open()?, None)? {
            Verified::Sealed(head) => Ok(head),
            Verified::Unsealed(unsealed) => Err(VerifyError::Faults(vec![unsealed.fault()])),
        }
    }

    fn lines(&self) -> io::Result<Box<dyn BufRead + '_>> {
        Ok(Box::new(self.open()?))
    }

    fn blob(&self, name: &Digest, key: &DigestKey) -> Result<Vec<u8>, Box<dyn Error>> {
        Ok(self.bundles.get(name, key)?)
    }
}
