//! Attempts by somebody who may write a line, a message or a file that the host reads: to say things about others in it, to
//! hide the records around it, or to be more than the host can hold.

use std::io::{Cursor, Read};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_formats::{Auto, DeadReason, Format, Record};
use countersign_model::ReasonCode;

use super::permitted::{OWN, by_the_gate, call, decided, is_automatic, may, proposing, sure, user};
use super::{Attempt, Defence, attempt};

pub(super) fn attempts() -> Vec<Attempt> {
    let not_bound = || Defence::ByTheGate(ReasonCode::SourceNotBound);
    let bounded = || Defence::Bounded;
    vec![
        attempt("account-in-a-log-line", "has a call of somebody privileged logged as a line", not_bound(), || {
            logged(|record| format!(r#"{{"@timestamp":"t","message":{}}}"#, text(record)))
        }),
        attempt("log-line-among-objects", "the same where the line is an object of an index", not_bound(), || {
            logged(|record| format!(r#"{{"_source":{{"event":{{"original":{}}}}}}}"#, text(record)))
        }),
        attempt("event-on-the-bus", "puts an event of its own on an event bus", not_bound(), || {
            logged(|record| {
                format!(r#"{{"detail-type":"AWS API Call via CloudTrail","source":"app","detail":{record}}}"#)
            })
        }),
        attempt(
            "open-brackets-in-a-log",
            "leaves brackets and texts open before a true record",
            gained_nothing(),
            hide,
        ),
        attempt("envelopes-without-end", "nests envelopes deeper than anybody does", bounded(), nested),
        attempt("records-without-end", "an envelope of as many elements as fit", bounded(), || {
            let many = format!(r#"{{"logGroup":"g","logEvents":[{}{{}}]}}"#, r#"{"message":"{}"},"#.repeat(400_000));
            within(&many, 1, |reason| reason == DeadReason::RecordTooLarge)
        }),
        attempt("zstd-bomb", "a file of some kilobytes that comes to gigabytes", bounded(), || {
            unpacked_to_no_end(bomb(40_000))
        }),
        attempt("bomb-in-an-envelope", "the same in a record of a stream", bounded(), || {
            let data = STANDARD.encode(bomb(4_000));
            unpacked_to_no_end(format!(r#"{{"kinesis":{{"data":"{data}"}}}}"#).into_bytes())
        }),
    ]
}

fn gained_nothing() -> Defence {
    Defence::NothingGained
}

fn text(record: &str) -> String {
    serde_json::to_string(record).unwrap()
}

/// What comes of a call in an envelope that its source doesn't name, though the source is bound.
fn logged(envelope: impl Fn(&str) -> String) -> Defence {
    let actions = ["restrict-access", "require-reauthentication"];
    let rules = [sure(&may(&actions), ""), proposing("hostile/answer", &["restrict-access"], "")];
    let rules = [rules[0].as_slice(), &rules[1]];
    let record = call(0, &user("AIDACHIEF", "AKIACHIEF"), "");
    assert!(is_automatic(&decided(&rules, "", &[(OWN, record.clone())])));
    by_the_gate(&decided(&rules, "", &[(OWN, envelope(&record))]), ReasonCode::SourceNotBound)
}

fn read(bytes: Vec<u8>) -> impl Iterator<Item = Record> {
    let bytes: Box<dyn Read + Send> = Box::new(Cursor::new(bytes));
    Auto.read(bytes, 0)
}

/// The true record after each such line is read.
fn hide() -> Defence {
    let anna = user("AIDAANNA", "AKIAANNA");
    let lines = [
        "{{{{",
        "[[[[",
        r#"{"a":["#,
        r#"{"a":"#,
        r#"{"a":"left open"#,
        r#"[{"a":{"b":"#,
        r#"{"Records":["#,
        r#"{"Records":[],"a":["#,
        r#"{"message":"{\"a\":["}"#,
        "\"",
    ];
    let hidden: Vec<&str> = lines
        .into_iter()
        .filter(|line| {
            let (first, second) = (call(1, &anna, ""), call(2, &anna, ""));
            let records = read(format!("{line}\n{first}\n{line}\n{second}\n").into_bytes());
            let events: Vec<String> = records
                .filter_map(|record| match record {
                    Record::Event { event, .. } => Some(event.id.to_string()),
                    Record::DeadLetter(_) => None,
                })
                .collect();
            events != ["1", "2"]
        })
        .collect();
    Defence::nothing_gained(hidden.is_empty(), || format!("{hidden:?}"))
}

/// Bounded if an input gives so many dead letters of a reason and then a true record, in good time.
fn within(hostile: &str, letters: usize, reason: fn(DeadReason) -> bool) -> Defence {
    let begun = Instant::now();
    let true_one = call(1, &user("AIDAANNA", "AKIAANNA"), "");
    let (mut seen, mut events) = (0, 0);
    for record in read(format!("{hostile}\n{true_one}\n").into_bytes()) {
        match record {
            Record::Event { .. } => events += 1,
            Record::DeadLetter(letter) if reason(letter.reason_code) => seen += 1,
            Record::DeadLetter(letter) => return Defence::None(format!("{letter:?}")),
        }
    }
    match (seen, events, begun.elapsed()) {
        (seen, 1, taken) if seen == letters && taken < Duration::from_secs(30) => Defence::Bounded,
        other => Defence::None(format!("{other:?}")),
    }
}

fn nested() -> Defence {
    let mut texts = "{}".to_owned();
    for _ in 0..10 {
        texts = format!(r#"{{"log":{}}}"#, text(&texts));
    }
    let objects = format!("{}{{}}{}", r#"{"_source":"#.repeat(100_000), "}".repeat(100_000));
    let lists = format!("{}{}", "[{\"Records\":".repeat(50_000), "}]".repeat(50_000));
    for hostile in [texts, objects] {
        match within(&hostile, 1, |reason| reason == DeadReason::NestedTooDeep) {
            Defence::Bounded => {}
            other => return other,
        }
    }
    match read(lists.into_bytes()).count() {
        0..=4 => Defence::Bounded,
        many => Defence::None(format!("{many} records")),
    }
}

/// Zstandard: so many blocks of 128 KiB of one letter each.
fn bomb(blocks: usize) -> Vec<u8> {
    [&b"\x28\xb5\x2f\xfd\x00\x58"[..], &b"\x02\x00\x10x".repeat(blocks), b"\x03\x00\x00x"].concat()
}

fn unpacked_to_no_end(bytes: Vec<u8>) -> Defence {
    let begun = Instant::now();
    let letters: Vec<Record> = read(bytes).collect();
    match &letters[..] {
        [Record::DeadLetter(letter)]
            if letter.reason_code == DeadReason::ExpandsTooFar && begun.elapsed() < Duration::from_secs(30) =>
        {
            Defence::Bounded
        }
        _ => Defence::None(format!("{letters:?}")),
    }
}
