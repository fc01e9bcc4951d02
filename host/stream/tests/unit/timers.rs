//! Timers through calls: what rows do to them, in which order they fire, and that the size of batches doesn't show.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use countersign_model::call::{AnswerTimer, FailureKind, RowKind};
use countersign_model::vocabulary::FieldId;
use countersign_model::{Occasion, StateChange};

use super::*;
use crate::testing::{Fake, FakeAnswer, FakeCall, SECOND, declaration, declared, failed, found, rows, second, slot};
use crate::{Outcome, RuleStream};

/// A rule that changes its timers as a row's operation commands: `set ID SECOND`, `cancel ID`, separated by `;`. It finds
/// on a timer and on `find`; the row of timer `carry` sets timer `a` ten seconds later.
fn stream(most_per_key: u32) -> RuleStream {
    let tables = format!(
        "{}[timers]\nids = [\"a\", \"b\", \"carry\", \"cling\"]\nmost-per-key = {most_per_key}\nlongest = \"1h\"\n",
        slot("count")
    );
    let (stream, _) = Fake::stream(declaration("", &tables), |sheet: &FakeCall<'_>| {
        let mut answer = FakeAnswer::default();
        for (row, operation) in sheet.rows() {
            let at = |text: &str| Some(second(text.parse().unwrap()).micros());
            let rows = &sheet.call.batch.rows;
            if let Some(RowKind::Timer(id)) = rows.kinds.as_ref().map(|kinds| &kinds[row as usize]) {
                let time = rows.event_times[row as usize];
                answer.find(row, &format!("{id} of `{operation}`"));
                if id == "carry" {
                    answer.plain.timers.push(timer(row, "a", Some(time + 10 * SECOND)));
                }
                continue;
            }
            for command in operation.split(';') {
                match command.split(' ').collect::<Vec<_>>()[..] {
                    ["set", id, time] => answer.plain.timers.push(timer(row, id, at(time))),
                    ["cancel", id] => answer.plain.timers.push(timer(row, id, None)),
                    ["find"] => drop(answer.find(row, "found")),
                    _ => {}
                }
            }
        }
        Ok(answer)
    });
    stream
}

fn timer(row: u32, id: &str, at: Option<i64>) -> AnswerTimer {
    AnswerTimer { row, id: id.to_owned(), at }
}

fn tick(at: i64) -> Tick {
    Tick { at: second(at) }
}

/// Judges rows in batches of a size.
fn judge(stream: &mut RuleStream, size: usize, rows: &[Sequenced]) -> Vec<Outcome> {
    rows.chunks(size).map(|rows| crate::testing::judge(stream, rows)).collect()
}

/// The rows that are due at a tick: id, the second they are set for, and the event that they show.
fn due(stream: &mut RuleStream, at: i64) -> Vec<(String, i64, String)> {
    let due = stream.due(tick(at), 1_000, second(9_999));
    let rows = due.iter().map(|row| {
        assert_eq!((row.position, row.clock, row.watermark, row.late), (1_000, second(9_999), second(at), false));
        let Occasion::Timer { id, at } = row.occasion.recorded() else { panic!("{row:?}") };
        assert_eq!(row.time(), at);
        (id, at.micros_since(second(0)) / SECOND, row.event.id.to_string())
    });
    rows.collect()
}

fn due_timer(id: &str, at: i64, event: &str) -> (String, i64, String) {
    (id.to_owned(), at, event.to_owned())
}

#[test]
fn a_timer_fires_once_at_the_first_tick_at_or_after_its_time() {
    for size in [1, 2, 10] {
        let mut stream = stream(4);
        let rows = rows(&[("set a 100;set b 50", "ALICE"), ("set a 50", "BOB"), ("seen", "ALICE")]);
        judge(&mut stream, size, &rows);
        assert_eq!(stream.pending_timers(), 3);
        assert_eq!(due(&mut stream, 49), []);
        // By time, then key, then id.
        assert_eq!(due(&mut stream, 50), [due_timer("b", 50, "event-0"), due_timer("a", 50, "event-1")]);
        assert_eq!(due(&mut stream, 5_000), [due_timer("a", 100, "event-0")]);
        assert_eq!((due(&mut stream, 9_000), stream.pending_timers()), (vec![], 0));
    }
}

#[test]
fn timers_move_and_are_cancelled_by_their_own_key_only() {
    for size in [1, 2, 10] {
        let mut stream = stream(4);
        let rows = rows(&[
            ("set a 100", "ALICE"),
            ("set a 100", "BOB"),
            ("set a 200", "ALICE"),
            ("cancel a", "CAROL"),
            ("set b 10;cancel b;set b 20", "CAROL"),
            ("cancel a", "BOB"),
        ]);
        let outcomes = judge(&mut stream, size, &rows);
        assert!(outcomes.iter().all(|outcome| outcome.failures.is_empty() && outcome.disagreements.is_empty()));
        assert_eq!(due(&mut stream, 300), [due_timer("b", 20, "event-4"), due_timer("a", 200, "event-2")], "{size}");
    }
}

/// A timer set for the past is due at once.
#[test]
fn a_timer_for_the_past_fires_at_the_next_tick() {
    let mut stream = stream(4);
    judge(&mut stream, 10, &rows(&[("set a -100000", "ALICE")]));
    assert_eq!(due(&mut stream, 0), [due_timer("a", -100_000, "event-0")]);
}

#[test]
fn a_row_that_sets_more_than_declared_fails_alone() {
    for size in [1, 3, 10] {
        let mut stream = stream(1);
        let rows = rows(&[
            ("set a 100", "ALICE"),
            ("set b 100", "ALICE"),
            ("set b 100", "BOB"),
            ("cancel a;set b 70", "ALICE"),
            ("set a 90;find", "ALICE"),
        ]);
        let outcomes = judge(&mut stream, size, &rows);
        let all: Vec<_> = outcomes.iter().flat_map(failed).collect();
        assert_eq!(all, [(1, FailureKind::InvalidAnswer), (4, FailureKind::InvalidAnswer)], "{size}");
        let message = &outcomes.iter().find_map(|outcome| outcome.failures.first()).unwrap().failure.message;
        assert_eq!(message, "timer `b` is one more for its key than the 1 declared");
        assert_eq!(due(&mut stream, 200), [due_timer("b", 70, "event-3"), due_timer("b", 100, "event-2")], "{size}");
    }
}

#[test]
fn a_flood_of_timers_is_refused() {
    let tables = "[timers]\nids = [\"a\"]\nmost-per-key = 1\nlongest = \"1h\"\n";
    let (mut stream, _) = Fake::stream(declaration("", tables), |sheet: &FakeCall<'_>| {
        let mut answer = FakeAnswer::default();
        if sheet.has("flood") {
            answer.plain.timers = vec![timer(0, "a", None); 1_000_000];
        }
        Ok(answer)
    });
    let outcome = crate::testing::judge(&mut stream, &rows(&[("flood", "ALICE"), ("seen", "BOB")]));
    assert_eq!(failed(&outcome), [(0, FailureKind::InvalidAnswer)]);
    assert_eq!(outcome.failures[0].failure.message, "more than 64 timers on one row");
}

/// The row has the kind, the time, the reference and the columns that the interface promises, and findings on it name
/// the timer.
#[test]
fn a_timers_row_shows_the_event_that_set_it() {
    for size in [1, 10] {
        let mut stream = stream(4);
        let first = rows(&[("set carry 50;find", "ALICE"), ("set a 60", "ALICE")]);
        judge(&mut stream, size, &first);
        let due = stream.due(tick(100), 7, second(100));
        let outcomes = judge(&mut stream, size, &due);
        let all: Vec<_> = outcomes.iter().flat_map(found).collect();
        assert_eq!(all, [(7, "carry of `set carry 50;find`"), (7, "a of `set a 60`")]);
        let findings: Vec<_> = outcomes.iter().flat_map(|outcome| &outcome.findings).collect();
        for (found, (index, id, at)) in findings.iter().zip([(0, "carry", 50), (1, "a", 60)]) {
            let finding = &found.finding;
            let at = second(at);
            assert_eq!((finding.index, found.place), (index, 0), "counted through the rows of a position");
            assert_eq!(finding.occasion, Occasion::Timer { id: id.to_owned(), at });
            assert_eq!(finding.event_id, format!("event-{index}"));
            let shown = &found.bundle.call.batch.rows;
            assert_eq!((shown.event_times[0], shown.watermarks[0]), (at.micros(), second(100).micros()));
            assert_eq!(shown.kinds, Some(vec![RowKind::Timer(id.to_owned())]));
        }
        // It set `a` again, and the timers that fired are gone.
        assert_eq!(super::tests::due(&mut stream, 200), [due_timer("a", 60, "event-0")]);
        // Its reference is the event's own.
        let own = findings[0].finding.evidence[0].reference;
        let alone = crate::testing::judge(&mut stream, &first[..1]);
        assert_eq!(alone.findings[0].finding.evidence[0].reference, own);
    }
}

#[test]
fn timers_that_differ_in_a_batch_are_reported() {
    let tables = "[timers]\nids = [\"a\"]\nmost-per-key = 1\nlongest = \"1h\"\n";
    let (mut stream, _) = Fake::stream(declaration("", tables), |sheet: &FakeCall<'_>| {
        let mut answer = FakeAnswer::default();
        for (row, _) in sheet.rows() {
            answer.find(row, "found");
            let late = if sheet.operations.len() > 1 { 60 } else { 50 };
            answer.plain.timers.push(timer(row, "a", Some(second(late).micros())));
        }
        Ok(answer)
    });
    let outcome = crate::testing::judge(&mut stream, &rows(&[("seen", "ALICE"), ("seen", "ALICE")]));
    let disagreed: Vec<_> = outcome.disagreements.iter().map(|one| (one.row.position, one.what)).collect();
    assert_eq!(disagreed, [(1, "timers")]);
    assert_eq!(due(&mut stream, 50), [due_timer("a", 50, "event-1")], "the one-row answer is authoritative");
}

#[test]
fn those_due_last_are_dropped_and_none_is_left_of_a_rule_that_goes() {
    let mut stream = stream(4);
    stream.timers.max_pending = 2;
    let set = rows(&[("set a 500;set b 300", "ALICE"), ("set a 400", "BOB"), ("set b 100", "CAROL")]);
    let outcome = crate::testing::judge(&mut stream, &set);
    assert_eq!(outcome.timers.len(), 4);
    assert!(stream.due(tick(0), 9, second(0)).is_empty());
    assert_eq!((stream.take_dropped_timers(), stream.take_dropped_timers()), (2, 0));
    let key = |subject: &str| format!("aws:111122223333:{subject}");
    let listed = |changes: Vec<TimerChange>| -> Vec<(String, String, bool)> {
        changes.into_iter().map(|change| (change.key, change.id, change.entry.is_some())).collect()
    };
    let (state, timers): (Vec<StateChange>, _) = stream.changes();
    assert_eq!(declared(&state).count(), 0);
    assert_eq!(listed(timers), [(key("ALICE"), "a".to_owned(), false), (key("BOB"), "a".to_owned(), false)]);
    let timers = stream.take_carried().removals(&stream.declaration().id).timers;
    assert_eq!(listed(timers), [(key("ALICE"), "b".to_owned(), false), (key("CAROL"), "b".to_owned(), false)]);
    assert_eq!(stream.pending_timers(), 0);
}

/// A stored timer is enough to make its row again: it has the event, with the finding that it shows.
#[test]
fn a_stored_timer_has_the_event_and_the_finding() {
    let mut stream = stream(4);
    let mut set = rows(&[("set a 50;find", "ALICE"), ("set b 60", "BOB")]);
    let outcome = crate::testing::judge(&mut stream, &set[..1]);
    let entry = outcome.timers[0].entry.clone().unwrap();
    assert_eq!((entry.at, entry.event.content()), (second(50), set[0].event.content()));
    assert_eq!(entry.event.fields.text(FieldId::FindingRule), None);
    let mut fed = outcome.findings[0].clone();
    fed.row = set.remove(1);
    let row = Sequenced::finding_row(&fed, 0);
    assert_eq!(row.occasion.recorded(), Occasion::Finding { rule: "example/rule".parse().unwrap(), index: 0 });
    let outcome = crate::testing::judge(&mut stream, &[row]);
    let entry = outcome.timers[0].entry.clone().unwrap();
    assert_eq!(entry.event.fields.text(FieldId::FindingRule), Some("example/rule"));
    assert_eq!(entry.event.fields.text(FieldId::FindingClass), Some("token"));
    // The timer's row shows them again.
    let due = stream.due(tick(100), 9, second(100));
    let shown = due.iter().map(|row| row.event.fields.text(FieldId::FindingRule)).collect::<Vec<_>>();
    assert_eq!(shown, [None, Some("example/rule")]);
}
