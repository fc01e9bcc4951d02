//! Whatever bytes come, each is part of an event, of a dead letter or of the framing.

use std::io::Cursor;

use countersign_formats::reader::Splitter;
use countersign_formats::unpack::Beginning;
use countersign_formats::{DeadReason, Record};
use countersign_model::Digest;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::resuming::resumes_everywhere;
use crate::{record, records, span, summary};

/// The bytes of an input that are part of no record, no envelope and no dead letter.
fn framing(bytes: &[u8], records: &[Record]) -> Vec<u8> {
    let mut rest = bytes.to_vec();
    let mut left = records;
    let mut end = 0;
    let mut splitter = Splitter::closed(Box::new(Cursor::new(bytes.to_vec())));
    while let Some((piece, _)) = splitter.next_piece() {
        assert!(piece.offset >= end, "pieces overlap");
        end = piece.offset + piece.length;
        let raw = &mut rest[piece.offset as usize..end as usize];
        // What came of it, in its order.
        let is_its_own = |record: &&Record| {
            let (_, offset, length) = span(record);
            offset >= piece.offset && offset + length <= end && (offset < end || piece.length == 0)
        };
        let count = left.iter().take_while(is_its_own).count();
        // Only an envelope with an empty list gives nothing.
        let text = String::from_utf8_lossy(raw).replace([' ', '\t', '\r', '\n'], "");
        assert!(count > 0 || text.contains("[]"), "lost: {text}");
        for record in &left[..count] {
            let (_, offset, length) = span(record);
            if let Record::Event { event, .. } = record
                && raw[(offset - piece.offset) as usize] == b'{'
            {
                let from = (offset - piece.offset) as usize;
                assert_eq!(event.raw.digest, Digest::of(&raw[from..from + length as usize]));
            }
        }
        left = &left[count..];
        raw.fill(b' ');
    }
    assert!(left.is_empty(), "{}", summary(left));
    for (place, record) in records.iter().enumerate() {
        assert_eq!(span(record).0, place as u64);
    }
    rest
}

fn accounts_for_every_byte(bytes: &[u8]) {
    let records = records(bytes, usize::MAX);
    if Beginning::read(&mut &*bytes).unwrap().is_packed() {
        assert_eq!(summary(&crate::records(bytes, 3)), summary(&records));
        return;
    }
    let rest = String::from_utf8(framing(bytes, &records)).expect("only framing is left");
    let unclosed = unclosed_documents(&rest);
    let explains = |record: &&Record| match record {
        Record::DeadLetter(letter) => matches!(letter.reason_code, DeadReason::UnexpectedText | DeadReason::Truncated),
        Record::Event { .. } => false,
    };
    assert!(unclosed <= records.iter().filter(explains).count(), "cut short, and nothing says so: {rest}");
    assert_eq!(summary(&crate::records(bytes, 3)), summary(&records));
}

/// How many documents aren't closed in what is part of no record, which may be nothing but documents' own text.
fn unclosed_documents(rest: &str) -> usize {
    let mut unclosed = 0;
    let mut open = Vec::new();
    let mut left = rest;
    loop {
        left = left.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ',' | '\u{feff}' | '\x1e'));
        if left.is_empty() {
            return unclosed + open.len();
        } else if open.last() == Some(&"after") {
            open.pop();
            // What comes after the records, up to the brace that closes them.
            let ends = left.match_indices('}').map(|(at, _)| at + 1);
            let closing = |text: &str| {
                text == "}" || serde_json::from_str::<serde_json::Value>(&format!("{{\"\":0,{text}")).is_ok()
            };
            match ends.into_iter().find(|end| closing(&left[..*end])) {
                Some(end) => left = &left[end..],
                None => unclosed += 1,
            }
        } else if let Some(after) = left.strip_prefix(r#"{"Records":["#).or_else(|| left.strip_prefix(r#"{"Events":["#))
        {
            open.push("object");
            left = after;
        } else if let Some(after) = left.strip_prefix('[') {
            open.push("list");
            left = after;
        } else if let Some(after) = left.strip_prefix(']').filter(|_| !open.is_empty()) {
            if open.pop() == Some("object") {
                open.push("after");
            }
            left = after;
        } else {
            panic!("not accounted for: {left}");
        }
    }
}

fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let fixed: Vec<Vec<u8>> = [
        r#"{"Records":["#,
        "]",
        "}",
        "]}",
        "{",
        "[",
        ",",
        "\"",
        "\\",
        "\\\"",
        "\n",
        "\r\n",
        " ",
        "\u{feff}",
        "null",
        "7",
        "x",
        r#""eventTime":"2024-05-01T00:00:00Z""#,
        r#""eventName":"X""#,
        r#"{"Records""#,
        ":",
        r#"{"a":{"b":[1,"}"]}}"#,
        "\n  ",
        "tru",
        r#"{"Events":["#,
        r#"{"_source":"#,
        r#"{"log":"{}"}"#,
        r#"{"message":"{\"log\":\"{}{\"}""#,
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .chain([record("p").into_bytes(), b"\xef".to_vec(), b"\xbb".to_vec(), b"\xff".to_vec(), b"\x1f\x8b".to_vec()])
    .collect();
    prop_oneof![4 => prop::sample::select(fixed), 1 => prop::collection::vec(any::<u8>(), 0..8)]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        // The same cases in every run.
        rng_seed: RngSeed::Fixed(20_230_710),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_byte_of_a_plain_input_is_accounted_for(parts in prop::collection::vec(fragment(), 0..24)) {
        accounts_for_every_byte(&parts.concat());
    }

    #[test]
    fn reading_goes_on_from_every_position(parts in prop::collection::vec(fragment(), 0..24)) {
        resumes_everywhere(&parts.concat());
    }
}
