//! Telemetry: whatever bytes come, each is part of an event, of a dead letter or of the framing; the same bytes give the
//! same records however they are read; and events keep the promises of `events`. `auto` gives what the named format gives.

mod events;

use std::io::{self, Cursor, Read};

use countersign_formats::{Auto, DeadLetter, DeadReason, FORMATS, Format, Record};
use countersign_inputs::{ByteInput, InputId, ReadAs, WithFormat, merge};
use countersign_model::Digest;

use events::Documented;

const GZIP: &[u8] = b"\x1f\x8b";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Inputs up to this are read in small steps as well, bytes.
const STEPPED: usize = 4 << 10;

/// Gives three bytes at a time.
struct Dribble(Cursor<Vec<u8>>);

impl Read for Dribble {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(3);
        self.0.read(buffer.get_mut(..count).unwrap_or_default())
    }
}

/// Checks an input of a format. True if it has an event and no dead letter.
pub fn check(format: &'static dyn Format, bytes: &[u8]) -> bool {
    let records = read(format, Box::new(Cursor::new(bytes.to_vec())));
    accounts_for_every_byte(bytes, &records);
    if bytes.len() <= STEPPED {
        let stepped = read(format, Box::new(Dribble(Cursor::new(bytes.to_vec()))));
        assert_eq!(format!("{stepped:?}"), format!("{records:?}"), "the size of the reads shows");
    }
    let documented = Documented::new(format);
    for record in &records {
        match record {
            Record::Event { event, has_receipt_time, .. } => documented.check(event, *has_receipt_time),
            Record::DeadLetter(letter) => dead_letter(letter),
        }
    }
    events::as_columns(&records);
    !records.is_empty() && records.iter().all(|record| matches!(record, Record::Event { .. }))
}

/// Checks an input of records of any format. True if it has an event and no dead letter.
pub fn check_auto(bytes: &[u8]) -> bool {
    let recognised = read(&Auto, Box::new(Cursor::new(bytes.to_vec())));
    accounts_for_every_byte(bytes, &recognised);
    let named: Vec<(&str, Vec<Record>)> = FORMATS
        .iter()
        .filter(|format| format.name() != Auto.name())
        .map(|format| (format.name(), read(*format, Box::new(Cursor::new(bytes.to_vec())))))
        .collect();
    for (_, records) in &named {
        let spans = |records: &[Record]| records.iter().map(span).collect::<Vec<_>>();
        assert_eq!(spans(records), spans(&recognised), "where records begin and end doesn't depend on the format");
    }
    for (place, record) in recognised.iter().enumerate() {
        let text = without_hint(record);
        match record {
            Record::Event { event, .. } => {
                let (_, records) = named.iter().find(|(name, _)| event.source == **name).expect("a known format");
                assert_eq!(records.get(place).map(without_hint), Some(text));
            }
            Record::DeadLetter(letter) => {
                dead_letter(letter);
                let unrecognised =
                    matches!(letter.reason_code, DeadReason::SourceUnknown | DeadReason::SourceAmbiguous);
                let same = |records: &[Record]| records.get(place).is_some_and(|one| without_hint(one) == text);
                assert!(unrecognised || named.iter().any(|(_, records)| same(records)), "{text}");
            }
        }
    }
    !recognised.is_empty() && recognised.iter().all(|record| matches!(record, Record::Event { .. }))
}

/// The records of input 3; the inputs before it are empty.
fn read(format: &'static dyn Format, bytes: Box<dyn Read + Send>) -> Vec<Record> {
    let input = |bytes| ByteInput::once(InputId::from("fuzz"), bytes).expect("memory can be read");
    let empty = (0..3).map(|_| input(Box::new(io::empty())));
    let inputs = empty.chain([input(bytes)]).map(|input| -> WithFormat { (Box::new(input), ReadAs::format(format)) });
    merge(inputs.collect()).records().collect()
}

/// A record as text, without what it looks like to a format that can't decode it.
fn without_hint(record: &Record) -> String {
    match record {
        Record::DeadLetter(letter) => format!("{:?}", DeadLetter { hint: None, ..letter.clone() }),
        event @ Record::Event { .. } => format!("{event:?}"),
    }
}

fn span(record: &Record) -> (u64, u64, u64) {
    match record {
        Record::Event { event, .. } => (event.raw.ordinal, event.raw.offset, event.raw.length),
        Record::DeadLetter(letter) => (letter.ordinal, letter.offset, letter.length),
    }
}

fn dead_letter(letter: &DeadLetter) {
    assert!(!letter.reason.is_empty());
    // Each byte that isn't UTF-8 is shown as a mark of three.
    assert!(letter.excerpt.len() <= 3 * DeadLetter::EXCERPT_BYTES, "{letter:?}");
    assert_eq!(letter.input, 3);
}

fn accounts_for_every_byte(bytes: &[u8], records: &[Record]) {
    let compressed = bytes.starts_with(GZIP);
    let mut rest = bytes.to_vec();
    let mut end = 0;
    for (place, record) in records.iter().enumerate() {
        let (ordinal, offset, length) = span(record);
        assert_eq!(ordinal, place as u64);
        assert!(offset >= end, "spans overlap");
        end = offset + length;
        if compressed {
            continue;
        }
        let raw = rest.get_mut(offset as usize..end as usize).expect("a record lies within its input");
        if let Record::Event { event, .. } = record {
            assert_eq!(event.raw.digest, Digest::of(raw));
        }
        raw.fill(b' ');
    }
    if !compressed {
        framing(&rest);
    }
}

/// What is part of no record is white space, byte order marks, and the brackets of documents.
fn framing(rest: &[u8]) {
    let mut left = rest;
    while let Some(first) = left.first() {
        let unspaced: Vec<u8> =
            left.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).take(br#"{"Records":["#.len()).collect();
        let taken = match first {
            b' ' | b'\t' | b'\r' | b'\n' | b',' | b'[' | b']' | b'}' => 1,
            _ if left.starts_with(BYTE_ORDER_MARK) => BYTE_ORDER_MARK.len(),
            b'{' if unspaced == br#"{"Records":["# => {
                left.iter().position(|byte| *byte == b'[').map_or(left.len(), |at| at + 1)
            }
            _ => panic!("not accounted for: {}", String::from_utf8_lossy(left)),
        };
        left = left.get(taken..).unwrap_or_default();
    }
}
