//! Verifying a file with nothing but the file.

use std::fmt;
use std::io::{self, BufRead};

use countersign_model::Digest;
use countersign_model::vocabulary::text_ids;
use serde::Serialize;

use crate::chain::{ChainWriter, Head};
use crate::lines::{self, FIRST_LINK, MAX_LINE, Read};
use crate::read::Entry;
use crate::record::{FORMAT, Record};

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
        /// The last line has no newline.
        LineUnended = "line-unended",
        /// A sequence number that isn't the next.
        WrongSequence = "wrong-sequence",
        /// A link that isn't the digest of the line before.
        WrongLink = "wrong-link",
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
        /// There were more faults than are listed.
        MoreFaults = "more-faults",
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

/// Reads a whole file and checks everything that the file can prove; `head`, if given, pins it against replacement.
///
/// ```
/// use countersign_audit::record::Header;
/// use countersign_audit::{ChainWriter, FaultCode, Record, VerifyError, verify};
/// use countersign_model::DigestKey;
///
/// let (mut chain, mut file) = (ChainWriter::new(), Vec::new());
/// chain.append(&Record::Header(Header::new("0.1.0", &DigestKey::public())), &mut file)?;
/// let head = chain.seal(&mut file)?;
/// assert_eq!(verify(&*file, Some(head.digest)).unwrap(), head);
///
/// let changed = String::from_utf8(file).unwrap().replace("0.1.0", "0.2.0");
/// let Err(VerifyError::Faults(faults)) = verify(changed.as_bytes(), None) else { panic!("it verifies") };
/// assert_eq!((faults[0].line, faults[0].code), (2, FaultCode::WrongLink));
/// # Ok::<(), countersign_audit::AppendError>(())
/// ```
///
/// # Errors
/// When it can't be read, or with every fault in it.
pub fn verify<R: BufRead>(mut reader: R, head: Option<Digest>) -> Result<Head, VerifyError> {
    let mut checker = Checker::default();
    let mut faults = Vec::new();
    let mut line = Vec::new();
    while checker.next(&mut reader, &mut line, &mut faults)?.is_some() {
        if faults.len() > MAX_FAULTS {
            faults.truncate(MAX_FAULTS);
            faults.push(AuditFault {
                line: 0,
                code: FaultCode::MoreFaults,
                expected: format!("at most {MAX_FAULTS} faults to list"),
                got: "more".to_owned(),
            });
            return Err(VerifyError::Faults(faults));
        }
    }
    let found = checker.head();
    if let (Some(expected), Some(found)) = (head, found)
        && found.digest != expected
    {
        faults.push(AuditFault {
            line: 0,
            code: FaultCode::WrongHead,
            expected: expected.to_string(),
            got: found.digest.to_string(),
        });
    }
    match found {
        Some(found) if faults.is_empty() => Ok(found),
        _ => Err(VerifyError::Faults(faults)),
    }
}

/// Follows a chain line by line. After a fault it continues from what was there, so that each fault is reported once.
#[derive(Debug)]
pub(crate) struct Checker {
    lines: u64,
    seq: u64,
    link: Digest,
    head: Option<Head>,
}

impl Default for Checker {
    fn default() -> Self {
        Checker { lines: 0, seq: 0, link: FIRST_LINK, head: None }
    }
}

/// A line that was read: its record, unless it has none.
pub(crate) struct Checked(pub(crate) Option<Entry>);

impl Checker {
    /// The head, once the seal has been read.
    pub(crate) fn head(&self) -> Option<Head> {
        self.head
    }

    /// A writer that continues after the lines read so far.
    pub(crate) fn writer(&self) -> ChainWriter {
        ChainWriter::resume(self.seq, self.link)
    }

    /// Reads and checks the next line, adding its faults to `faults`. None at the end of the file; faults of the file as a
    /// whole are added then.
    pub(crate) fn next<R: BufRead>(
        &mut self,
        reader: &mut R,
        line: &mut Vec<u8>,
        faults: &mut Vec<AuditFault>,
    ) -> io::Result<Option<Checked>> {
        let read = lines::read(reader, line)?;
        let fault = |line, code, expected: &str, got: String| AuditFault { line, code, expected: expected.into(), got };
        match read {
            Read::Line => {
                self.lines += 1;
                let entry = self.check(line, faults);
                Ok(Some(Checked(entry)))
            }
            Read::Unended => {
                let code = if self.head.is_some() { FaultCode::AfterSeal } else { FaultCode::LineUnended };
                let expected = if self.head.is_some() { "nothing after the seal" } else { "a newline" };
                faults.push(fault(self.lines + 1, code, expected, format!("{} bytes without one", line.len())));
                Ok(None)
            }
            Read::TooLong => {
                let expected = format!("at most {MAX_LINE} bytes");
                faults.push(fault(self.lines + 1, FaultCode::LineTooLong, &expected, "more".to_owned()));
                Ok(None)
            }
            Read::End if self.lines == 0 => {
                faults.push(fault(0, FaultCode::Empty, "records", "an empty file".to_owned()));
                Ok(None)
            }
            Read::End => {
                if self.head.is_none() {
                    let got = format!("the end of the file after {} lines", self.lines);
                    faults.push(fault(self.lines, FaultCode::SealMissing, "a seal as the last record", got));
                }
                Ok(None)
            }
        }
    }

    fn check(&mut self, bytes: &[u8], faults: &mut Vec<AuditFault>) -> Option<Entry> {
        let number = self.lines;
        let mut fault = |code, expected: String, got: String| {
            faults.push(AuditFault { line: number, code, expected, got });
        };
        if self.head.is_some() {
            fault(FaultCode::AfterSeal, "nothing after the seal".into(), format!("{} bytes", bytes.len()));
        }
        let link = std::mem::replace(&mut self.link, Digest::of(bytes));
        let seq = self.seq;
        self.seq += 1;
        let line = match lines::parse(bytes) {
            Ok(line) => line,
            Err(error) => {
                fault(FaultCode::NotARecord, "one record as JSON".into(), error.to_string());
                return None;
            }
        };
        // INVARIANT: every record has exactly one form, so a line that differs from it in any byte was changed.
        match lines::write(line.seq, line.link, &line.record) {
            Ok(written) if written == bytes => {}
            Ok(written) => {
                let place = written.iter().zip(bytes).take_while(|(a, b)| a == b).count();
                fault(
                    FaultCode::NotCanonical,
                    format!("the record's one form, {} bytes", written.len()),
                    format!("{} bytes, other from byte {place} on", bytes.len()),
                );
            }
            Err(error) => fault(FaultCode::NotCanonical, "a record that can be written".into(), error.to_string()),
        }
        if line.seq != seq {
            fault(FaultCode::WrongSequence, format!("seq {seq}"), format!("seq {}", line.seq));
            self.seq = line.seq.saturating_add(1);
        }
        if line.link != link {
            fault(FaultCode::WrongLink, format!("link {link}"), format!("link {}", line.link));
        }
        match &line.record {
            Record::Header(header) if header.format != FORMAT => {
                fault(FaultCode::WrongFormat, format!("format {FORMAT}"), format!("format {}", header.format));
            }
            Record::Header(_) if number > 1 => {
                fault(FaultCode::HeaderRepeated, "a header on line 1 only".into(), "another".into());
            }
            Record::Header(_) => {}
            other if number == 1 => {
                fault(FaultCode::HeaderMissing, "a `header`".into(), format!("a `{}`", other.type_id()));
            }
            _ => {}
        }
        if let Record::Seal(seal) = &line.record {
            let digest = lines::seal_digest(bytes);
            if seal.seal != digest {
                fault(FaultCode::WrongSeal, format!("seal {digest}"), format!("seal {}", seal.seal));
            }
            if seal.records != number - 1 {
                fault(FaultCode::WrongSeal, format!("records {}", number - 1), format!("records {}", seal.records));
            }
            self.head = Some(Head { records: seal.records, digest: self.link });
        }
        Some(Entry { line: number, record: line.record })
    }
}
