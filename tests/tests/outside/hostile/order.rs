//! Attempts on the order of records and on what counts as one: forged times, copies, redeliveries, directions of files.

use std::fs;
use std::path::PathBuf;

use countersign_inputs::{Inputs, Reading, Sources};
use countersign_model::vocabulary::PartitionKey;
use countersign_model::{SourceId, Timestamp};
use countersign_session::SessionOptions;
use countersign_session::sequence::{Next, sequence};
use countersign_stream::{Claim, Clock};

use super::permitted::{OTHER, OWN, call, decided, user};
use super::sources::counting;
use super::{Attempt, Defence, attempt};

pub(super) fn attempts() -> Vec<Attempt> {
    let nothing = || Defence::NothingGained;
    vec![
        attempt(
            "call-spelled-three-ways",
            "has one call counted three times by spelling it otherwise",
            nothing(),
            spelled_three_ways,
        ),
        attempt(
            "call-copied-for-others",
            "has one call counted three times by copies for other recipients",
            nothing(),
            copied_for_others,
        ),
        attempt(
            "forged-first-copy",
            "has copies of what others will do come first, to have it taken for redelivered",
            nothing(),
            forged_first_copy,
        ),
        attempt(
            "future-first-in-a-file",
            "begins a file with a time in 2099, so that the rest comes too late",
            nothing(),
            || order_of(&[&[YEARS, 1, 4, 7], &[2, 5, 8]], &[&[1, 4, 7], &[2, 5, 8]]),
        ),
        attempt("future-between-all", "forges every second record of a file", nothing(), || {
            order_of(&[&[1, YEARS, 4, YEARS + 1, 7], &[2, 5, 8]], &[&[1, 4, 7], &[2, 5, 8]])
        }),
        attempt(
            "clock-by-another-file",
            "moves time by records in a row that agree on the future, in a file of its own",
            nothing(),
            || {
                order_of(
                    &[&[1, YEARS, YEARS + 1, YEARS + 2, YEARS + 3, 2, 3, 4, 5, 6, 7], &[2, 5, 8]],
                    &[&[1, 2, 3, 4, 5, 6, 7], &[2, 5, 8]],
                )
            },
        ),
        attempt(
            "flood-that-turns-a-file",
            "has a file read from its end by forged records that are newest first",
            nothing(),
            turned_by_a_flood,
        ),
        attempt("old-times-without-end", "holds back ticks for all sources by old times", nothing(), held_back),
    ]
}

/// A rule that finds something in every third call of an account, on these lines.
fn findings(lines: &[(usize, String)]) -> usize {
    decided(&[&counting(PartitionKey::Actor)], "", lines).findings
}

fn anna() -> String {
    user("AIDAANNA", "AKIAANNA")
}

fn spelled_three_ways() -> Defence {
    let once = call(0, &anna(), r#""requestParameters":{"a":1,"b":["é"]},"#);
    let again = once.replace(r#"{"a":1,"b":["é"]}"#, r#"{ "b" : [ "\u00e9" ], "a" : 1.0 }"#);
    // Its members from the last to the first.
    let value: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&once).unwrap();
    let members = value.iter().rev().map(|(name, value)| format!("{name:?} : {value}"));
    let turned = format!("{{{}}}\r", members.collect::<Vec<_>>().join(",  "));
    let another = |second| call(second, &anna(), "");
    let found = findings(&[(OWN, once.clone()), (OWN, again), (OWN, turned)]);
    let control = findings(&[(OWN, once), (OWN, another(1)), (OWN, another(2))]);
    Defence::nothing_gained((found, control) == (0, 1), || format!("{found} {control}"))
}

/// A copy of a call for a recipient.
fn copy(second: i64, recipient: &str, rest: &str) -> String {
    let rest = format!(r#""requestID":"r-{second}","sharedEventID":"s-{second}",{rest}"#);
    let copy = call(second, &anna(), &rest);
    let copy = copy.replace(&format!(r#""eventID":"{second}""#), &format!(r#""eventID":"{second}-{recipient}""#));
    copy.replace(r#""recipientAccountId":"111122223333""#, &format!(r#""recipientAccountId":"{recipient}""#))
}

fn copied_for_others() -> Defence {
    let of = |recipients: [&str; 3]| recipients.map(|recipient| (OWN, copy(0, recipient, "")));
    let found = findings(&of(["111122223333", "444455556666", "777788889999"]));
    // Without an id that they share they are three.
    let apart =
        of(["111122223333", "444455556666", "777788889999"]).map(|(by, line)| (by, line.replace("shared", "other")));
    let control = findings(&apart);
    Defence::nothing_gained((found, control) == (0, 1), || format!("{found} {control}"))
}

fn forged_first_copy() -> Defence {
    let denied = r#""errorCode":"AccessDenied","#;
    // By a source that isn't believed, and whose calls count apart; and by one that is but says something else.
    for (by, rest, copies, expected) in
        [(OTHER, "", 2, 1), (OWN, denied, 3, 2), (OWN, r#""requestParameters":{"a":1},"#, 3, 2)]
    {
        let forged = (0..copies).map(|second| (by, copy(second, "444455556666", rest)));
        let genuine = (0..3).map(|second| (OWN, copy(second, "111122223333", "")));
        let lines: Vec<(usize, String)> = forged.chain(genuine).collect();
        let found = findings(&lines);
        if found != expected {
            return Defence::None(format!("{by} {rest}: {found} findings"));
        }
    }
    Defence::NothingGained
}

const YEARS: i64 = 2_000_000_000;

fn record(second: i64, tenant: &str) -> String {
    let time = Timestamp((1_714_550_400 + second) * 1_000_000);
    format!(
        "{{\"eventID\":\"{second}\",\"eventTime\":\"{time}\",\"eventName\":\"X\",\"recipientAccountId\":\"{tenant}\"}}\n"
    )
}

/// Whether records of some seconds come in the same order, with the same clock, as without those years ahead.
fn order_of(files: &[&[i64]], without: &[&[i64]]) -> Defence {
    let folder = tempfile::tempdir().unwrap();
    let order = |files: &[&[i64]]| {
        let paths: Vec<PathBuf> = files
            .iter()
            .enumerate()
            .map(|(place, seconds)| {
                let path = folder.path().join(place.to_string());
                let text: String = seconds.iter().map(|second| record(*second, "111122223333")).collect();
                fs::write(&path, text.replace("\"eventID\":\"", &format!("\"eventID\":\"{place}-"))).unwrap();
                path
            })
            .collect();
        let mut inputs = Inputs::open(&paths, Reading::Format(&countersign_formats::CloudTrail)).ok().unwrap();
        inputs.turn();
        let merged = inputs.records().unwrap();
        let mut order = Vec::new();
        for next in sequence(merged, SessionOptions::MAX_GAP) {
            match next {
                Next::Event { event, .. } => order.push((event.event.id.to_string(), event.clock, event.late)),
                Next::Duplicate(_) | Next::DeadLetter(_) => {}
            }
        }
        order
    };
    let (with, expected) = (order(files), order(without));
    Defence::nothing_gained(with == expected, || format!("{with:?}, without it {expected:?}"))
}

fn turned_by_a_flood() -> Defence {
    let sources =
        "version = 1\n\n[[source]]\nname = \"trail\"\nformat = \"cloudtrail\"\ntenants = [\"aws:111122223333\"]\n";
    let sources = Sources::parse(sources).unwrap();
    let forged = |at: i64| (1..20).map(move |before| record(at - before * 1_000, "999988887777"));
    let text: String =
        (0..40).flat_map(|at| std::iter::once(record(at * 10, "111122223333")).chain(forged(at * 10))).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trail.ndjson");
    fs::write(&path, text).unwrap();
    let named = PathBuf::from(format!("trail={}", path.display()));
    let mut inputs = Inputs::open(&[named], Reading::Sources(&sources)).ok().unwrap();
    inputs.turn();
    Defence::nothing_gained(inputs.turned().next().is_none(), || "the file is read from its end".to_owned())
}

fn held_back() -> Defence {
    let ticks = |old: Option<bool>| {
        let mut clock = Clock::default();
        let (genuine, other): (SourceId, SourceId) = ("genuine".into(), "other".into());
        let mut ticks = 0;
        for second in 0..3_600 {
            let now = Timestamp(second * 1_000_000);
            let old = old.map(|bound| (&other, Timestamp(-second), bound));
            for (source, time, bound) in [Some((&genuine, now, true)), old].into_iter().flatten() {
                let plan = clock.plan(Claim { source, time, believed: time, bound });
                clock.apply(source, &plan);
                ticks += u32::from(plan.tick.is_some());
            }
        }
        ticks
    };
    let (alone, unbound, bound) = (ticks(None), ticks(Some(false)), ticks(Some(true)));
    let same = |ticks: u32| ticks + 10 >= alone;
    Defence::nothing_gained(same(unbound) && same(bound) && alone > 50, || format!("{alone} {unbound} {bound}"))
}
