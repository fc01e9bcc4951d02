//! Inputs: compression, bookmarks, directories, and the order in which several come together.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy takes for other code"
)]

mod bookmarks;
mod gzip;
mod merge;
mod paths;
mod sources;
mod turned;

use std::io::{self, Cursor, Read, Write};

use countersign_formats::{CloudTrail, Record};
use countersign_inputs::{ByteInput, InputId, ReadAs, merge as join};
use expect_test::Expect;
use flate2::{Compression, write::GzEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// Gives at most so many bytes at a time.
struct Dribble(Cursor<Vec<u8>>, usize);

impl Read for Dribble {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.1);
        self.0.read(&mut buffer[..count])
    }
}

fn records(bytes: &[u8], step: usize) -> Vec<Record> {
    let bytes = Dribble(Cursor::new(bytes.to_vec()), step);
    let input = ByteInput::once(InputId::from("memory"), Box::new(bytes)).unwrap();
    join(vec![(Box::new(input), ReadAs::format(&CloudTrail))]).records().collect()
}

fn summary(records: &[Record]) -> String {
    let mut text = String::new();
    for record in records {
        let (ordinal, offset, length, what) = match record {
            Record::Event { event, .. } => {
                (event.raw.ordinal, event.raw.offset, event.raw.length, format!("event {}", event.id))
            }
            Record::DeadLetter(letter) => {
                let excerpt = letter.excerpt.escape_debug();
                let what = format!("{}: {} | {excerpt}", letter.reason_code.code(), letter.reason);
                (letter.ordinal, letter.offset, letter.length, what)
            }
        };
        let what: String = what.chars().take(170).collect();
        text.push_str(&format!("{ordinal} {offset}+{length} {what}\n"));
    }
    text
}

fn check(bytes: impl AsRef<[u8]>, expected: Expect) {
    let bytes = bytes.as_ref();
    let whole = summary(&records(bytes, usize::MAX));
    expected.assert_eq(&whole);
    for step in [1, 2, 7] {
        assert_eq!(summary(&records(bytes, step)), whole, "{step} bytes a read");
    }
}

fn record(id: &str) -> String {
    format!(r#"{{"eventID":"{id}","eventTime":"2024-05-01T00:00:00Z","eventName":"X"}}"#)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// In UTF-16 with a byte order mark, as PowerShell redirects.
fn utf_16(text: &str) -> Vec<u8> {
    "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}
