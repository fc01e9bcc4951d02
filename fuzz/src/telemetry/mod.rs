//! Telemetry: whatever bytes come, each is part of an event, of a dead letter or of what stands
//! around records; the same bytes give the
//! same records however they are read; and events keep the promises of `events`. `auto` gives what the named format gives.

mod events;

use std::io::{self, Cursor, Read};

use countersign_formats::reader::{Content, Splitter};
use countersign_formats::{Auto, DeadLetter, DeadReason, FORMATS, Format, Record};
use countersign_inputs::{ByteInput, InputId, ReadAs, WithFormat, merge};
use countersign_model::Digest;

use crate::envelopes::{self, is_packed};
use events::Documented;

/// Inputs up to this are read in small steps as well, bytes.
const STEPPED: usize = 4 << 10;

/// Gives three bytes at a time.
pub(crate) struct Dribble(pub(crate) Cursor<Vec<u8>>);

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
    for (place, record) in records.iter().enumerate() {
        assert_eq!(span(record).0, place as u64);
    }
    if is_packed(bytes) {
        return;
    }
    let spans: Vec<(u64, u64)> = records.iter().map(span).map(|(_, offset, length)| (offset, length)).collect();
    envelopes::accounts_for_every_byte(bytes, &spans);
    let mut splitter = Splitter::closed(Box::new(Cursor::new(bytes.to_vec())));
    while let Some((piece, _)) = splitter.next_piece() {
        // What stands in no envelope is as it was.
        let whole = |record: &&Record| {
            let (_, offset, length) = span(record);
            (offset, length) == (piece.offset, piece.length)
        };
        if let (Content::Record(raw), Some(Record::Event { event, .. })) = (&piece.content, records.iter().find(whole))
        {
            assert_eq!(event.raw.digest, Digest::of(raw));
        }
    }
}
