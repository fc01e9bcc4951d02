//! Positions: from each, reading gives exactly what follows it.

use std::io::Cursor;

use countersign_formats::reader::{Content, Piece, Position, Splitter};

use crate::{literal, record};

/// Pieces as text, each with the position after it.
fn rest(bytes: &[u8], from: Position) -> Vec<(String, Position)> {
    let bytes = bytes[from.offset() as usize..].to_vec();
    let mut splitter = Splitter::resume(Box::new(Cursor::new(bytes)), from);
    let mut pieces = Vec::new();
    while let Some((piece, position)) = splitter.next_piece() {
        pieces.push((format!("{piece:?}"), position));
    }
    pieces
}

pub(crate) fn resumes_everywhere(bytes: &[u8]) {
    let whole = rest(bytes, Position::START);
    for (place, (_, position)) in whole.iter().enumerate() {
        assert_eq!(position.ordinal(), place as u64 + 1);
        let read_back: Position = position.to_string().parse().unwrap();
        assert_eq!(rest(bytes, read_back), whole[place + 1..], "after piece {place}, at {position}");
    }
}

#[test]
fn reading_goes_on_within_every_form() {
    let (a, b, c) = (record("a"), record("b"), record("c"));
    for text in [
        format!("\u{feff}{a}\r\n\n {b}\nnot json\n{c}"),
        format!("[{a},\n{b},7]{c}\n[{a}"),
        format!(r#"{{"Records":[{a},{b}]}}{{ "Records": [{c}], "more": 1 }} {a}"#),
        format!(r#"{{"Records":[{a},{b}"#),
    ] {
        resumes_everywhere(text.as_bytes());
    }
    for text in [
        format!("  {a}{b} {c}\n{{\n  \"log\": {}\n}}", literal(&format!("{a}\n{b}"))),
        format!("{{\"x\":1,\"Records\":[{a},{{\"_source\":{b}}},7]}}\n{c}"),
        format!(
            "{{\"Events\":[{{\"CloudTrailEvent\":{0}}},{{\"CloudTrailEvent\":{0}}}],\"NextToken\":\"n\"}}{c}",
            literal(&a)
        ),
        format!("{{\"message\":{}}}\n{a}", literal(&format!("{{\"Records\":[{b},{c}"))),
    ] {
        resumes_everywhere(text.as_bytes());
    }
    resumes_everywhere(b"PAR1\x15 and so on");
}

#[test]
fn a_position_within_an_object_or_a_list_is_another_than_between_lines() {
    let record = record("a");
    let after_first = |text: String| {
        let mut splitter = Splitter::new(Box::new(Cursor::new(text.into_bytes())));
        let (piece, position) = splitter.next_piece().unwrap();
        assert!(matches!(piece, Piece { ordinal: 0, content: Content::Record(_), .. }));
        position.to_string()
    };
    assert_eq!(after_first(format!("{record}\n")), "1.66.line");
    assert_eq!(after_first(format!("[{record},7]")), "1.67.list");
    assert_eq!(after_first(format!(r#"{{"Records":[{record}]}}"#)), "1.78.object");
}

#[test]
fn a_position_that_no_input_comes_to_is_none() {
    for place in ["9223372036854775807.9223372036854775807.line", "3.0.list.3"] {
        assert!(place.parse::<Position>().is_ok(), "{place}");
    }
    for place in
        ["9223372036854775808.0.line", "0.9223372036854775808.line", "18446744073709551615.0.line", "3.0.list.4"]
    {
        assert!(place.parse::<Position>().is_err(), "{place}");
    }
}
