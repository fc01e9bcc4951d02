//! Records out of envelopes, over several lines and without line ends; and that damage hides nothing beside it.

use countersign_formats::{Auto, DeadReason, Format, Record};
use expect_test::expect;

use crate::{check, literal, record, records, summary};

/// What becomes of lines, without where they are.
fn outcomes(text: &str) -> Vec<String> {
    let outcome = |record: &Record| match record {
        Record::Event { event, .. } => event.id.to_string(),
        Record::DeadLetter(letter) => letter.reason_code.code().to_owned(),
    };
    records(text.as_bytes(), usize::MAX).iter().map(outcome).collect()
}

/// A record as `jq` prints it.
fn pretty(id: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(&record(id)).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}

#[test]
fn objects_need_no_line_ends_and_may_have_many() {
    let (a, b, c) = (record("a"), record("b"), record("c"));
    check(
        format!("{a}{b} {c}{a}\n{b},\n{c},"),
        expect![[r#"
            0 0+66 event a
            1 66+66 event b
            2 133+66 event c
            3 199+66 event a
            4 266+66 event b
            5 334+66 event c
        "#]],
    );
    assert_eq!(outcomes(&format!("\x1e{a}\n\x1e{b}\n")), ["a", "b"]);
    let (a, b) = (pretty("a"), pretty("b"));
    for text in [format!("{a}\n{b}\n"), format!("{a}{b}"), format!("[\n{a},\n{b}\n]"), format!("{a}\r\n{b}")] {
        assert_eq!(outcomes(&text), ["a", "b"], "{text}");
    }
    // A line with as many braces of both kinds that isn't whole: one of them is in a text.
    let split = record("a").replacen('{', "{\"s\":\"}\",\"x\":{}\n,", 1);
    assert_eq!(outcomes(&format!("{split}\n{}\n", record("b"))), ["a", "b"]);
    let indented = |text: &str| format!("  {}", text.replace('\n', "\n  "));
    let list = format!("{{\n \"Records\": [\n{},\n{}\n ]\n}}\n{}", indented(&a), indented(&b), record("c"));
    assert_eq!(outcomes(&list), ["a", "b", "c"]);
}

#[test]
fn a_damaged_line_hides_no_other() {
    let (a, b, c) = (record("a"), record("b"), record("c"));
    for damaged in [
        "{{{{",
        "}}}}",
        "{\"a\":\"not closed",
        "{\"a\":[",
        "{\"a\":",
        "{\"a\":{\"b\":",
        "[[[[",
        "[{",
        "[{\"a\":\"not closed",
        "[{\"a\":[{\"b\":1},",
        "\"",
        "{\"Records\":[",
        "{\"Records\":[{",
        "{\"Records\":[]",
        "{\"Records\":[],\"more\":[",
        "{\"Records\":[],\"more\":\"",
        "{\"Events\":[{\"CloudTrailEvent\":\"{",
        "{\"message\":\"{{{{\"}",
        "{\"message\":\"{\\\"a\\\":\\\"\"}",
        &a[..40],
        &a[..a.len() - 1],
        "{\"a\":1}}}}",
        "plain text",
        "\\",
    ] {
        let got = outcomes(&format!("{a}\n{damaged}\n{b}\n{}\n{c}\n", pretty("d")));
        let events: Vec<&String> = got.iter().filter(|one| one.len() == 1).collect();
        assert_eq!(events, ["a", "b", "d", "c"], "{damaged}: {got:?}");
        let dead = got.len() - events.len();
        assert!((1..=3).contains(&dead) || damaged.contains("[[[["), "{damaged}: {got:?}");
    }
}

#[test]
fn a_damaged_document_is_one_dead_letter_and_no_part_of_it_a_record() {
    let inner = record("inner");
    let document = format!("{{\n  \"a\": oops oops,\n  \"b\": [\n    {inner},\n    {inner}\n  ]\n}}");
    assert_eq!(outcomes(&format!("{document}\n{}", record("next"))), ["malformed-json", "next"]);
    let one_line = format!("{{\"a\":oops oops,\"b\":[{inner},{inner}]}}{}", record("next"));
    assert_eq!(outcomes(&one_line), ["malformed-json", "next"]);
    // A text with a record in it, where what is before it has lost a quotation mark.
    let text = format!("{{\"a\":\"x,\"b\":{},\"c\":1}}", literal(&format!("}}{inner}")));
    assert_eq!(outcomes(&format!("{text}\n{}", record("next"))), ["malformed-json", "next"]);
}

#[test]
fn envelopes_are_opened_in_any_named_format_and_where_they_stand_is_told() {
    let (a, b) = (record("a"), record("b"));
    check(
        format!("{{\"detail-type\":\"t\",\"source\":\"aws.x\",\"detail\":{a}}}\n{b}"),
        expect![[r#"
            0 45+66 event a
            1 113+66 event b
        "#]],
    );
    // Those out of a text are where the text is.
    check(
        format!("{{\"message\":{}}}\n{b}", literal(&format!("{a}\n{{{{\n{b}"))),
        expect![[r#"
            0 11+164 event a
            1 11+164 malformed-json: expected a JSON object, got: key must be a string at line 1 column 2 | {{
            2 11+164 event b
            3 177+66 event b
        "#]],
    );
    check(
        format!("{{\"logGroup\":\"g\",\"logEvents\":[{{\"message\":\"plain\"}},{{\"message\":{}}}]}}", literal(&a)),
        expect![[r#"
            0 29+19 event-time-missing: expected a time in `eventTime` or `@timestamp`, got none | {\"message\":\"plain\"}
            1 60+80 event a
        "#]],
    );
    check(
        format!("{{\"Events\":[{{\"CloudTrailEvent\":{}}}],\n\"NextToken\":\"n\",\"more\":[1]}}{b}", literal(&a)),
        expect![[r#"
            0 30+80 event a
            1 141+66 event b
        "#]],
    );
}

#[test]
fn envelopes_are_opened_four_deep() {
    let nested = |depth: usize| (0..depth).fold(record("a"), |inner, _| format!("{{\"_source\":{inner}}}"));
    let texts = |depth: usize| (0..depth).fold(record("a"), |inner, _| format!("{{\"log\":{}}}", literal(&inner)));
    for depth in [1, 4] {
        assert_eq!(outcomes(&nested(depth)), ["a"]);
        assert_eq!(outcomes(&texts(depth)), ["a"]);
        assert_eq!(outcomes(&format!("[{}]", nested(depth - 1))), ["a"]);
    }
    for text in
        [nested(5), texts(5), format!("[{}]", nested(4)), format!("{{\"Records\":[{}]}}", texts(4)), nested(2_000)]
    {
        assert_eq!(outcomes(&format!("{text}\n{}", record("next"))), ["nested-too-deep", "next"]);
    }
}

#[test]
fn base64_in_an_envelope_is_unpacked_within_bounds() {
    // `{"a":1}{"a":2}` as it is and in gzip.
    let records = |data: &str| outcomes(&format!("{{\"kinesis\":{{\"data\":\"{data}\"}}}}"));
    assert_eq!(records("eyJhIjoxfXsiYSI6Mn0="), ["event-time-missing", "event-time-missing"]);
    assert_eq!(records("eyJhIjoxfX*"), ["malformed-json"]);
    assert_eq!(records("H4sIAAAA"), ["truncated"]);
}

#[test]
fn what_stands_around_an_unknown_record_is_named() {
    let text = r#"{"wrapped":{"eventName":"x"},"by":"nobody","\u001b[2J":1}"#;
    let read: Vec<Record> = Auto.read(Box::new(text.as_bytes()), 0).collect();
    let [Record::DeadLetter(letter)] = &read[..] else { panic!("{}", summary(&read)) };
    assert_eq!(letter.reason_code, DeadReason::SourceUnknown);
    assert!(letter.reason.contains(r"`wrapped`, `by`, `\u{1b}[2J`"), "{}", letter.reason);
}
