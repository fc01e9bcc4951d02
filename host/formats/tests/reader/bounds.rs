//! Bounds: records that are too long, and nesting that is deep.

use countersign_formats::reader::{MAX_ENVELOPE_BYTES, MAX_RECORD_BYTES};
use countersign_formats::{DeadReason, Record};
use expect_test::expect;

use crate::{check, record, records, summary};

#[test]
fn a_record_that_is_too_long_is_skipped_without_being_held() {
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
            1 79+0 truncated: expected `}` after the records, got another document | 
            2 79+3145742 record-too-large: expected a record of at most 1048576 bytes, got 3145742 | {\"eventID\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
            3 3145821+1 malformed-json: expected a JSON object, got: expected value at line 1 column 1 | }
            4 3145822+66 event a
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
        let padded = record("s").replace('}', &(spaces(record("s").len()) + "}"));
        for input in [
            format!("{padded}\n{}", record("t")),
            format!("{padded}{}", record("t")),
            format!(r#"{{"Records":[{}],{}}}{}"#, record("s"), spaces(2), record("t")),
        ] {
            let whole = summary(&records(input.as_bytes(), usize::MAX));
            assert_eq!(summary(&records(input.as_bytes(), 1_000)), whole, "{past}");
            assert_eq!(whole.contains("record-too-large"), past > 0, "{whole}");
        }
    }
}

#[test]
fn an_envelope_may_be_longer_than_a_record() {
    let fill = "x".repeat(MAX_ENVELOPE_BYTES / 10);
    let one = |id: &str| record(id).replace('}', &format!(r#","fill":"{fill}"}}"#));
    let many: Vec<String> = (0..9).map(|id| one(&id.to_string())).collect();
    for input in [
        format!(r#"{{"x":1,"Records":[{}]}}"#, many.join(",")),
        format!(r#"{{"Records":[{}]}}"#, vec![many.join(","); 3].join(",")),
        many.join(""),
    ] {
        let read = records(input.as_bytes(), usize::MAX);
        assert!(read.iter().all(|record| matches!(record, Record::Event { .. })), "{}", summary(&read));
        assert_eq!(read.len() % 9, 0);
    }
    // Past the cap it is one dead letter, and what follows is read.
    let input = format!("{{\"x\":1,\"Records\":[{}]}}\n{}", vec![many.join(","); 2].join(","), record("t"));
    let read = records(input.as_bytes(), usize::MAX);
    let [Record::DeadLetter(letter), Record::Event { .. }] = &read[..] else { panic!("{}", summary(&read)) };
    assert_eq!(letter.reason_code, DeadReason::RecordTooLarge);
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
