//! Time and order: files that are newest first, forged times, records that come again in another spelling or as copies.

use std::fs::File;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Folder, gzip, of_type};

const REPLAY: &str = "replay --source cloudtrail --identities identities.toml --only-rules rules --json";

/// Findings, decisions and notices, without the numbers of their records.
fn found(lines: &[Value]) -> Vec<Value> {
    let found = lines.iter().filter(|line| !["summary", "dead-letter"].contains(&line["type"].as_str().unwrap()));
    let mut found: Vec<Value> = found.cloned().collect();
    found.iter_mut().for_each(|line| drop(line.as_object_mut().unwrap().remove("seq")));
    found
}

fn reversed(text: &str) -> String {
    text.lines().rev().map(|line| format!("{line}\n")).collect()
}

/// The demo's telemetry, and what is found in it.
fn demo() -> (Folder, String, Vec<Value>) {
    let folder = Folder::new();
    folder.prepare("");
    let lines = folder.cli(&format!("{REPLAY} events.ndjson")).exits(0).json();
    assert!(of_type(&lines, "finding").len() > 1, "{lines:?}");
    let events = folder.read("events.ndjson");
    (folder, events, lines)
}

#[test]
fn a_file_that_is_newest_first_is_judged_oldest_first() {
    let (folder, events, expected) = demo();
    let newest_first = reversed(&events);
    folder.write("turned.ndjson", &newest_first);
    folder.write("turned.json.gz", gzip(&newest_first));
    folder.write("document.json", format!("{{\"Records\":[{}]}}", newest_first.trim().replace('\n', ",")));
    for name in ["turned.ndjson", "turned.json.gz", "document.json"] {
        for options in ["", "--batch 1 --workers 1", "--batch 7 --workers 2"] {
            let ran = folder.cli(&format!("{REPLAY} {options} {name}")).exits(0);
            assert!(ran.stderr.contains(&format!("`{name}` is newest first: read from its end")), "{}", ran.stderr);
            let lines = ran.json();
            assert_eq!(found(&lines), found(&expected), "{name} {options}");
            let (summary, plain) = (lines.last().unwrap(), expected.last().unwrap());
            assert_eq!((&summary["turned"], &plain["turned"]), (&json!([0]), &Value::Null));
            assert_eq!(summary["events"], plain["events"]);
        }
    }
    // For people too, and on record.
    let words = "replay --source cloudtrail --only-rules rules turned.ndjson --audit run.audit";
    let ran = folder.cli(words).exits(0);
    assert!(ran.stdout.contains("files read from their end"), "{}", ran.stdout);
    assert!(folder.read("run.audit").contains(r#""turned":true"#));
    folder.cli("audit verify run.audit").exits(0);
    folder.cli("audit recompute run.audit").exits(0);

    // `events` prints what is judged, with the same positions.
    let positions = |file: &str| {
        let lines = folder.cli(&format!("events --source cloudtrail --json {file}")).exits(0).json();
        lines.iter().map(|line| (line["position"].clone(), line["event_id"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(positions("turned.json.gz"), positions("events.ndjson"));

    // What can't be read again isn't turned.
    let stdin = File::open(folder.path("turned.ndjson")).unwrap();
    let words: Vec<&str> = REPLAY.split(' ').chain(["-"]).collect();
    let output = folder.command(&words).stdin(Stdio::from(stdin)).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && !text.contains("\"turned\""), "{text}");
}

#[test]
fn a_turned_file_goes_on_in_a_store_or_is_refused() {
    let (folder, events, expected) = demo();
    let (older, newer) = events.split_at(events.match_indices('\n').nth(600).unwrap().0 + 1);
    folder.write("older.json.gz", gzip(&reversed(older)));
    folder.write("newer.ndjson", newer);
    let replay = format!("{REPLAY} --store run.db");
    // The first file alone, then another beside it, then nothing new.
    let mut lines = folder.cli(&format!("{replay} older.json.gz")).exits(0).json();
    lines.extend(folder.cli(&format!("{replay} older.json.gz newer.ndjson")).exits(0).json());
    assert_eq!(found(&lines), found(&expected));
    let again = folder.cli(&format!("{replay} older.json.gz newer.ndjson")).exits(0).json();
    assert_eq!((again.len(), &again[0]["turned"]), (1, &json!([0])));
    assert_eq!(again[0]["events"], expected.last().unwrap()["events"]);
    // Newer records at its beginning come after those that were processed; others are refused.
    let one_more = newer.lines().last().unwrap().replace("\"eventID\":\"", "\"eventID\":\"more-");
    folder.write("older.json.gz", gzip(&format!("{one_more}\n{}", reversed(older))));
    let more = folder.cli(&format!("{replay} older.json.gz newer.ndjson")).exits(0).json();
    let events = |lines: &[Value]| lines.last().unwrap()["events"].as_u64().unwrap();
    assert_eq!(events(&more), events(&again) + 1);
    folder.write("older.json.gz", gzip(&format!("{}{one_more}\n", reversed(older))));
    let refused = folder.cli(&format!("{replay} older.json.gz newer.ndjson")).exits(2);
    assert!(refused.stderr.contains("older.json.gz") && refused.stderr.contains("others"), "{}", refused.stderr);
}

#[test]
fn a_file_too_large_to_be_turned_is_left_out_by_itself() {
    let (folder, events, expected) = demo();
    let large = reversed(&events) + &"{}\n".repeat(1_000_000);
    folder.write("large.ndjson", large);
    let ran = folder.cli(&format!("{REPLAY} large.ndjson")).exits(2);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("tac FILE"), "{}", ran.stderr);
    let ran = folder.cli(&format!("{REPLAY} large.ndjson events.ndjson")).exits(1);
    assert!(ran.stderr.contains("`large.ndjson`: expected records oldest first"), "{}", ran.stderr);
    assert_eq!(found(&ran.json()), found(&expected));
}

#[test]
fn forged_times_change_nothing_in_what_other_records_lead_to() {
    let (folder, events, _) = demo();
    // Every other record in one of two files.
    let lines: Vec<&str> = events.lines().collect();
    let of = |rest: usize| lines.iter().skip(rest).step_by(2).map(|line| format!("{line}\n")).collect::<String>();
    let (a, b) = (of(0), of(1));
    folder.write("a.ndjson", &a);
    folder.write("b.ndjson", &b);
    let expected = folder.cli(&format!("{REPLAY} a.ndjson b.ndjson")).exits(0).json();
    let forged = |line: &str, year: &str| {
        let time = line.find("\"eventTime\":\"").unwrap() + 13;
        format!("{}{year}{}\n", &line[..time], &line[time + 4..])
    };
    let first = forged(a.lines().next().unwrap(), "2099") + &a;
    let middle: String = (a.lines().zip(0..))
        .map(|(line, place)| {
            let some: String =
                if place == 60 { (0..5).map(|at| forged(lines[at], "2098")).collect() } else { String::new() };
            format!("{some}{line}\n")
        })
        .collect();
    let every_other: String = a.lines().map(|line| forged(line, "2097") + line + "\n").collect();
    let count = a.lines().count();
    for (name, text, set_aside) in [("first", first, 1), ("middle", middle, 5), ("every other", every_other, count)] {
        folder.write("a.ndjson", text);
        for options in ["", "--batch 3 --workers 1"] {
            let lines = folder.cli(&format!("{REPLAY} --max-dead 100% {options} a.ndjson b.ndjson")).exits(0).json();
            assert_eq!(found(&lines), found(&expected), "{name}");
            assert_eq!(lines.last().unwrap()["set_aside"], json!(set_aside), "{name}");
            let letters = of_type(&lines, "dead-letter");
            assert!(letters.iter().all(|letter| letter["reason_code"] == "time-far-ahead"), "{letters:?}");
        }
    }
}

/// A call that was denied, as the trail of an account has it.
fn denied(call: u32, recipient: &str, change: impl FnOnce(&mut Value)) -> Value {
    let operation = ["GetObject", "ListObjects", "PutObject", "GetBucketPolicy"][call as usize % 4];
    let mut record = json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": "AIDAPROBER", "arn": "arn:aws:iam::111122223333:user/prober",
            "accountId": "111122223333", "accessKeyId": "AKIAPROBER", "userName": "prober",
        },
        "eventTime": format!("2026-05-04T08:30:{call:02}Z"),
        "eventSource": "s3.amazonaws.com",
        "eventName": operation,
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "203.0.113.9",
        "userAgent": "aws-cli/2",
        "errorCode": "AccessDenied",
        "requestParameters": {"bucketName": "b", "key": format!("k{call}")},
        "responseElements": null,
        "requestID": format!("rq-{call}"),
        "eventID": format!("{recipient}-{call}"),
        "eventType": "AwsApiCall",
        "recipientAccountId": recipient,
        "sharedEventID": format!("shared-{call}"),
    });
    change(&mut record);
    record
}

fn judged(folder: &Folder, records: &[Value]) -> (usize, Value) {
    let text: String = records.iter().map(|record| format!("{record}\n")).collect();
    folder.write("events.ndjson", text);
    let lines = folder.cli("replay --source auto --only-rules rules --json events.ndjson").exits(0).json();
    (of_type(&lines, "finding").len(), lines.last().unwrap().clone())
}

const CALLER: &str = "111122223333";
const OWNER: &str = "444455556666";

#[test]
fn copies_of_one_act_are_one_event() {
    let folder = Folder::new();
    folder.shipped(&["burst-of-denied-calls", "graduated-containment"]);
    let same = |_: &mut Value| {};
    let copies: Vec<Value> = (0..6).flat_map(|call| [denied(call, CALLER, same), denied(call, OWNER, same)]).collect();
    let (findings, summary) = judged(&folder, &copies);
    assert_eq!((findings, &summary["events"], &summary["duplicates"]), (0, &json!(6), &json!(6)));

    // As many calls of their own are found, and so they are with copies.
    let twelve = |change: fn(&mut Value)| {
        let calls = (0..12).flat_map(|call| [denied(call, OWNER, change), denied(call, CALLER, |_| {})]);
        judged(&folder, &calls.collect::<Vec<_>>())
    };
    let (findings, summary) = twelve(|_| {});
    assert!(findings > 0, "{summary}");
    assert_eq!(summary["duplicates"], json!(12));
    // A copy that comes first and says something else makes no genuine record disappear.
    let changes: [fn(&mut Value); 8] = [
        |record| record["sharedEventID"] = json!("another"),
        |record| record["requestID"] = json!("another"),
        |record| record["eventTime"] = json!("2026-05-04T08:30:59Z"),
        |record| record["eventName"] = json!("DeleteObject"),
        |record| record["userIdentity"]["accessKeyId"] = json!("AKIAOTHER"),
        |record| record["sourceIPAddress"] = json!("203.0.113.8"),
        |record| record["requestParameters"]["key"] = json!("another"),
        |record| drop(record.as_object_mut().unwrap().remove("errorCode")),
    ];
    for (place, change) in changes.into_iter().enumerate() {
        let (findings, summary) = twelve(change);
        assert!(findings > 0, "{place}");
        assert_eq!((&summary["events"], &summary["duplicates"]), (&json!(24), &json!(0)), "{place}");
    }
}

#[test]
fn a_redelivery_is_recognised_in_any_spelling() {
    let folder = Folder::new();
    folder.shipped(&["burst-of-denied-calls", "graduated-containment"]);
    let one = denied(1, CALLER, |record| record["requestParameters"] = json!({"a": 10, "é": ["x", {"b": 1, "c": 2}]}));
    let plain = one.to_string();
    let spelled = plain
        .replace(
            r#"{"a":10,"é":["x",{"b":1,"c":2}]}"#,
            r#"{ "\u00e9" : ["\u0078" , {"c":2.0, "b":1e0}], "a" : 1.0E1 }"#,
        )
        .replace("\"eventName\":\"ListObjects\"", "\"\\u0065ventName\" :\t\"List\\u004fbjects\"")
        .replace("08:30:01Z", "08:30:01.000+00:00");
    assert_ne!(plain, spelled);
    let turned: Vec<String> =
        one.as_object().unwrap().iter().rev().map(|(name, value)| format!("{:?}: {value}", name)).collect();
    let other = plain.replace("\"a\":10", "\"a\":11");
    let text = format!("{plain}\n{spelled}\r\n{{ {} }}\n{other}\n{{\"Records\":[{plain}]}}\n", turned.join(" , "));
    folder.write("events.ndjson", text);
    for words in ["--json", "--json --store run.db"] {
        let lines =
            folder.cli(&format!("replay --source auto --only-rules rules {words} events.ndjson")).exits(0).json();
        let summary = lines.last().unwrap();
        let counts = ["events", "duplicates", "id_reused", "set_aside"].map(|name| summary[name].as_u64().unwrap());
        assert_eq!(counts, [2, 3, 1, 0]);
    }
    // After a restart too.
    folder.write("more.ndjson", format!("{plain}\n"));
    let words = "replay --source auto --only-rules rules --json --store run.db events.ndjson more.ndjson";
    let lines = folder.cli(words).exits(0).json();
    assert_eq!((&lines[0]["events"], &lines[0]["duplicates"]), (&json!(2), &json!(4)));
}
