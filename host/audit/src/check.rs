//! Following a chain line by line.

use std::io::{self, BufRead};

use countersign_model::Digest;
use serde::de::IgnoredAny;

use crate::chain::{ChainWriter, Head};
use crate::lines::{self, FIRST_LINK, Line, MAX_LINE, Read};
use crate::opening::{Opening, standing_digest_of};
use crate::read::Entry;
use crate::record::{FORMAT, OLDEST_FORMAT, Record};
use crate::verify::{AuditFault, FaultCode};

/// Follows a chain line by line. After a fault it continues from what was there, so that each fault is reported once.
#[derive(Debug)]
pub(crate) struct Checker {
    lines: u64,
    /// The next line's sequence number; none after a line that may have been several, or part of one.
    seq: Option<u64>,
    /// The next line's number also if the last line's was wrong and is what was changed.
    other_seq: Option<u64>,
    link: Digest,
    head: Option<Head>,
    /// Whether the seal has the digest of its own line.
    seal_whole: bool,
    broken: Option<Broken>,
    /// How it begins, unless with its first record.
    opening: Option<Opening>,
    /// The digests of the lines that stand there, as far as they were read; none once they were.
    standing: Option<Vec<u8>>,
}

/// Two lines of which one was changed; the line after them tells which.
#[derive(Clone, Copy, Debug)]
struct Broken {
    /// The first.
    line: u64,
    digest: Digest,
    /// The second's link.
    link: Digest,
}

impl Default for Checker {
    fn default() -> Self {
        Checker {
            lines: 0,
            seq: Some(0),
            other_seq: None,
            link: FIRST_LINK,
            head: None,
            seal_whole: false,
            broken: None,
            opening: None,
            standing: None,
        }
    }
}

/// What was read.
#[expect(clippy::large_enum_variant, reason = "one at a time, and a box for every line would cost more")]
pub(crate) enum Next {
    /// A line: its record, unless it has none.
    Line(Option<Entry>),
    /// Bytes after the last newline that may be the beginning of a record.
    Torn,
    /// The end.
    End,
    /// Something after which nothing can be read.
    Unreadable,
}

impl Checker {
    /// The head, once the seal has been read.
    pub(crate) fn head(&self) -> Option<Head> {
        self.head
    }

    /// How it begins, unless with its first record.
    pub(crate) fn opening(&self) -> Option<&Opening> {
        self.opening.as_ref()
    }

    /// A writer that continues after the lines read so far.
    pub(crate) fn writer(&self) -> ChainWriter {
        ChainWriter::resume(self.lines, self.link)
    }

    /// Reads and checks the next line, adding its faults to `faults`. A fault that only the line after proves is added
    /// then, or by [`Checker::finish`].
    pub(crate) fn next<R: BufRead>(
        &mut self,
        reader: &mut R,
        line: &mut Vec<u8>,
        faults: &mut Vec<AuditFault>,
    ) -> io::Result<Next> {
        let mut read = lines::read(reader, line)?;
        if self.lines == 0 && self.opening.is_none() && matches!(read, Read::Line) && self.open(line, faults) {
            read = lines::read(reader, line)?;
        }
        if self.standing.is_some() {
            match read {
                Read::Line => return Ok(Next::Line(self.stand(line, faults))),
                _ => {
                    self.end_standing(faults);
                    return Ok(Next::Unreadable);
                }
            }
        }
        let number = self.lines + 1;
        let mut fault = |code, expected: String, got: String| {
            faults.push(AuditFault { line: number, code, expected, got });
        };
        match read {
            Read::Line => {
                self.lines = number;
                Ok(Next::Line(self.check(line, faults)))
            }
            Read::Unended if self.head.is_some() => {
                fault(FaultCode::AfterSeal, "nothing after the seal".into(), format!("{} bytes", line.len()));
                Ok(Next::Unreadable)
            }
            Read::Unended if self.may_be_torn(line) => Ok(Next::Torn),
            Read::Unended => {
                let expected = "a record with a newline, or the beginning of one".into();
                fault(FaultCode::LineUnended, expected, format!("{} other bytes", line.len()));
                Ok(Next::Unreadable)
            }
            Read::TooLong => {
                fault(FaultCode::LineTooLong, format!("at most {MAX_LINE} bytes"), "more".into());
                Ok(Next::Unreadable)
            }
            Read::End => Ok(Next::End),
        }
    }

    /// Takes in an opening, if the first line is one.
    fn open(&mut self, line: &[u8], faults: &mut Vec<AuditFault>) -> bool {
        let opening = match Opening::of(line) {
            None => return false,
            Some(Err(got)) => {
                faults.push(wrong_opening(1, "an opening line as this product writes it", got));
                return false;
            }
            Some(Ok(opening)) => opening,
        };
        (self.lines, self.seq, self.link) = (opening.from, Some(opening.from), opening.link);
        self.standing = (opening.lines > 0).then(Vec::new);
        if opening.lines == 0 && (opening.from > 0 || opening.standing != standing_digest_of(&[])) {
            faults.push(wrong_opening(0, "a header and what else stands there", "no lines that stand".to_owned()));
        }
        self.opening = Some(opening);
        true
    }

    /// Checks a line that stands at an opening.
    fn stand(&mut self, bytes: &[u8], faults: &mut Vec<AuditFault>) -> Option<Entry> {
        let (is_first, from) = (self.standing.as_ref().is_some_and(Vec::is_empty), self.lines);
        let digests = self.standing.get_or_insert_default();
        digests.extend_from_slice(&Digest::of(bytes).0);
        if digests.len() as u64 / 32 >= self.opening.as_ref().map_or(0, |opening| opening.lines) {
            self.end_standing(faults);
        }
        let line = match lines::parse(bytes) {
            Ok(line) if line.seq < from && is_first == matches!(line.record, Record::Header(_)) => line,
            Ok(line) => {
                let expected = format!("a header and then other records before record {from}");
                let got = format!("a `{}` as record {}", line.record.type_id(), line.seq);
                faults.push(wrong_opening(line.seq.saturating_add(1), &expected, got));
                return None;
            }
            Err(error) => {
                faults.push(wrong_opening(0, "one record as JSON", error.to_string()));
                return None;
            }
        };
        let number = line.seq.saturating_add(1);
        self.check_format(number, &line.record, faults);
        Some(Entry { line: number, record: line.record })
    }

    /// Compares the lines that stand with what the opening says of them.
    fn end_standing(&mut self, faults: &mut Vec<AuditFault>) {
        let (Some(digests), Some(opening)) = (self.standing.take(), &self.opening) else { return };
        let got = standing_digest_of(&digests);
        if got != opening.standing {
            let expected = format!("{} lines that stand, of digest {}", opening.lines, opening.standing);
            faults.push(wrong_opening(0, &expected, format!("digest {got}")));
        }
    }

    /// Adds what is still open. `link` is that of the line after the last, if it is known.
    pub(crate) fn finish(&mut self, link: Option<Digest>, faults: &mut Vec<AuditFault>) {
        let last_whole = match (link, self.head) {
            (Some(link), _) => link == self.link,
            (None, Some(_)) => self.seal_whole,
            // Nothing tells: more likely it is the line than the link.
            (None, None) => true,
        };
        self.settle(last_whole, faults);
    }

    /// Reports two lines of which one was changed: the first if the second is whole.
    fn settle(&mut self, second_whole: bool, faults: &mut Vec<AuditFault>) {
        let Some(Broken { line, digest, link }) = self.broken.take() else { return };
        faults.push(if second_whole {
            AuditFault {
                line,
                code: FaultCode::Changed,
                expected: format!("digest {link}, which is the link of line {}", line + 1),
                got: format!("digest {digest}"),
            }
        } else {
            wrong_link(line + 1, digest, link)
        });
    }

    /// Whether bytes without a newline are how the next line begins.
    fn may_be_torn(&mut self, bytes: &[u8]) -> bool {
        let seq = self.seq.unwrap_or(self.lines);
        let before = format!(r#"{{"seq":{seq},"link":""#);
        let (link, after) = (self.link.to_string(), r#"","type":""#);
        if let Some(rest) = bytes.strip_prefix(before.as_bytes())
            && let Some((found, rest)) = rest.split_at_checked(link.len())
            && let Some(found) = std::str::from_utf8(found).ok().and_then(|found| found.parse().ok())
            && begins(rest, after)
        {
            if found != self.link && self.lines > 0 {
                self.broken = Some(Broken { line: self.lines, digest: self.link, link: found });
            } else if found != self.link {
                return false;
            }
            return match serde_json::from_slice::<IgnoredAny>(bytes) {
                Ok(_) => bytes.ends_with(b"}"),
                Err(error) => error.is_eof(),
            };
        }
        (before + &link).as_bytes().starts_with(bytes)
    }

    fn check(&mut self, bytes: &[u8], faults: &mut Vec<AuditFault>) -> Option<Entry> {
        let number = self.lines;
        let before = std::mem::replace(&mut self.link, Digest::of(bytes));
        let mut fault = |code, expected: String, got: String| {
            faults.push(AuditFault { line: number, code, expected, got });
        };
        if self.head.is_some() {
            fault(FaultCode::AfterSeal, "nothing after the seal".into(), format!("{} bytes", bytes.len()));
        }
        let line = match lines::parse(bytes) {
            Ok(line) => line,
            Err(error) => {
                fault(FaultCode::NotARecord, "one record as JSON".into(), error.to_string());
                (self.seq, self.other_seq) = (None, None);
                self.settle(true, faults);
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
        self.check_place(&line, before, faults);
        self.check_record(&line, bytes, faults);
        Some(Entry { line: number, record: line.record })
    }

    /// Checks a line against the one before it.
    fn check_place(&mut self, line: &Line, before: Digest, faults: &mut Vec<AuditFault>) {
        let in_sequence = self.seq.is_none_or(|seq| line.seq == seq) || self.other_seq == Some(line.seq);
        let fits = line.link == before;
        // The line before is whole if this one fits it. If this one is out of its place it tells nothing.
        self.settle(fits || !in_sequence, faults);
        if let (Some(seq), false) = (self.seq, in_sequence) {
            faults.push(AuditFault {
                line: self.lines,
                code: FaultCode::WrongSequence,
                expected: format!("seq {seq}"),
                got: format!("seq {}", line.seq),
            });
            self.other_seq = Some(seq.saturating_add(1));
        } else {
            self.other_seq = None;
        }
        self.seq = Some(line.seq.saturating_add(1));
        match (fits, self.lines) {
            (true, _) => {}
            // Of the line before an opening's first nothing is known but its digest.
            (false, 2..)
                if in_sequence && self.opening.as_ref().is_none_or(|opening| self.lines > opening.from + 1) =>
            {
                self.broken = Some(Broken { line: self.lines - 1, digest: before, link: line.link });
            }
            (false, _) => faults.push(wrong_link(self.lines, before, line.link)),
        }
    }

    /// Checks that this version reads what a header announces.
    fn check_format(&self, number: u64, record: &Record, faults: &mut Vec<AuditFault>) {
        if let Record::Header(header) = record
            && !(OLDEST_FORMAT..=FORMAT).contains(&header.format)
        {
            faults.push(AuditFault {
                line: number,
                code: FaultCode::WrongFormat,
                expected: format!("a format from {OLDEST_FORMAT} to {FORMAT}"),
                got: format!("format {}", header.format),
            });
        }
    }

    /// Checks what a line's own record says about the file.
    fn check_record(&mut self, line: &Line, bytes: &[u8], faults: &mut Vec<AuditFault>) {
        let number = self.lines;
        self.check_format(number, &line.record, faults);
        let mut fault = |code, expected: String, got: String| {
            faults.push(AuditFault { line: number, code, expected, got });
        };
        match &line.record {
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
            self.seal_whole = seal.seal == digest;
            if !self.seal_whole {
                fault(FaultCode::WrongSeal, format!("seal {digest}"), format!("seal {}", seal.seal));
            }
            if seal.records != line.seq {
                fault(FaultCode::WrongSeal, format!("records {}", line.seq), format!("records {}", seal.records));
            }
            self.head = Some(Head { records: seal.records, digest: self.link });
        }
    }
}

fn wrong_opening(line: u64, expected: &str, got: String) -> AuditFault {
    AuditFault { line, code: FaultCode::WrongOpening, expected: expected.to_owned(), got }
}

/// A line whose link isn't the digest of the line before.
fn wrong_link(line: u64, digest: Digest, link: Digest) -> AuditFault {
    let expected = match line {
        1 => format!("link {digest}, as on every first line"),
        _ => format!("link {digest}, which is the digest of line {}", line - 1),
    };
    AuditFault { line, code: FaultCode::WrongLink, expected, got: format!("link {link}") }
}

/// Whether some bytes and a text begin alike, as far as both go.
fn begins(bytes: &[u8], text: &str) -> bool {
    bytes.iter().zip(text.as_bytes()).all(|(a, b)| a == b)
}
