//! What undecodable bytes are recognised as.

use std::io::Cursor;

use countersign_formats::{Auto, CloudTrail, Format, Hint, Okta, Record, hint};
use expect_test::{Expect, expect};

use crate::{check, record, records};

const CLOUDTRAIL: &str =
    r#"{"eventTime":"2024-05-01T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject"}"#;

#[test]
fn a_file_that_is_no_json_is_one_dead_letter() {
    let line = format!("\n{}\n", record("a"));
    check(
        [b"PAR1\x15\x04", line.as_bytes(), line.as_bytes()].concat(),
        expect![[r#"
            0 0+142 not-utf8: expected JSON in UTF-8, got what looks like Parquet: read it with a tool such as `duckdb -c "COPY (FROM 'FILE') TO 'FILE.json'"` | PAR1\u{15}\u{4}\n{\"eventID\"
        "#]],
    );
    // Only at the beginning of an input: further down it is one bad record among others.
    check(
        [line.as_bytes(), b"\x28\xb5\x2f\xfd\x00\x01", line.as_bytes()].concat(),
        expect![[r#"
            0 1+66 event a
            1 68+6 not-utf8: expected UTF-8, got something else from byte 1 of the record on | (�/�\0\u{1}
            2 75+66 event a
        "#]],
    );
    // A long one isn't held.
    let mut long = b"PAR1\x15".to_vec();
    long.resize(5 << 20, b'x');
    let letters = records(&long, usize::MAX);
    assert!(matches!(&letters[..], [Record::DeadLetter(letter)] if letter.length == 5 << 20), "{letters:?}");
}

#[test]
fn kinds_of_files_are_recognised_by_how_they_begin() {
    let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for (beginning, expected) in [
        (b"\xfd7zXZ\x00\x00".to_vec(), "xz"),
        (b"BZh91AY&SY\x00".to_vec(), "bzip2"),
        (b"PK\x03\x04\x14".to_vec(), "zip"),
        (b"PAR1\x15\x04".to_vec(), "Parquet"),
        (b"ElfFile\x00".to_vec(), "EVTX"),
        (b"%PDF-1.7\n".to_vec(), "PDF"),
        (b"\xff\xfe\x00\x00{\x00\x00\x00".to_vec(), "UTF-32"),
        (b"\xd4\xc3\xb2\xa1\x02\x00".to_vec(), "pcap"),
        (utf_16("[{\"a\":1}]"), "UTF-16"),
    ] {
        for step in [1, usize::MAX] {
            let records = records(&beginning, step);
            let [Record::DeadLetter(letter)] = &records[..] else { panic!("{expected}: {records:?}") };
            assert_eq!((letter.reason_code.code(), letter.hint), ("not-utf8", Some(Hint::File(expected))));
            assert_eq!(serde_json::to_value(letter).unwrap()["hint"], format!("looks like {expected}"));
        }
    }
    for text in ["", "P", "PAR1 of 2", "BZh9", "Obj", "{", "[", "%PD", "\u{feff}{}"] {
        assert_eq!(hint(text.as_bytes()), None, "{text}");
    }
}

fn check_hints(format: &dyn Format, text: &str, expected: Expect) {
    let hints: String = format
        .read(Box::new(Cursor::new(text.to_owned())), 0)
        .map(|record| match record {
            Record::Event { .. } => "event\n".to_owned(),
            Record::DeadLetter(letter) => {
                let hint = letter.hint.map_or("none".to_owned(), |hint| hint.to_string());
                format!("{}: {hint}\n", letter.reason_code.code())
            }
        })
        .collect();
    expected.assert_eq(&hints);
}

#[test]
fn a_record_of_another_format_is_recognised() {
    let windows = r#"{"EventID":4624,"Channel":"Security"}"#;
    let both = format!("{},{}", &CLOUDTRAIL[..CLOUDTRAIL.len() - 1], &windows[1..]);
    let xml = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'></Event>";
    let no_time = r#"{"eventSource":"s3.amazonaws.com","eventName":"GetObject","userIdentity":{}}"#;
    let text = [windows, &both, xml, no_time, "{}", "7", "nonsense"].join("\n");
    check_hints(
        &CloudTrail,
        &text,
        expect![[r#"
            event-time-missing: looks like windows-security
            event
            malformed-json: looks like XML
            event-time-missing: none
            event-time-missing: none
            not-an-object: none
            malformed-json: none
        "#]],
    );
    check_hints(
        &Okta,
        &format!("{CLOUDTRAIL}\n{both}\n"),
        expect![[r#"
            event-name-missing: looks like cloudtrail
            event-name-missing: none
        "#]],
    );
    check_hints(
        &Auto,
        &text,
        expect![[r#"
            event-time-missing: none
            source-ambiguous: none
            malformed-json: looks like XML
            event-time-missing: none
            source-unknown: none
            not-an-object: none
            malformed-json: none
        "#]],
    );
}
