//! Inputs: whatever bytes come, each is part of a record, an envelope, a dead letter or the framing; an envelope gives a
//! piece at least, and bytes no more pieces than they have room for; the size of the reads doesn't show, and reading goes
//! on from every position as if it hadn't stopped.

use std::io::{Cursor, Read};

use countersign_formats::reader::{Content, MAX_UNPACKED_BYTES, Position, Splitter};
use countersign_formats::unpack::{Beginning, unpacked};

use crate::telemetry::Dribble;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// How documents begin that are read record by record.
const WRAPPERS: [&str; 5] = ["\"Records\"", "\"records\"", "\"Events\"", "\"events\"", "\"Messages\""];

/// Inputs up to this are read in small steps and from every position as well, bytes, if they come to no more than
/// [`RESUMED`] of text and [`POSITIONS`].
const STEPPED: usize = 2 << 10;
const RESUMED: u64 = 256 << 10;
const POSITIONS: usize = 256;

/// Checks an input. True if it has records and nothing else.
pub fn check(bytes: &[u8]) -> bool {
    let whole = || -> Box<dyn Read + Send> { unpacked(Box::new(Cursor::new(bytes.to_vec()))) };
    let pieces = pieces(Splitter::new(whole()));
    assert!(pieces.len() as u64 <= 1 + bytes.len() as u64 + MAX_UNPACKED_BYTES / 2, "more pieces than bytes");
    if !is_packed(bytes) {
        let spans: Vec<(u64, u64)> = pieces.iter().map(|piece| (piece.offset, piece.length)).collect();
        accounts_for_every_byte(bytes, &spans);
    }
    let comes_to = pieces.last().map_or(0, |last| last.after.offset());
    if bytes.len() <= STEPPED && comes_to <= RESUMED && pieces.len() <= POSITIONS {
        let dribbled = unpacked(Box::new(Dribble(Cursor::new(bytes.to_vec()))));
        assert_eq!(self::pieces(Splitter::new(dribbled)), pieces, "the size of the reads shows");
        for (place, piece) in pieces.iter().enumerate() {
            let position: Position = piece.after.to_string().parse().expect("it was printed by this program");
            let mut rest = whole();
            // What can't be read isn't gone past either.
            let skipped = std::io::copy(&mut rest.by_ref().take(position.offset()), &mut std::io::sink());
            if skipped.is_ok_and(|skipped| skipped == position.offset()) {
                let left = pieces.get(place + 1..).unwrap_or_default();
                assert_eq!(self::pieces(Splitter::resume(rest, position)), left, "after piece {place}");
            }
        }
    }
    !pieces.is_empty() && pieces.iter().all(|piece| piece.is_record)
}

/// Whether the text of an input is no part of its bytes.
pub(crate) fn is_packed(bytes: &[u8]) -> bool {
    Beginning::read(&mut &*bytes).expect("memory can be read").is_packed()
}

/// A piece, without its bytes.
#[derive(Debug, PartialEq)]
struct Seen {
    offset: u64,
    length: u64,
    is_record: bool,
    all: String,
    after: Position,
}

fn pieces(mut splitter: Splitter) -> Vec<Seen> {
    let mut pieces = Vec::new();
    while let Some((piece, after)) = splitter.next_piece() {
        assert_eq!(after.ordinal(), piece.ordinal + 1);
        let is_record = matches!(piece.content, Content::Record(_));
        let (offset, length, all) = (piece.offset, piece.length, format!("{piece:?}"));
        pieces.push(Seen { offset, length, is_record, all, after });
    }
    pieces
}

/// Checks where what came of an input was: in its order, all within what was cut of it, and something of each cut.
pub(crate) fn accounts_for_every_byte(bytes: &[u8], spans: &[(u64, u64)]) {
    let mut rest = bytes.to_vec();
    let mut left = spans;
    let mut end = 0;
    for Seen { offset, length, is_record, .. } in pieces(Splitter::closed(Box::new(Cursor::new(bytes.to_vec())))) {
        assert!(offset >= end, "cuts overlap");
        end = offset + length;
        let raw = rest.get_mut(offset as usize..end as usize).expect("it lies within its input");
        let is_its_own =
            |span: &&(u64, u64)| span.0 >= offset && span.0 + span.1 <= end && (span.0 < end || length == 0);
        let count = left.iter().take_while(is_its_own).count();
        // Of an envelope with an empty list, and of one out of whose text nothing comes, nothing is lost.
        let may_be_empty = is_record && raw.contains(&b'[') && raw.contains(&b']');
        assert!(count > 0 || may_be_empty, "lost: {}", String::from_utf8_lossy(raw));
        left = left.get(count..).unwrap_or_default();
        raw.fill(b' ');
    }
    assert!(left.is_empty(), "what came of nothing: {left:?}");
    framing(std::str::from_utf8(&rest).expect("only framing is left"));
}

/// What is part of no cut is white space, commas, byte order marks, and the documents' own text around their records.
fn framing(rest: &str) {
    let mut left = rest;
    let mut has_records = false;
    loop {
        left =
            left.trim_start_matches(|c: char| c.is_ascii_whitespace() || matches!(c, ',' | '\x1e' | BYTE_ORDER_MARK));
        let Some(first) = left.chars().next() else { return };
        left = match first {
            '{' => wrapped(left).unwrap_or_else(|| panic!("not accounted for: {left}")),
            '[' | ']' | '}' => &left[1..],
            // What comes after the records, up to the brace that closes them.
            _ if has_records => {
                let mut ends = left.match_indices('}').map(|(at, _)| at + 1);
                let closes = |end: &usize| {
                    let text = format!("{{\"\":0,{}", &left[..*end]);
                    serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok()
                };
                let end = ends.find(closes).unwrap_or_else(|| panic!("not accounted for: {left}"));
                &left[end..]
            }
            _ => panic!("not accounted for: {left}"),
        };
        has_records = has_records || first == '{';
    }
}

/// What follows the beginning of a document that is read record by record.
fn wrapped(text: &str) -> Option<&str> {
    let after = |text: &'_ str, part: &str| -> Option<usize> {
        let trimmed = text.trim_start_matches(|c: char| c.is_ascii_whitespace());
        trimmed.strip_prefix(part).map(|rest| text.len() - rest.len())
    };
    WRAPPERS.iter().find_map(|name| {
        let mut rest = text;
        for part in ["{", name, ":", "["] {
            rest = &rest[after(rest, part)?..];
        }
        Some(rest)
    })
}
