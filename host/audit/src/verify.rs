//! Verifying a file with nothing but the file, and a store's log with nothing but the log and its end.

use std::fmt;
use std::io::{self, BufRead};

use countersign_model::Digest;
use countersign_model::vocabulary::text_ids;
use serde::Serialize;

use crate::chain::{ChainWriter, Head};
use crate::check::{Checker, Next};
use crate::opening::Opening;

/// Something wrong with an audit file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditFault {
    /// The line, from 1; 0 for the file as a whole.
    pub line: u64,
    /// Stable code.
    pub code: FaultCode,
    /// What was expected.
    pub expected: String,
    /// What was there.
    pub got: String,
}

impl fmt::Display for AuditFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        write!(f, "{}: expected {}, got {}", self.code.id(), self.expected, self.got)
    }
}

text_ids! {
    /// What can be wrong with an audit file. The codes are stable.
    pub enum FaultCode {
        /// The file is empty.
        Empty = "empty",
        /// A line that isn't a record.
        NotARecord = "not-a-record",
        /// A line that writes a record in other bytes than this product does.
        NotCanonical = "not-canonical",
        /// A line of more than 4 MiB.
        LineTooLong = "line-too-long",
        /// The last line has no newline and isn't a record that was cut short.
        LineUnended = "line-unended",
        /// A sequence number that isn't the next.
        WrongSequence = "wrong-sequence",
        /// A link that isn't the digest of the line before: this line was changed, or lines were removed, added or moved.
        WrongLink = "wrong-link",
        /// A line whose digest isn't the next line's link, and that one is whole: this line was changed.
        Changed = "changed",
        /// The first record isn't a header.
        HeaderMissing = "header-missing",
        /// A header that isn't the first record.
        HeaderRepeated = "header-repeated",
        /// A format that this version doesn't read.
        WrongFormat = "wrong-format",
        /// No seal at the end.
        SealMissing = "seal-missing",
        /// A seal that doesn't fit the file.
        WrongSeal = "wrong-seal",
        /// Something after the seal.
        AfterSeal = "after-seal",
        /// Another head than the one given.
        WrongHead = "wrong-head",
        /// A store's log that doesn't end where its last commit did.
        WrongEnd = "wrong-end",
        /// A store whose parts don't fit together, so that its records can't all be read.
        Damaged = "damaged",
        /// A blob that a record names, and that isn't there.
        BlobMissing = "blob-missing",
        /// A blob whose bytes aren't those that its name is the digest of.
        BlobChanged = "blob-changed",
        /// How a log begins isn't how it was written: the opening, or a line that stands there.
        WrongOpening = "wrong-opening",
        /// No signed checkpoint where one has to be.
        CheckpointMissing = "checkpoint-missing",
        /// A checkpoint that isn't signed as this product does, or doesn't follow the one before.
        WrongCheckpoint = "wrong-checkpoint",
        /// A checkpoint signed by another key than those that were given.
        ForeignKey = "foreign-key",
        /// The log has fewer records than a checkpoint says, or other ones: it was cut, or an older copy was put back.
        NotAsSigned = "not-as-signed",
        /// Records are gone that no checkpoint says were dropped.
        NotDropped = "not-dropped",
        /// There were more faults than are listed.
        MoreFaults = "more-faults",
    }
}

/// A file all of whose complete lines are as they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// A finished file.
    Sealed(Head),
    /// A file of a run that was interrupted. A finished file that was cut short looks the same.
    Unsealed(Unsealed),
}

/// How a file without a seal ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsealed {
    /// The end of its complete lines.
    pub end: ChainWriter,
    /// Bytes after its last newline: the beginning of a record that wasn't written to its end.
    pub torn: u64,
}

impl Unsealed {
    /// What it lacks to be a finished file.
    #[must_use]
    pub fn fault(&self) -> AuditFault {
        let got = match self.torn {
            0 => format!("the end of the file after {} records", self.end.records()),
            torn => format!("the end of the file after {} records and {torn} bytes of another", self.end.records()),
        };
        AuditFault { line: 0, code: FaultCode::SealMissing, expected: "a seal as the last record".to_owned(), got }
    }
}

/// Why a file isn't verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It couldn't be read.
    #[error("the audit file can't be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It isn't as it was written: at least one fault, at most [`MAX_FAULTS`] and then [`FaultCode::MoreFaults`].
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Faults(Vec<AuditFault>),
}

/// Maximum of listed faults.
pub const MAX_FAULTS: usize = 100;

/// Reads a whole file and checks everything that the file can prove; `head`, if given, pins a finished file against
/// replacement.
///
/// A fault names the line that was changed: the one whose digest isn't the next one's link. If the next line's own digest
/// doesn't fit either, the link itself may be what was changed, and the fault names that line.
///
/// ```
/// use countersign_audit::record::Header;
/// use countersign_audit::{ChainWriter, FaultCode, Record, Verified, VerifyError, verify};
/// use countersign_model::DigestKey;
///
/// let (mut chain, mut file) = (ChainWriter::new(), Vec::new());
/// chain.append(&Record::Header(Header::new("0.1.0", &DigestKey::public())), &mut file)?;
/// assert!(matches!(verify(&*file, None).unwrap(), Verified::Unsealed(found) if found.end == chain));
/// let head = chain.seal(&mut file)?;
/// assert_eq!(verify(&*file, Some(head.digest)).unwrap(), Verified::Sealed(head));
///
/// let changed = String::from_utf8(file).unwrap().replace("0.1.0", "0.2.0");
/// let Err(VerifyError::Faults(faults)) = verify(changed.as_bytes(), None) else { panic!("it verifies") };
/// assert_eq!((faults[0].line, faults[0].code), (1, FaultCode::Changed));
/// # Ok::<(), countersign_audit::AppendError>(())
/// ```
///
/// # Errors
/// When it can't be read, or with every fault in it.
pub fn verify<R: BufRead>(reader: R, head: Option<Digest>) -> Result<Verified, VerifyError> {
    verify_opened(reader, head).map(|(verified, _)| verified)
}

/// The same, with how it begins unless with its first record.
///
/// # Errors
/// See [`verify()`].
pub fn verify_opened<R: BufRead>(reader: R, head: Option<Digest>) -> Result<(Verified, Option<Opening>), VerifyError> {
    let (mut checker, mut faults, torn) = check(reader)?;
    checker.finish(None, &mut faults);
    let opening = checker.opening().cloned();
    let Some(found) = checker.head() else {
        return match torn.map(|torn| Unsealed { end: checker.writer(), torn }) {
            Some(Unsealed { end, torn: 0 }) if end == ChainWriter::new() => {
                Err(in_order(vec![file_fault(FaultCode::Empty, "records", "an empty file")]))
            }
            Some(unsealed) if faults.is_empty() => Ok((Verified::Unsealed(unsealed), opening)),
            unsealed => {
                faults.extend(unsealed.map(|unsealed| unsealed.fault()));
                Err(in_order(faults))
            }
        };
    };
    check_head(head, Some(found), &mut faults);
    if faults.is_empty() { Ok((Verified::Sealed(found), opening)) } else { Err(in_order(faults)) }
}

/// Reads a whole log that has no seal, such as a store's, and checks that all its records hold up to its end. `head`, if
/// given, is the head that it must have if it is sealed there.
///
/// # Errors
/// When it can't be read, or with every fault in it.
pub fn verify_log<R: BufRead>(reader: R, end: ChainWriter, head: Option<Digest>) -> Result<(), VerifyError> {
    let (mut checker, mut faults, torn) = check(reader)?;
    checker.finish(Some(end.link()), &mut faults);
    let got = checker.writer();
    if got != end || torn != Some(0) || checker.head().is_some() {
        let text = |end: ChainWriter| format!("{} records and then link {}", end.records(), end.link());
        let got = if checker.head().is_some() { "a seal".to_owned() } else { text(got) };
        faults.push(file_fault(FaultCode::WrongEnd, text(end), got));
    }
    check_head(head, end.head().ok(), &mut faults);
    if faults.is_empty() { Ok(()) } else { Err(in_order(faults)) }
}

fn check_head(expected: Option<Digest>, found: Option<Head>, faults: &mut Vec<AuditFault>) {
    let found = found.map(|head| head.digest);
    if let Some(expected) = expected
        && found != Some(expected)
    {
        let got = found.map_or_else(|| "none".to_owned(), |digest| digest.to_string());
        faults.push(file_fault(FaultCode::WrongHead, expected, got));
    }
}

/// Checks line after line. The number is that of the bytes after the last newline; none if something can't be read.
fn check<R: BufRead>(mut reader: R) -> Result<(Checker, Vec<AuditFault>, Option<u64>), VerifyError> {
    let (mut checker, mut faults, mut line) = (Checker::default(), Vec::new(), Vec::new());
    loop {
        match checker.next(&mut reader, &mut line, &mut faults)? {
            Next::Line(_) => {}
            Next::Torn => return Ok((checker, faults, Some(line.len() as u64))),
            Next::End => return Ok((checker, faults, Some(0))),
            Next::Unreadable => return Ok((checker, faults, None)),
        }
        if faults.len() > MAX_FAULTS {
            return Err(in_order(faults));
        }
    }
}

pub(crate) fn file_fault(code: FaultCode, expected: impl ToString, got: impl ToString) -> AuditFault {
    AuditFault { line: 0, code, expected: expected.to_string(), got: got.to_string() }
}

/// Faults by line, those of the file as a whole last, and no more than are listed.
fn in_order(mut faults: Vec<AuditFault>) -> VerifyError {
    faults.sort_by_key(|fault| if fault.line == 0 { u64::MAX } else { fault.line });
    if faults.len() > MAX_FAULTS {
        faults.truncate(MAX_FAULTS);
        let expected = format!("at most {MAX_FAULTS} faults to list");
        faults.push(file_fault(FaultCode::MoreFaults, expected, "more"));
    }
    VerifyError::Faults(faults)
}
