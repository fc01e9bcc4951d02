//! One line: its text form, and reading lines up to a maximum length.

use std::io::{self, BufRead};

use countersign_model::Digest;
use serde::{Deserialize, Serialize};

use crate::Record;

/// Maximum bytes of a line, newline included: 4 MiB. The longest record is a generation's, about 700 bytes a rule.
pub const MAX_LINE: usize = 4 << 20;

/// The beginning of every audit file, of any version.
pub const BEGINNING: &str =
    r#"{"seq":0,"link":"0000000000000000000000000000000000000000000000000000000000000000","type":"header","format":"#;

/// The first line's link.
pub(crate) const FIRST_LINK: Digest = Digest([0; 32]);

/// A record with its sequence number and link.
#[derive(Deserialize)]
pub(crate) struct Line {
    pub(crate) seq: u64,
    pub(crate) link: Digest,
    #[serde(flatten)]
    pub(crate) record: Record,
}

/// Writes a line, newline included.
pub(crate) fn write(seq: u64, link: Digest, record: &Record) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    struct Borrowed<'a> {
        seq: u64,
        link: Digest,
        #[serde(flatten)]
        record: &'a Record,
    }
    let mut bytes = serde_json::to_vec(&Borrowed { seq, link, record })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Reads a line, newline included.
pub(crate) fn parse(line: &[u8]) -> Result<Line, serde_json::Error> {
    serde_json::from_slice(line)
}

/// The digest that a seal's line must carry: of its bytes before the digest's first digit.
pub(crate) fn seal_digest(line: &[u8]) -> Digest {
    // A line ends with 64 digits, a quotation mark, a brace and a newline.
    const TAIL: usize = 64 + 3;
    Digest::of(line.get(..line.len().saturating_sub(TAIL)).unwrap_or_default())
}

/// The result of reading a line.
pub(crate) enum Read {
    /// A line with its newline.
    Line,
    /// Bytes after the last newline.
    Unended,
    /// More than [`MAX_LINE`] bytes without a newline.
    TooLong,
    /// Nothing more.
    End,
}

/// Reads the next line into `line`, which never grows past [`MAX_LINE`].
pub(crate) fn read<R: BufRead>(reader: &mut R, line: &mut Vec<u8>) -> io::Result<Read> {
    line.clear();
    loop {
        let buffer = match reader.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            return Ok(if line.is_empty() { Read::End } else { Read::Unended });
        }
        let end = buffer.iter().position(|byte| *byte == b'\n').map(|place| place + 1);
        let taken = end.unwrap_or(buffer.len());
        if line.len() + taken > MAX_LINE {
            return Ok(Read::TooLong);
        }
        line.extend_from_slice(buffer.get(..taken).unwrap_or_default());
        reader.consume(taken);
        if end.is_some() {
            return Ok(Read::Line);
        }
    }
}
