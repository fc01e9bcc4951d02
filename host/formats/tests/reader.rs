//! How inputs are cut into records: both forms, plain and gzip, whole and damaged; and that no byte gets lost.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy takes for other code"
)]

use std::io::{self, Cursor, Read, Write};

use countersign_formats::{CloudTrail, DeadReason, Record, Source, reader::MAX_RECORD_BYTES};
use countersign_model::Digest;
use expect_test::{Expect, expect};
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Gives at most so many bytes at a time.
struct Dribble(Cursor<Vec<u8>>, usize);

impl Read for Dribble {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.1);
        self.0.read(&mut buffer[..most])
    }
}

/// Fails once its bytes are through.
struct Failing(Cursor<Vec<u8>>);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("disk on fire")),
            count => Ok(count),
        }
    }
}

fn records(bytes: &[u8], step: usize) -> Vec<Record> {
    CloudTrail.read(Box::new(Dribble(Cursor::new(bytes.to_vec()), step)), 3).unwrap().collect()
}

fn span(record: &Record) -> (u64, u64, u64) {
    match record {
        Record::Event { event, .. } => (event.raw.ordinal, event.raw.offset, event.raw.length),
        Record::DeadLetter(letter) => (letter.ordinal, letter.offset, letter.length),
    }
}

fn summary(records: &[Record]) -> String {
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

#[test]
fn lines_with_whatever_stands_between_them() {
    let (a, b, c) = (record("a"), record("b"), record("c"));
    check("", expect![[""]]);
    check("\u{feff} \r\n\n", expect![[""]]);
    check(
        format!("\u{feff}{a}\r\n\r\n  {b} \n\t\n{c}"),
        expect![[r#"
        0 3+66 event a
        1 75+66 event b
        2 145+66 event c
    "#]],
    );
    check(
        "\x0c\n\x0b \n",
        expect![[r#"
        0 0+1 malformed-json: expected a JSON object, got: expected value at line 1 column 1 | \u{c}
        1 2+1 malformed-json: expected a JSON object, got: expected value at line 1 column 1 | \u{b}
    "#]],
    );
    check(
        format!("{a}\nnot json\n[1]\n7\n{b}{c}\n{}\n", &c[..30]),
        expect![[r#"
        0 0+66 event a
        1 67+8 malformed-json: expected a JSON object, got: expected ident at line 1 column 2 | not json
        2 76+3 not-an-object: expected a JSON object, got another JSON value | [1]
        3 80+1 not-an-object: expected a JSON object, got another JSON value | 7
        4 82+132 malformed-json: expected a JSON object, got: trailing characters at line 1 column 67 | {\"eventID\":\"b\",\"eventTime\":\"2024-05-01T00:00:00Z\",\"eventName\":\"X\"}{\"ev
        5 215+30 truncated: expected the rest of a JSON object, got: EOF while parsing a string at line 1 column 30 | {\"eventID\":\"c\",\"eventTime\":\"20
    "#]],
    );
    check(
        [a.as_bytes(), b"\n\xff\xfe\n", b.as_bytes()].concat(),
        expect![[r#"
        0 0+66 event a
        1 67+2 not-utf8: expected UTF-8, got something else from byte 0 of the record on | ��
        2 70+66 event b
    "#]],
    );
}

#[test]
fn lists_of_records_whole_several_and_broken() {
    let (a, b, c) = (record("a"), record("b"), record("c"));
    check(
        format!("\u{feff}[ {a},\r\n {b} ]\n[\n{c}]{a}\n"),
        expect![[r#"
        0 5+66 event a
        1 75+66 event b
        2 146+66 event c
        3 213+66 event a
    "#]],
    );
    check(
        format!("[{a},7,[{b}],tru,{c}"),
        expect![[r#"
        0 1+66 event a
        1 68+1 not-an-object: expected a JSON object, got another JSON value | 7
        2 70+68 not-an-object: expected a JSON object, got another JSON value | [{\"eventID\":\"b\",\"eventTime\":\"2024-05-01T00:00:00Z\",\"eventName\":\"X\"}]
        3 139+3 truncated: expected the rest of a JSON object, got: EOF while parsing a value at line 1 column 3 | tru
        4 143+66 event c
        5 209+0 truncated: expected the rest of the records, got the end of the input | 
    "#]],
    );
    // Neither a list of something else nor words in brackets begin one.
    check(
        format!("[1]\n[]\n[info] text\n[{a}\n{b}\n"),
        expect![[r#"
        0 0+3 not-an-object: expected a JSON object, got another JSON value | [1]
        1 4+2 not-an-object: expected a JSON object, got another JSON value | []
        2 7+11 malformed-json: expected a JSON object, got: invalid type: sequence, expected an object at line 1 column 0 | [info] text
        3 20+66 event a
        4 87+66 event b
        5 154+0 truncated: expected the rest of the records, got the end of the input | 
    "#]],
    );
}

#[test]
fn records_documents_whole_and_several() {
    let (a, b, c) = (record("a"), record("b"), record("c"));
    check(r#"{"Records":[]}"#, expect![[""]]);
    check(
        format!("\u{feff}{{\n \"Records\" : [\r\n {a},\n {b} ]\n}}\n"),
        expect![[r#"
        0 22+66 event a
        1 91+66 event b
    "#]],
    );
    check(
        format!(r#"{{"Records":[{a}]}}{{"Records":[{b}]}}{c}"#),
        expect![[r#"
        0 12+66 event a
        1 92+66 event b
        2 160+66 event c
    "#]],
    );
    check(
        format!(r#"{{"Records":[{a},7,"x]",null,[{b}],{{"s":"}}\"{{"}},tru,{c}]}}"#),
        expect![[r#"
        0 12+66 event a
        1 79+1 not-an-object: expected a JSON object, got another JSON value | 7
        2 81+4 not-an-object: expected a JSON object, got another JSON value | \"x]\"
        3 86+4 not-an-object: expected a JSON object, got another JSON value | null
        4 91+68 not-an-object: expected a JSON object, got another JSON value | [{\"eventID\":\"b\",\"eventTime\":\"2024-05-01T00:00:00Z\",\"eventName\":\"X\"}]
        5 160+12 event-time-missing: expected an RFC 3339 time in `eventTime`, got none | {\"s\":\"}\\\"{\"}
        6 173+3 truncated: expected the rest of a JSON object, got: EOF while parsing a value at line 1 column 3 | tru
        7 177+66 event c
    "#]],
    );
}

#[test]
fn damaged_documents_lose_only_what_is_damaged() {
    let (a, b) = (record("a"), record("b"));
    check(
        format!(r#"{{"Records":[{a},{b}"#),
        expect![[r#"
        0 12+66 event a
        1 79+66 event b
        2 145+0 truncated: expected the rest of the records, got the end of the input | 
    "#]],
    );
    check(
        format!(r#"{{"Records":[{a},{}"#, &b[..20]),
        expect![[r#"
        0 12+66 event a
        1 79+20 truncated: expected the rest of the records, got the end of the input | {\"eventID\":\"b\",\"even
    "#]],
    );
    check(
        format!(r#"{{"Records":[{a}],"more":[1]}}{b}"#),
        expect![[r#"
        0 12+66 event a
        1 79+12 unexpected-text: expected `}` after the records, got other text | ,\"more\":[1]}
        2 91+66 event b
    "#]],
    );
    check(
        format!("{{\"Records\":[{a}}}]}}\n{b}"),
        expect![[r#"
        0 12+66 event a
        1 78+1 malformed-json: expected a JSON object, got: expected value at line 1 column 1 | }
        2 82+66 event b
    "#]],
    );
    // What was part of a damaged record never becomes a record of its own.
    check(
        format!(r#"{{"Records":[{{"requestParameters":"x,{a},{b}]}}"#),
        expect![[r#"
        0 12+159 truncated: expected the rest of the records, got the end of the input | {\"requestParameters\":\"x,{\"eventID\":\"a\",\"eventTime\":\"2024-05-01T00:00:00Z\",\"eventName\"
    "#]],
    );
    check(
        r#"{"Records":"#,
        expect![[r#"
        0 0+11 truncated: expected the rest of a JSON object, got: EOF while parsing a value at line 1 column 11 | {\"Records\":
    "#]],
    );
}

#[test]
fn gzip_is_told_by_content_and_members_follow_one_another() {
    let (a, b) = (record("a"), record("b"));
    let whole = [gzip(format!("{a}\n").as_bytes()), gzip(format!(r#"{{"Records":[{b}]}}"#).as_bytes())].concat();
    check(
        &whole,
        expect![[r#"
        0 0+66 event a
        1 79+66 event b
    "#]],
    );
    check(
        &whole[..whole.len() - 12],
        expect![[r#"
        0 0+66 event a
        1 79+63 truncated: expected the rest of the gzip data, got: incomplete deflate stream; what came before was delivered | {\"eventID\":\"b\",\"eventTime\":\"2024-05-01T00:00:00Z\",
    "#]],
    );
    check(
        [whole.as_slice(), b"junk behind the data"].concat(),
        expect![[r#"
        0 0+66 event a
        1 79+66 event b
        2 147+0 damaged-compression: expected gzip data (RFC 1952), got: invalid gzip header; what came before was delivered | 
    "#]],
    );
    check(
        b"\x1f\x8b\x08",
        expect![[r#"
        0 0+0 truncated: expected the rest of the gzip data, got: unexpected end of file; what came before was delivered | 
    "#]],
    );
    check(
        b"\x1f",
        expect![[r#"
        0 0+1 malformed-json: expected a JSON object, got: expected value at line 1 column 1 | \u{1f}
    "#]],
    );
}

#[test]
fn what_is_too_long_is_set_aside_without_being_held() {
    let a = record("a");
    let long = format!(r#"{{"eventID":"{}"}}"#, "x".repeat(3 * MAX_RECORD_BYTES));
    check(
        format!("{a}\n{long}\n{a}"),
        expect![[r#"
        0 0+66 event a
        1 67+3145742 record-too-large: expected a record of at most 1048576 bytes, got 3145742 | {\"eventID\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
        2 3145810+66 event a
    "#]],
    );
    check(
        format!(r#"{{"Records":[{a},{long},{a}]}}"#),
        expect![[r#"
        0 12+66 event a
        1 79+3145742 record-too-large: expected a record of at most 1048576 bytes, got 3145742 | {\"eventID\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
        2 3145822+66 event a
    "#]],
    );
    check(
        format!(r#"{{"Records":[{a}]{long}}}{a}"#),
        expect![[r#"
        0 12+66 event a
        1 79+3145743 record-too-large: expected a record of at most 1048576 bytes, got 3145743 | {\"eventID\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
        2 3145822+66 event a
    "#]],
    );
    check(
        &long[..2 * MAX_RECORD_BYTES],
        expect![[r#"
        0 0+2097152 record-too-large: expected a record of at most 1048576 bytes, got 2097152 | {\"eventID\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
    "#]],
    );
    // Just within the cap, and just past it.
    let filler = |length: usize| format!("{}{}", record("f"), " ".repeat(length)).replace('}', "") + "}";
    let base = filler(0).len();
    check(
        filler(MAX_RECORD_BYTES - base) + "\n",
        expect![[r#"
        0 0+1048576 event f
    "#]],
    );
    check(
        filler(MAX_RECORD_BYTES - base + 1) + "\n",
        expect![[r#"
        0 0+1048577 record-too-large: expected a record of at most 1048576 bytes, got 1048577 | {\"eventID\":\"f\",\"eventTime\":\"2024-05-01T00:00:00Z\",\"eventName\":\"X\"                 
    "#]],
    );
}

#[test]
fn the_cap_does_not_depend_on_how_much_is_read_at_a_time() {
    for past in [0, 1, 70_000] {
        let spaces = |beside: usize| " ".repeat(MAX_RECORD_BYTES - beside + past);
        for input in [
            format!("{}{}\n{}", record("s"), spaces(record("s").len()), record("t")),
            format!(r#"{{"Records":[{}],{}}}{}"#, record("s"), spaces(2), record("t")),
        ] {
            let whole = summary(&records(input.as_bytes(), usize::MAX));
            assert_eq!(summary(&records(input.as_bytes(), 1_000)), whole, "{past}");
            assert_eq!(whole.contains("record-too-large"), past > 0, "{whole}");
        }
    }
}

#[test]
fn deep_nesting_is_no_way_to_hide() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let line = format!(
        r#"{{"eventID":"d","eventTime":"2024-05-01T00:00:00Z","eventName":"X","requestParameters":{{"a":{deep}}}}}"#
    );
    check(
        &line,
        expect![[r#"
        0 0+200093 event d
    "#]],
    );
    check(
        format!(r#"{{"Records":[{line},{}]}}"#, record("a")),
        expect![[r#"
        0 12+200093 event d
        1 200106+66 event a
    "#]],
    );
    // Too deep to be made canonical: the id is that of the bytes.
    check(
        line.replace(r#""eventID":"d","#, ""),
        expect![[r#"
        0 0+200079 event sha256-a5bbdfecd94002fa94dfb9b47f75bc2451faae094da233a6247c82197c4316e4-0
    "#]],
    );
}

#[test]
fn an_input_that_cannot_be_read_on_ends_in_one_dead_letter() {
    let bytes = format!("{}\n{}", record("a"), &record("b")[..20]);
    let records: Vec<Record> = CloudTrail.read(Box::new(Failing(Cursor::new(bytes.into()))), 0).unwrap().collect();
    expect![[r#"
        0 0+66 event a
        1 67+20 unreadable: expected to read on, got: disk on fire; what came before was delivered | {\"eventID\":\"b\",\"even
    "#]].assert_eq(&summary(&records));
    assert!(CloudTrail.read(Box::new(Failing(Cursor::new(Vec::new()))), 0).is_err());
}

#[test]
fn records_without_an_id_are_told_apart_by_how_often_they_came() {
    let bare = r#"{"eventTime":"2024-05-01T00:00:00Z","eventName":"X"}"#;
    // The same record in another order of members, then the first again.
    let other = r#"{ "eventName":"X", "eventTime":"2024-05-01T00:00:00Z"}"#;
    check(
        format!("{bare}\n{other}\n{bare}\n{}", bare.replace('X', "Y")),
        expect![[r#"
        0 0+52 event sha256-8f1778a64474d462d07d12cb20a675ff50bafe0c822f6c56c2f05617e9df3503-0
        1 53+54 event sha256-8f1778a64474d462d07d12cb20a675ff50bafe0c822f6c56c2f05617e9df3503-1
        2 108+52 event sha256-8f1778a64474d462d07d12cb20a675ff50bafe0c822f6c56c2f05617e9df3503-2
        3 161+52 event sha256-8e0abdc3467a3a31bf32e3f712acd20ac36976913c278a53ff6bb17f08ab64d9-0
    "#]],
    );
}

#[test]
fn what_comes_before_damage_in_gzip_does_not_depend_on_the_sizes_of_the_reads() {
    let plain: String = (0..200).map(|line| record(&format!("{line}-{}", line * 7919 % 1009)) + "\n").collect();
    let whole = gzip(plain.as_bytes());
    for at in [whole.len() / 4, whole.len() / 2, whole.len() - 40] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        let expected = summary(&records(&bytes, usize::MAX));
        for step in [1, 3, 64] {
            assert_eq!(summary(&records(&bytes, step)), expected, "byte {at}, {step} bytes a read");
        }
    }
}

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
    assert_eq!(summary(&self::records(bytes, 3)), summary(&records));
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
        let mut bytes = parts.concat();
        if bytes.starts_with(b"\x1f\x8b") {
            // Compressed data is another property.
            bytes.insert(0, b' ');
        }
        accounts_for_every_byte(&bytes);
    }

    #[test]
    fn damaged_gzip_never_panics_and_keeps_what_came_before(
        lines in 1_usize..20, cut in any::<prop::sample::Index>(), flip in any::<Option<prop::sample::Index>>(),
    ) {
        let plain: String = (0..lines).map(|line| record(&line.to_string()) + "\n").collect();
        let mut bytes = gzip(plain.as_bytes());
        let length = 2 + cut.index(bytes.len() - 1);
        bytes.truncate(length);
        if let Some(flip) = flip {
            // Flipping the first two bytes would make it another kind of input.
            let at = 2 + flip.index(length - 1);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 0x10;
            }
        }
        let whole = bytes == gzip(plain.as_bytes());
        let records = records(&bytes, usize::MAX);
        let dead = records.iter().filter(|record| matches!(record, Record::DeadLetter(_))).count();
        prop_assert!(!whole || (dead == 0 && records.len() == lines));
        if flip.is_none() && !whole {
            prop_assert_eq!(dead, 1);
            prop_assert!(matches!(records.last(), Some(Record::DeadLetter(_))));
        }
    }
}
