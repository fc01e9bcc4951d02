//! Rules that feed each other and set timers: the order of their items, the rows that they get, and that neither depends
//! on batches, chunks or workers.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::sync::Arc;

use countersign_declaration::parse_toml;
use countersign_model::call::{
    AnswerFinding, AnswerTimer, CallFailure, DetectionAnswer, DetectionCall, Detector, FailureKind, NO_KEY, RowKind,
    SlotChanges, Values,
};
use countersign_model::vocabulary::{Severity, SubjectRole};
use countersign_model::{Finding, Occasion};
use countersign_testing::texts;

use super::tests::events;
use super::*;

const SECOND: i64 = 1_000_000;

/// Numbers the rows of each key. Finds on events that have its letter and `find`, on every timer and on every finding;
/// sets a timer for so many seconds where an event has its letter and a digit; fails where it has its letter and `fail`.
struct Numbers(char);

impl Detector for Numbers {
    fn detect(&self, call: &DetectionCall) -> Result<DetectionAnswer, CallFailure> {
        let (operations, rules) = (texts(&call.batch.columns[0].values), texts(&call.batch.columns[1].values));
        let Values::Unsigned(confidences) = &call.batch.columns[2].values else { panic!("{:?}", call.batch.columns) };
        let rows = &call.batch.rows;
        let state = &call.state[0];
        let keys = state.blob_offsets.len() - 1;
        let mut counts: Vec<u8> = (0..keys)
            .map(|key| state.blobs.get(state.blob_offsets[key] as usize..state.blob_offsets[key + 1] as usize))
            .map(|blob| *blob.unwrap().first().unwrap_or(&0))
            .collect();
        let mut answer = DetectionAnswer::default();
        for (row, operation) in operations.iter().enumerate() {
            assert_ne!(rows.keys[row], NO_KEY);
            let count = &mut counts[rows.keys[row] as usize];
            *count += 1;
            let kind = rows.kinds.as_ref().map_or(&RowKind::Event, |kinds| &kinds[row]);
            let (confidence, message) = match kind {
                RowKind::Timer(id) => (90, format!("{count}: timer {id} of {operation}")),
                RowKind::Finding => (confidences[row] as u8 - 1, format!("{count}: {} on {operation}", rules[row])),
                RowKind::Event | RowKind::Late => {
                    assert!(rules[row].is_empty() && confidences[row] == 0, "only rows of findings have these");
                    let mine: Vec<&str> =
                        operation.split(' ').filter_map(|command| command.strip_prefix(self.0)).collect();
                    if mine.contains(&"fail") {
                        return Err(CallFailure { kind: FailureKind::Trap, message: "as the test wants".to_owned() });
                    }
                    if let Some(seconds) = mine.iter().find_map(|command| command.parse::<i64>().ok()) {
                        let at = Some(rows.event_times[row] + seconds * SECOND);
                        answer.timers.push(AnswerTimer { row: row as u32, id: "t".to_owned(), at });
                    }
                    if !mine.contains(&"find") {
                        continue;
                    }
                    (80, format!("{count}: {operation}"))
                }
            };
            answer.findings.push(AnswerFinding {
                row: row as u32,
                signal_class: "token".to_owned(),
                confidence,
                severity: Severity::Low,
                subject: SubjectRole::Actor,
                evidence: Vec::new(),
                techniques: Vec::new(),
                message,
                evidence_role: None,
            });
        }
        answer.states.push(SlotChanges {
            slot: 0,
            keys: (0..keys as u32).collect(),
            blobs: counts,
            blob_offsets: (0..=keys as u32).collect(),
            kept: Vec::new(),
            kept_offsets: vec![0; keys + 1],
        });
        Ok(answer)
    }

    fn migrate(&self, _: u32, _: u32, _: &[u8]) -> Result<Vec<u8>, CallFailure> {
        Err(CallFailure { kind: FailureKind::InvalidAnswer, message: "no older version".to_owned() })
    }
}

/// A rule that wants the events whose operation begins with `*` or its letter, and the findings of some others.
fn judge(letter: char, feeders: &str, min_accounts: u32) -> Judge {
    let subscribes: Vec<String> =
        feeders.chars().map(|rule| format!("{{ rule = \"example/{rule}\", classes = [\"token\"] }}")).collect();
    let text = format!(
        "id = \"example/{letter}\"\nversion = \"1.0.0\"\nkind = \"detection\"\ndescription = \"For a test.\"\n\
         identity-types = [\"human\"]\nconfidence-floor = 50\nactions = [\"notify\"]\nsignal-classes = [\"token\"]\n\
         event-classes = [\"api-activity\"]\nfields = [\"api.operation\", \"finding.rule\", \"finding.confidence\"]\n\
         partition-key = \"actor\"\nsubscribes = [{}]\n\
         where = {{ or = [{{ field = \"api.operation\", prefix = \"*\" }}, \
         {{ field = \"api.operation\", prefix = \"{letter}\" }}] }}\n\
         [[slot]]\nname = \"count\"\nversion = 1\nmax-bytes = 1\nmax-keys = 100\nttl = \"1h\"\n\
         [timers]\nids = [\"t\"]\nmost-per-key = 1\nlongest = \"1h\"\n",
        subscribes.join(", ")
    );
    // Finding fields may only be declared with a subscription.
    let text = if feeders.is_empty() {
        text.replace("subscribes = []\n", "subscribes = [{ rule = \"example/none\", classes = [\"token\"] }]\n")
    } else {
        text
    };
    let declaration = parse_toml(&text).unwrap_or_else(|refusals| panic!("{refusals:#?}"));
    let depth = feeders.chars().map(|feeder| ["a", "b", "c"].iter().position(|one| one.starts_with(feeder)));
    let depth = depth.flatten().max().map_or(0, |deepest| deepest + 1);
    let stream = RuleStream::new(declaration, Arc::new(Numbers(letter)), Vec::new(), Vec::new());
    Judge::new(stream.with_holds(Holds::new(QuarantineThreshold { min_accounts, percent: 1 })), depth)
}

/// `c` is fed by `b` and `a`, `b` by `a`.
fn judges(batch: usize, min_accounts: u32) -> Judges {
    let judge = |letter, feeders| judge(letter, feeders, min_accounts);
    Judges::from_judges(vec![judge('a', ""), judge('b', "a"), judge('c', "ab")], batch)
}

/// The items in order: position, rule, and a description with a finding's index and occasion.
fn describe(placed: &[Placed]) -> Vec<String> {
    let described = placed.iter().map(|placed| {
        let rule = ['a', 'b', 'c'][placed.rule];
        let what = match &placed.item {
            Item::Finding(finding) => {
                let Finding { index, confidence, message, occasion, .. } = &finding.finding;
                let occasion = match occasion {
                    Occasion::Event => String::new(),
                    Occasion::Timer { .. } => " (timer)".to_owned(),
                    Occasion::Finding { rule, index } => format!(" ({} {index})", rule.name()),
                };
                format!("found {index}{occasion} {confidence} {message}")
            }
            Item::SetAside(failed) => format!("failed {}", failed.row.occasion.recorded()),
            Item::Held(held) if held.begun.hold.is_of_source() => "quarantined".to_owned(),
            _ => panic!("something else happened"),
        };
        format!("{} {rule} {what}", placed.position)
    });
    described.collect()
}

/// Judges rows in chunks of so many events, with a tick at the watermark of ten seconds before every tenth event.
fn run(judges: &mut Judges, chunk: usize, workers: usize, rows: &[(&str, &str)]) -> Vec<String> {
    let all = events(0, rows);
    let mut placed = Vec::new();
    for (ten, events) in all.chunks(10).enumerate() {
        if ten > 0 {
            let first = &events[0];
            judges.tick(Tick { at: first.event.time.plus_micros(-10 * SECOND) }, first.position, first.clock);
        }
        for events in events.chunks(chunk) {
            placed.extend(describe(&judges.judge(events, Vec::new(), workers).0));
        }
    }
    placed
}

#[test]
fn findings_reach_subscribers_in_one_order() {
    let rows = [("* afind bfind cfind", "ALICE"), ("a afind", "BOB"), ("*", "ALICE"), ("c cfind", "BOB")];
    let expected = [
        "0 a found 0 80 1: * afind bfind cfind",
        // Its own event first, then findings that feed it.
        "0 b found 0 80 1: * afind bfind cfind",
        "0 b found 1 (a 0) 79 2: example/a on * afind bfind cfind",
        "0 c found 0 80 1: * afind bfind cfind",
        "0 c found 1 (a 0) 79 2: example/a on * afind bfind cfind",
        "0 c found 2 (b 0) 79 3: example/b on * afind bfind cfind",
        "0 c found 3 (b 1) 78 4: example/b on * afind bfind cfind",
        "1 a found 0 80 1: a afind",
        "1 b found 0 (a 0) 79 1: example/a on a afind",
        "1 c found 0 (a 0) 79 1: example/a on a afind",
        "1 c found 1 (b 0) 78 2: example/b on a afind",
        "3 c found 0 80 3: c cfind",
    ];
    for batch in [1, 2, 7, 100] {
        for workers in [1, 2] {
            for chunk in [1, 2, 10] {
                let seen = run(&mut judges(batch, 100), chunk, workers, &rows);
                assert_eq!(seen, expected, "batches of {batch}, {workers} workers, chunks of {chunk}");
            }
        }
    }
}

/// Ten rows before the first tick, ten before the second, five after it.
const TIMED: &[(&str, &str)] = &[
    ("* a9 b5 afind", "ALICE"),
    ("* a5 c2", "BOB"),
    ("* b2", "ALICE"),
    ("* bfail", "ALICE"),
    ("* c15 cfind", "CAROL"),
    ("*", "BOB"),
    ("* a0", "CAROL"),
    ("*", "BOB"),
    ("*", "CAROL"),
    ("*", "BOB"),
    ("* afind", "ALICE"),
    ("* a5", "DAVE"),
    ("*", "ALICE"),
    ("* afind", "CAROL"),
    ("*", "BOB"),
    ("* bfind", "ALICE"),
    ("*", "CAROL"),
    ("*", "BOB"),
    ("*", "ALICE"),
    ("*", "BOB"),
    ("* afind bfind", "ALICE"),
    ("* cfind", "BOB"),
    ("* b1", "CAROL"),
    ("*", "ALICE"),
    ("* afind", "BOB"),
];

#[test]
fn items_do_not_depend_on_batches_chunks_or_workers() {
    let expected = run(&mut judges(100, 100), 10, 1, TIMED);
    // Timers that are due at a tick come before everything else there, by time and key.
    let at_tick: Vec<&str> = expected
        .iter()
        .filter(|item| item.starts_with("20 "))
        .map(|item| &item[3..])
        .filter(|item| !item.starts_with('c'))
        .collect();
    assert_eq!(
        at_tick[..3],
        [
            "a found 0 (timer) 90 8: timer t of * a5 c2",
            "a found 1 (timer) 90 6: timer t of * a0",
            "a found 2 (timer) 90 8: timer t of * a9 b5 afind",
        ],
        "{expected:#?}"
    );
    assert!(expected.iter().any(|item| item == "3 b failed the event itself"), "{expected:#?}");
    for batch in [1, 2, 3, 7, 256] {
        for (workers, chunk) in [(1, 1), (2, 3), (1, 7), (2, 10)] {
            let mut judges = judges(batch, 100);
            assert_eq!(run(&mut judges, chunk, workers, TIMED), expected, "{batch}, {workers}, {chunk}");
            assert_eq!(judges.pending_timers().sum::<u64>(), 3, "timers that aren't due at the end stay");
        }
    }
}

/// A rule in quarantine no longer feeds others, and its timers don't fire.
#[test]
fn a_silenced_rule_feeds_no_rule_and_has_no_timers() {
    let rows = [
        ("* a1 afind", "ALICE"),
        ("* afail", "ALICE"),
        ("* afind", "BOB"),
        ("* cfind", "BOB"),
        ("*", "ALICE"),
        ("*", "ALICE"),
        ("*", "ALICE"),
        ("*", "ALICE"),
        ("*", "ALICE"),
        ("*", "ALICE"),
        ("* afind", "ALICE"),
        ("*", "ALICE"),
        ("*", "ALICE"),
        ("*", "ALICE"),
        ("*", "ALICE"),
        ("*", "ALICE"),
        ("*", "ALICE"),
        ("*", "ALICE"),
        ("*", "ALICE"),
        ("*", "ALICE"),
        ("* bfind", "BOB"),
    ];
    let expected = [
        "0 a found 0 80 1: * a1 afind",
        "0 b found 0 (a 0) 79 2: example/a on * a1 afind",
        "0 c found 0 (a 0) 79 2: example/a on * a1 afind",
        "0 c found 1 (b 0) 78 3: example/b on * a1 afind",
        "1 a failed the event itself",
        "1 a quarantined",
        "3 c found 0 80 2: * cfind",
        "20 b found 0 80 3: * bfind",
        "20 c found 0 (b 0) 79 4: example/b on * bfind",
    ];
    for batch in [1, 3, 100] {
        let mut judges = judges(batch, 1);
        let seen = run(&mut judges, 10, 2, &rows);
        assert_eq!(seen, expected, "batches of {batch}");
        assert_eq!(judges.pending_timers().collect::<Vec<_>>(), [0, 0, 0]);
    }
}

/// Where a chunk begins with a tick, the timers of a rule and what they lead to are committed with it.
#[test]
fn changes_of_timers_are_reported_for_storage() {
    let mut judges = judges(10, 100);
    let timers = |changes: Changes| -> Vec<(String, bool)> {
        changes
            .timers
            .into_iter()
            .map(|one| (format!("{} {}", one.rule.name(), one.key), one.entry.is_some()))
            .collect()
    };
    let (_, changes) = judges.judge(&events(0, &[("* a1", "ALICE"), ("* a900", "BOB")]), Vec::new(), 1);
    let timer = |subject: &str| format!("a aws:111122223333:{subject}");
    assert_eq!(timers(changes), [(timer("ALICE"), true), (timer("BOB"), true)]);
    let next = events(100, &[("b", "CAROL")]);
    judges.tick(Tick { at: next[0].event.time }, 100, next[0].clock);
    let (placed, changes) = judges.judge(&next, Vec::new(), 1);
    assert_eq!(timers(changes), [(timer("ALICE"), false)]);
    assert_eq!(
        describe(&placed),
        [
            "100 a found 0 (timer) 90 2: timer t of * a1",
            "100 b found 0 (a 0) 89 2: example/a on * a1",
            "100 c found 0 (a 0) 89 2: example/a on * a1",
            "100 c found 1 (b 0) 88 3: example/b on * a1",
        ]
    );
    assert_eq!(judges.pending_timers().collect::<Vec<_>>(), [1, 0, 0], "bob's is pending");
}
