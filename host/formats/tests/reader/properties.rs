//! Whatever bytes come, each is part of an event, of a dead letter or of the framing.

use countersign_formats::{DeadReason, Record};
use countersign_model::Digest;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::resuming::resumes_everywhere;
use crate::{record, records, span, summary};

/// The bytes of an input, after decompression, that are part of no record.
fn framing(bytes: &[u8], records: &[Record]) -> Vec<u8> {
    let mut rest = bytes.to_vec();
    let mut end = 0;
    for (place, record) in records.iter().enumerate() {
        let (ordinal, offset, length) = span(record);
        assert_eq!(ordinal, place as u64);
        assert!(offset >= end, "spans overlap");
        end = offset + length;
        let raw = &mut rest[offset as usize..end as usize];
        if let Record::Event { event, .. } = record {
            assert_eq!(event.raw.digest, Digest::of(raw));
        }
        raw.fill(b' ');
    }
    rest
}

fn accounts_for_every_byte(bytes: &[u8]) {
    let records = records(bytes, usize::MAX);
    let rest = String::from_utf8(framing(bytes, &records)).expect("only framing is left");
    let rest: String = rest.chars().filter(|c| !c.is_whitespace() && *c != ',' && *c != '\u{feff}').collect();
    // What isn't closed by a bracket of its own is explained by a dead letter, which has the bracket or lacks it.
    let left = rest.replace(r#"{"Records":[]}"#, "");
    let unclosed = left.matches(r#"{"Records":["#).count();
    let left = left.replace(r#"{"Records":[]"#, "").replace("[]", "");
    assert!(["", "[", r#"{"Records":["#].contains(&&*left), "not accounted for: {left}");
    let unclosed = unclosed + usize::from(left == "[");
    let explains = |record: &&Record| match record {
        Record::DeadLetter(letter) => matches!(letter.reason_code, DeadReason::UnexpectedText | DeadReason::Truncated),
        Record::Event { .. } => false,
    };
    assert!(unclosed <= records.iter().filter(explains).count(), "cut short, and nothing says so");
    assert_eq!(summary(&crate::records(bytes, 3)), summary(&records));
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
