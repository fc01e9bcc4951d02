//! Lines, lists and `{"Records": […]}` documents, whole and damaged.

use std::io::{self, Cursor, Read};

use countersign_formats::{CloudTrail, Format, Record};
use expect_test::expect;

use crate::{check, record, summary};

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
            4 82+66 event b
            5 148+66 event c
            6 215+30 truncated: expected the rest of a JSON object, got: EOF while parsing a string at line 1 column 30 | {\"eventID\":\"c\",\"eventTime\":\"20
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
        5 160+12 event-time-missing: expected a time in `eventTime` or `@timestamp`, got none | {\"s\":\"}\\\"{\"}
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
        format!(r#"{{"Records":[{a}],"more":[1],"next":"token"}}{b}"#),
        expect![[r#"
        0 12+66 event a
        1 106+66 event b
    "#]],
    );
    // A record could be in this.
    check(
        format!(r#"{{"Records":[{a}],"more":[{{}}]}}{b}"#),
        expect![[r#"
            0 12+66 event a
            1 79+13 unexpected-text: expected `}` after the records, got other text | ,\"more\":[{}]}
            2 92+66 event b
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
    check(
        format!(r#"{{"Records":[{a}],"more":oops}}{b}"#),
        expect![[r#"
            0 12+66 event a
            1 79+13 unexpected-text: expected `}` after the records, got other text | ,\"more\":oops}
            2 92+66 event b
        "#]],
    );
    check(
        format!(r#"{{"Records":[{a}]e400}}{b}"#),
        expect![[r#"
            0 12+66 event a
            1 79+5 unexpected-text: expected `}` after the records, got other text | e400}
            2 84+66 event b
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
fn a_failing_read_ends_the_input_in_one_dead_letter() {
    let bytes = format!("{}\n{}", record("a"), &record("b")[..20]);
    let records: Vec<Record> = CloudTrail.read(Box::new(Failing(Cursor::new(bytes.into()))), 0).collect();
    expect![[r#"
        0 0+66 event a
        1 67+20 unreadable: expected to read on, got: disk on fire; what came before was delivered | {\"eventID\":\"b\",\"even
    "#]].assert_eq(&summary(&records));
}

#[test]
fn records_without_an_id_are_numbered_by_occurrence() {
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
