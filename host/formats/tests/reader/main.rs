//! How inputs are cut into records: both forms, whole and damaged; and that no byte gets lost.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy takes for other code"
)]

mod bounds;
mod documents;
mod envelopes;
mod hints;
mod properties;
mod resuming;

use std::io::{self, Cursor, Read};

use countersign_formats::{CloudTrail, Format, Record};
use expect_test::Expect;

/// Gives at most so many bytes at a time.
struct Dribble(Cursor<Vec<u8>>, usize);

impl Read for Dribble {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.1);
        self.0.read(&mut buffer[..count])
    }
}

pub(crate) fn records(bytes: &[u8], step: usize) -> Vec<Record> {
    CloudTrail.read(Box::new(Dribble(Cursor::new(bytes.to_vec()), step)), 3).collect()
}

pub(crate) fn span(record: &Record) -> (u64, u64, u64) {
    match record {
        Record::Event { event, .. } => (event.raw.ordinal, event.raw.offset, event.raw.length),
        Record::DeadLetter(letter) => (letter.ordinal, letter.offset, letter.length),
    }
}

pub(crate) fn summary(records: &[Record]) -> String {
    let mut text = String::new();
    for record in records {
        let (ordinal, offset, length) = span(record);
        let what = match record {
            Record::Event { event, .. } => format!("event {}", event.id),
            Record::DeadLetter(letter) => {
                format!("{}: {} | {}", letter.reason_code.code(), letter.reason, letter.excerpt.escape_debug())
            }
        };
        let what: String = what.chars().take(170).collect();
        text.push_str(&format!("{ordinal} {offset}+{length} {what}\n"));
    }
    text
}

pub(crate) fn check(bytes: impl AsRef<[u8]>, expected: Expect) {
    let bytes = bytes.as_ref();
    let whole = summary(&records(bytes, usize::MAX));
    expected.assert_eq(&whole);
    for step in [1, 2, 7] {
        assert_eq!(summary(&records(bytes, step)), whole, "{step} bytes a read");
    }
}

pub(crate) fn record(id: &str) -> String {
    format!(r#"{{"eventID":"{id}","eventTime":"2024-05-01T00:00:00Z","eventName":"X"}}"#)
}

/// A text as JSON.
pub(crate) fn literal(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}
