//! Checking the evidence of a log: that every blob that its records name is there, with the bytes that its name is the
//! digest of.

use std::collections::BTreeSet;
use std::io::{self, BufRead};

use countersign_audit::verify::MAX_FAULTS;
use countersign_audit::{AuditFault, FaultCode, ReadError, VerifyError, read};
use countersign_model::{Digest, DigestKey};

use crate::{AuditLog, FileError, StoreError};

/// So many names are remembered, so that a blob that records near each other name is read once.
const MAX_NAMES: usize = 1 << 16;

impl AuditLog {
    /// Checks every blob that the records of some lines name, under the log's key. `lines` are those of
    /// [`AuditLog::lines`]. Returns how many blobs were read.
    ///
    /// # Errors
    /// When something can't be read, the lines aren't as they were written, or with every blob that isn't.
    pub fn verify_blobs(&self, lines: impl BufRead, key: &DigestKey) -> Result<u64, VerifyError> {
        let (mut names, mut faults, mut blobs) = (BTreeSet::new(), Vec::new(), 0);
        for entry in read(lines) {
            let entry = entry.map_err(|error| match error {
                ReadError::Unreadable(error) => VerifyError::Unreadable(error),
                ReadError::Fault(fault) => VerifyError::Faults(vec![fault]),
            })?;
            for name in entry.record.blobs() {
                if names.len() >= MAX_NAMES {
                    names.clear();
                }
                if !names.insert(name) {
                    continue;
                }
                blobs += 1;
                let Err(error) = self.blob(&name, key) else { continue };
                faults.push(blob_fault(entry.line, &name, error).map_err(VerifyError::Unreadable)?);
                if faults.len() > MAX_FAULTS {
                    faults.truncate(MAX_FAULTS);
                    faults.push(AuditFault {
                        line: entry.line,
                        code: FaultCode::MoreFaults,
                        expected: format!("at most {MAX_FAULTS} faults"),
                        got: "more".to_owned(),
                    });
                    return Err(VerifyError::Faults(faults));
                }
            }
        }
        if faults.is_empty() { Ok(blobs) } else { Err(VerifyError::Faults(faults)) }
    }
}

/// The fault of a blob that a line names; any other error says that it couldn't be found out.
fn blob_fault(line: u64, name: &Digest, error: StoreError) -> io::Result<AuditFault> {
    let (code, got) = match error {
        StoreError::BlobMissing { .. } => (FaultCode::BlobMissing, "none".to_owned()),
        StoreError::BlobChanged { got, .. } => (FaultCode::BlobChanged, format!("digest {got}")),
        StoreError::BlobTooLarge { got, limit, .. } => {
            (FaultCode::BlobChanged, format!("{got} bytes, at most {limit} are written"))
        }
        error @ StoreError::File(FileError::NotRegular { .. }) => (FaultCode::BlobChanged, error.to_string()),
        error => return Err(io::Error::other(error)),
    };
    Ok(AuditFault { line, code, expected: format!("a blob of digest {name}"), got })
}
