//! Reading the records of a file, each checked before it is returned.

use std::io::{self, BufRead};

use crate::chain::Head;
use crate::check::{Checker, Next};
use crate::lines;
use crate::record::Record;
use crate::verify::AuditFault;

/// A record with its line number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The record's number plus one: of a log from its first record on its line, from 1.
    pub line: u64,
    /// The record.
    pub record: Record,
}

/// A line's record, unchecked; none if it isn't one. The line number is what its sequence number says.
#[must_use]
pub fn parse(line: &[u8]) -> Option<Entry> {
    lines::parse(line).ok().map(|line| Entry { line: line.seq.saturating_add(1), record: line.record })
}

/// Why reading ended before the end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file couldn't be read.
    #[error("the audit file can't be read: {0}")]
    Unreadable(#[from] io::Error),
    /// The first fault.
    #[error("{0}")]
    Fault(AuditFault),
}

/// Reads records until the end or the first fault. A fault of a line may only show on the line after, so
/// [`crate::verify()`] the whole file before trusting a part of it. The end needs no seal: [`Records::head`] tells whether
/// there was one.
pub fn read<R: BufRead>(reader: R) -> Records<R> {
    Records { reader, checker: Checker::default(), line: Vec::new(), bytes: 0, ended: false }
}

/// The records of a file.
pub struct Records<R> {
    reader: R,
    checker: Checker,
    line: Vec<u8>,
    bytes: u64,
    ended: bool,
}

impl<R> Records<R> {
    /// The head, once the seal has been read.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        self.checker.head()
    }

    /// How it begins, unless with its first record; known once a record was read.
    #[must_use]
    pub fn opening(&self) -> Option<&crate::Opening> {
        self.checker.opening()
    }

    /// The exact bytes of the line that was returned last.
    #[must_use]
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// Bytes of the lines returned so far.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A writer that continues after the lines returned so far.
    #[must_use]
    pub fn writer(&self) -> crate::ChainWriter {
        self.checker.writer()
    }
}

impl<R: BufRead> Iterator for Records<R> {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let mut faults = Vec::new();
        let checked = self.checker.next(&mut self.reader, &mut self.line, &mut faults);
        // What only the line after would prove is a fault at once.
        self.checker.finish(None, &mut faults);
        let result = match (checked, faults.into_iter().next()) {
            (Err(error), _) => Some(Err(ReadError::Unreadable(error))),
            (Ok(_), Some(fault)) => Some(Err(ReadError::Fault(fault))),
            (Ok(Next::Line(entry)), None) => entry.map(Ok),
            (Ok(Next::Torn | Next::End | Next::Unreadable), None) => None,
        };
        match &result {
            Some(Ok(_)) => self.bytes += self.line.len() as u64,
            _ => self.ended = true,
        }
        result
    }
}
