//! Rules without a sandbox that find, fail and hang by an event's operation, and the order of the resulting items.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::sync::Arc;

use countersign_declaration::{Declaration, parse_toml};
use countersign_formats::DeadReason;
use countersign_model::call::{
    AnswerFinding, CallFailure, DetectionAnswer, DetectionCall, Detector, Diagnostic, FailureKind, Level, SlotChanges,
    TextArena, Values,
};
use countersign_model::vocabulary::{FieldId, Severity, SubjectRole};
use countersign_model::{Timestamp, Value};
use countersign_stream::{Clock, HoldCause, LINE_SLOT};
use countersign_testing::texts;

use super::*;
use crate::chunk::Chunk;

#[path = "chunk_thousand.rs"]
mod thousand;

/// On an operation that begins with its letter: finds, fails, hangs or adds a diagnostic as the operation commands. Counts
/// the rows of each key.
struct Letter(char);

impl Detector for Letter {
    fn detect(&self, call: &DetectionCall) -> Result<DetectionAnswer, CallFailure> {
        let operations = texts(&call.batch.columns[0].values);
        let mine = |operation: &str, what: &str| operation.strip_prefix(self.0).is_some_and(|rest| rest.contains(what));
        let failure = |kind| Err(CallFailure { kind, message: "as the test wants".to_owned() });
        if operations.iter().any(|operation| mine(operation, "hang")) {
            return failure(FailureKind::Deadline);
        }
        if operations.iter().any(|operation| mine(operation, "fail")) {
            return failure(FailureKind::Trap);
        }
        let mut answer = DetectionAnswer::default();
        for (operation, row) in operations.iter().zip(0..) {
            if mine(operation, "find") {
                answer.findings.push(AnswerFinding {
                    row,
                    signal_class: "token".to_owned(),
                    confidence: 50,
                    severity: Severity::Low,
                    subject: SubjectRole::Actor,
                    evidence: Vec::new(),
                    techniques: Vec::new(),
                    message: operation.clone(),
                    evidence_role: None,
                });
            }
            if mine(operation, "note") {
                answer.diagnostics.push(Diagnostic { row, level: Level::Information, message: operation.clone() });
            }
        }
        let state = &call.state[0];
        let keys = state.blob_offsets.len() - 1;
        let rows_of = |key: usize| call.batch.rows.keys.iter().filter(|other| **other as usize == key).count();
        let count =
            |key: usize| state.blobs.get(state.blob_offsets[key] as usize..state.blob_offsets[key + 1] as usize);
        answer.states.push(SlotChanges {
            slot: 0,
            keys: (0..u32::try_from(keys).unwrap()).collect(),
            blobs: (0..keys)
                .map(|key| count(key).and_then(<[u8]>::first).unwrap_or(&0) + u8::try_from(rows_of(key)).unwrap())
                .collect(),
            blob_offsets: (0..=u32::try_from(keys).unwrap()).collect(),
            kept: Vec::new(),
            kept_offsets: vec![0; keys + 1],
        });
        Ok(answer)
    }

    fn migrate(&self, _: u32, _: u32, _: &[u8]) -> Result<Vec<u8>, CallFailure> {
        Err(CallFailure { kind: FailureKind::InvalidAnswer, message: "no older version".to_owned() })
    }
}

/// A rule that doesn't want events that begin with `-`.
fn declaration(letter: char) -> Declaration {
    let keys =
        format!("id = \"example/{letter}\"\nwhere = {{ not = {{ field = \"api.operation\", prefix = \"-\" }} }}");
    countersign_testing::declaration(
        &keys,
        "[[slot]]\nname = \"count\"\nversion = 1\nmax-bytes = 1\nmax-keys = 100\nttl = \"1h\"\n",
    )
}

/// One rule a letter of `ab`.
fn judges(batch: usize, min_accounts: u32) -> Judges {
    let judges = "ab".chars().map(|letter| {
        let stream = RuleStream::new(declaration(letter), Arc::new(Letter(letter)), Vec::new(), Vec::new());
        Judge::new(stream.with_holds(Holds::new(QuarantineThreshold { min_accounts, percent: 20 })), 0)
    });
    Judges::from_judges(judges.collect(), batch)
}

/// Events of an operation and a subject each, a second apart, from a position on.
pub(super) fn events(first: u64, rows: &[(&str, &str)]) -> Vec<Sequenced> {
    let mut clock = Clock::default();
    let events = (first..).zip(rows).map(|(position, (operation, subject))| {
        let time = Timestamp(1_700_000_000_000_000).plus_micros(i64::try_from(position).unwrap() * 1_000_000);
        let mut event = countersign_testing::call(position, operation, subject);
        (event.time, event.ingest_time) = (time, time);
        Sequenced::new(position, Arc::new(event), clock.place(&"example".into(), time, time).1)
    });
    events.collect()
}

fn dead_letter(position: u64, ordinal: u64) -> (u64, DeadLetter) {
    let letter = DeadLetter {
        input: 0,
        ordinal,
        offset: 0,
        length: 0,
        digest: countersign_model::Digest::of(b""),
        reason_code: DeadReason::MalformedJson,
        reason: String::new(),
        excerpt: String::new(),
        hint: None,
    };
    (position, letter)
}

/// The items: position, rule, and a description.
fn describe(placed: &[Placed]) -> Vec<(u64, char, String)> {
    let described = placed.iter().map(|placed| {
        let what = match &placed.item {
            Item::DeadLetter(letter) => format!("dead {}", letter.ordinal),
            Item::SetAside(failed) => format!("failed {}", failed.failure.kind.id()),
            Item::Held(held) => match &held.begun.cause {
                HoldCause::Accounts { failed, seen } => format!("quarantined {failed} of {seen}"),
                HoldCause::Charges { calls } => format!("parked for {calls} calls"),
                HoldCause::Deadline { .. } => format!("stopped for {}", held.begun.hold.source),
            },
            Item::Readmitted { hold, .. } => format!("readmitted {}", hold.source),
            Item::Disagreement(other) => format!("disagreed {}", other.what),
            Item::Diagnostic(diagnostic) => format!("noted {}", diagnostic.message),
            Item::Finding(finding) => format!("found {}", finding.finding.message),
        };
        (placed.position, ['a', 'b'][placed.rule], what)
    });
    described.collect()
}

/// A chunk with items of every kind: of the one source that there is `a` goes into quarantine at 7, `b` is stopped at 9.
const ROWS: &[(&str, &str)] = &[
    ("afind note", "ALICE"),
    ("bfind", "ALICE"),
    ("afail", "BOB"),
    ("afind", "BOB"),
    ("-afind", "BOB"),
    ("bnote find", "CAROL"),
    ("afail", "BOB"),
    ("afail", "CAROL"),
    ("afind", "ALICE"),
    ("bhang", "ALICE"),
    ("bfind", "ALICE"),
];

fn chunk() -> Chunk {
    let dead_letters = vec![dead_letter(0, 7), dead_letter(3, 8), dead_letter(3, 9)];
    Chunk { events: events(0, ROWS), dead_letters, duplicates: 0 }
}

fn expected() -> Vec<(u64, char, String)> {
    let expected = [
        (0, 'a', "dead 7"),
        (0, 'a', "noted afind note"),
        (0, 'a', "found afind note"),
        (1, 'b', "found bfind"),
        (2, 'a', "failed trap"),
        (3, 'a', "dead 8"),
        (3, 'a', "dead 9"),
        (3, 'a', "found afind"),
        (5, 'b', "noted bnote find"),
        (5, 'b', "found bnote find"),
        (6, 'a', "failed trap"),
        (7, 'a', "failed trap"),
        (7, 'a', "quarantined 2 of 3"),
        (9, 'b', "stopped for example"),
    ];
    expected.map(|(position, rule, what)| (position, rule, what.to_owned())).to_vec()
}

#[test]
fn items_do_not_depend_on_batches_or_workers() {
    for batch in [1, 2, 3, 4, 7, 100] {
        for workers in [1, 2, 5] {
            let mut judges = judges(batch, 2);
            let (placed, _) = judges.judge(&chunk().events, chunk().dead_letters, workers);
            assert_eq!(describe(&placed), expected(), "batches of {batch}, {workers} workers");
            // Up to the row after which each is held, without the one that no rule wants; then three and one.
            assert_eq!(judges.delivered().collect::<Vec<_>>(), [7, 9], "batches of {batch}");
            assert_eq!(judges.held_rows().collect::<Vec<_>>(), [3, 1], "batches of {batch}");
        }
    }
}

#[test]
fn a_rule_in_quarantine_has_no_more_items_and_the_other_has() {
    let mut judges = judges(4, 2);
    judges.judge(&events(0, &[("afail", "ALICE"), ("afail", "BOB")]), Vec::new(), 1);
    let later = events(2, &[("afind", "ALICE"), ("bfind", "ALICE"), ("afail", "CAROL")]);
    let (placed, Changes { state, .. }) = judges.judge(&later, Vec::new(), 1);
    assert_eq!(describe(&placed), [(3, 'b', "found bfind".to_owned())]);
    assert_eq!(judges.delivered().collect::<Vec<_>>(), [2, 5]);
    assert!(state.iter().all(|change| change.rule.as_str() == "example/b"), "{state:?}");
}

#[test]
fn items_of_one_position_are_ordered_by_kind_and_rule_id() {
    struct Both;
    impl Detector for Both {
        fn detect(&self, call: &DetectionCall) -> Result<DetectionAnswer, CallFailure> {
            let operations = texts(&call.batch.columns[0].values);
            let letters: Vec<String> = operations.iter().map(|operation| operation.replacen('x', "a", 1)).collect();
            let mut call = call.clone();
            let mut arena = TextArena::default();
            letters.iter().for_each(|letter| {
                arena.push(letter);
            });
            call.batch.columns[0].values = Values::Text(arena);
            Letter('a').detect(&call)
        }

        fn migrate(&self, _: u32, _: u32, _: &[u8]) -> Result<Vec<u8>, CallFailure> {
            Err(CallFailure { kind: FailureKind::InvalidAnswer, message: String::new() })
        }
    }
    let mut judges = judges(10, 1);
    for (judge, letter) in judges.judges.iter_mut().zip("ab".chars()) {
        let holds = std::mem::take(judge.stream.holds_mut());
        judge.stream = RuleStream::new(declaration(letter), Arc::new(Both), Vec::new(), Vec::new()).with_holds(holds);
    }
    let rows = events(0, &[("xfind note", "ALICE"), ("xfail", "ALICE")]);
    let (placed, _) = judges.judge(&rows, vec![dead_letter(1, 4)], 2);
    let both = |position: u64, what: &str| ['a', 'b'].map(|rule| (position, rule, what.to_owned()));
    let mut expected = [both(0, "noted afind note"), both(0, "found afind note")].concat();
    expected.push((1, 'a', "dead 4".to_owned()));
    expected.extend([both(1, "failed trap"), both(1, "quarantined 1 of 1")].concat());
    assert_eq!(describe(&placed), expected);
}

#[test]
fn state_counts_every_row_and_changes_are_reported_by_key() {
    for batch in [1, 3, 100] {
        let mut judges = judges(batch, 100);
        let rows = events(0, &[("a", "ALICE"), ("afind", "BOB"), ("afail", "ALICE"), ("a", "ALICE"), ("b", "BOB")]);
        let (_, Changes { state, .. }) = judges.judge(&rows, Vec::new(), 1);
        let mut counts = std::collections::BTreeMap::new();
        for change in state.into_iter().filter(|change| change.slot != LINE_SLOT) {
            counts.insert((change.rule.name().to_owned(), change.key), change.entry.unwrap().blob);
        }
        let counts: Vec<_> = counts.into_iter().map(|((rule, key), blob)| (rule, key, blob[0])).collect();
        let row = |rule: &str, subject: &str, count| (rule.to_owned(), format!("aws:111122223333:{subject}"), count);
        assert_eq!(counts, [row("a", "ALICE", 2), row("a", "BOB", 2), row("b", "ALICE", 3), row("b", "BOB", 2)]);
    }
}

/// Two sources fail in turn, `one` on many accounts and `two` on one alone: `a` is in quarantine for `one`, whose timer
/// rows, keys and findings end there, while those of `two` go on as if `one` hadn't come any more. It ends at the tick
/// after four hours.
#[test]
fn a_source_is_held_alone_until_a_tick_after_four_hours() {
    let rows: Vec<(String, String, &str)> = (0..120)
        .map(|number| {
            let operation = ["afind", "afail", "afind", "afail", "bfind note", "a", "a", "bfind"][number % 8];
            let (source, accounts) = [("one", 9), ("two", 1)][number / 2 % 2];
            (operation.to_owned(), format!("{source}{}", number % accounts), source)
        })
        .collect();
    let make = |first: u64, hours: i64| -> Vec<Sequenced> {
        let plain: Vec<(&str, &str)> = rows.iter().map(|(what, who, _)| (what.as_str(), who.as_str())).collect();
        let mut events = events(first, &plain);
        for (event, (_, _, source)) in events.iter_mut().zip(&rows) {
            std::sync::Arc::make_mut(&mut event.event).source = (*source).into();
            event.clock = event.clock.plus_micros(hours * 3_600_000_000);
        }
        events
    };
    let run = |batch: usize, chunk: usize| {
        let mut judges = judges(batch, 4);
        let mut seen = Vec::new();
        for (first, hours) in [(0, 0), (200, 3), (400, 5)] {
            let all = make(first, hours);
            judges.tick(Tick { at: all[0].event.time }, all[0].position, all[0].clock);
            for events in all.chunks(chunk) {
                seen.extend(describe(&judges.judge(events, Vec::new(), 2).0));
            }
        }
        (seen, judges.delivered().chain(judges.held_rows()).collect::<Vec<_>>())
    };
    let expected = run(1, 1);
    let of = |what: &str| -> Vec<u64> {
        let wanted = expected.0.iter().filter(|(_, rule, seen)| *rule == 'a' && seen.starts_with(what));
        wanted.map(|(position, ..)| *position).collect()
    };
    let [first, again] = of("quarantined")[..] else { panic!("{:?}", expected.0) };
    assert!(first < 40 && (400..440).contains(&again));
    assert_eq!(of("readmitted"), [400]);
    let found = of("found");
    let of_one = |position: u64| ((position % 200) / 2).is_multiple_of(2);
    let own: Vec<u64> = found.iter().copied().filter(|at| of_one(*at)).collect();
    assert!(!own.is_empty() && own.iter().all(|at| *at < first || (400..again).contains(at)), "{own:?}");
    // All findings and failures of `two`, fifteen in each of the three rounds: nothing of it is held.
    for seen in [found, of("failed")] {
        assert_eq!(seen.iter().filter(|at| !of_one(**at)).count(), 45, "{seen:?}");
    }
    for (batch, chunk) in [(1, 7), (7, 40), (256, 120), (3, 11), (40, 120)] {
        assert_eq!(run(batch, chunk), expected, "batches of {batch}, chunks of {chunk}");
    }
}

/// A rule that hangs on a row of one source keeps its state, and goes on with the other's rows and the same keys.
#[test]
fn a_missed_deadline_stops_a_rule_for_its_source_alone() {
    let rows = ["afind", "a", "afind", "ahang", "afind", "bfind", "afind", "ahang", "a", "afind"];
    let make = |first: u64| -> Vec<Sequenced> {
        let plain: Vec<(&str, &str)> = rows.iter().map(|what| (*what, "ALICE")).collect();
        let mut events = events(first, &plain);
        for (event, number) in events.iter_mut().zip(0..) {
            // The fourth is of `one`, the eighth of `two`.
            Arc::make_mut(&mut event.event).source =
                if number % 8 == 3 || number % 2 == 0 { "one" } else { "two" }.into();
        }
        events
    };
    for batch in [1, 2, 3, 7, 100] {
        let mut judges = judges(batch, 100);
        let (placed, Changes { state, .. }) = judges.judge(&make(0), Vec::new(), 1);
        let stopped: Vec<_> = describe(&placed).into_iter().filter(|(_, _, what)| what.contains("stopped")).collect();
        let at = |position: u64, source: &str| (position, 'a', format!("stopped for {source}"));
        assert_eq!(stopped, [at(3, "one"), at(7, "two")], "batches of {batch}");
        let found: Vec<u64> = placed
            .iter()
            .filter(|one| one.rule == 0 && matches!(one.item, Item::Finding(_)))
            .map(|one| one.position)
            .collect();
        assert_eq!(found, [0, 2], "after that only `b` finds something: batches of {batch}");
        let count = state.iter().rfind(|change| change.rule.name() == "a" && change.slot == "count").unwrap();
        assert_eq!(count.entry.as_ref().unwrap().blob[..], [4], "what it kept stays: batches of {batch}");
        // The time is over for both at the tick four hours after the second.
        let clock = make(0)[7].clock.plus_micros(4 * 3_600_000_000);
        judges.tick(Tick { at: clock }, 20, clock);
        let (placed, _) = judges.judge(&make(20)[..1], Vec::new(), 1);
        let back = |source: &str| (20, 'a', format!("readmitted {source}"));
        assert_eq!(describe(&placed), [back("one"), back("two"), (20, 'a', "found afind".to_owned())]);
    }
}

/// Even of a rule that no row has reached since.
#[test]
fn what_a_tick_forgets_is_reported_with_the_next_chunk() {
    let mut judges = judges(10, 100);
    judges.judge(&events(0, &[("a", "ALICE")]), Vec::new(), 1);
    judges.tick(Tick { at: Timestamp(i64::MAX) }, 1, Timestamp(i64::MAX));
    let (_, Changes { state, .. }) = judges.judge(&events(1, &[("-", "BOB")]), Vec::new(), 1);
    let changes: Vec<_> = state
        .iter()
        .filter(|change| change.slot != LINE_SLOT)
        .map(|change| (change.rule.name(), change.key.as_str(), change.entry.is_some()))
        .collect();
    assert_eq!(changes, [("a", "aws:111122223333:ALICE", false), ("b", "aws:111122223333:ALICE", false)]);
    assert_eq!(state.len(), 4, "what the host keeps with a key goes with it");
    let (_, Changes { state, .. }) = judges.judge(&events(2, &[("-", "BOB")]), Vec::new(), 1);
    assert_eq!(state, []);
}
