//! Attempts on the stream: events that make a rule fail, endless timers and keys, context.

use std::sync::Arc;

use countersign_context::Context;
use countersign_engine::LoadedRule;
use countersign_model::Timestamp;
use countersign_model::call::FailureKind;
use countersign_stream::{Sequenced, Tick};

use super::{Attempt, Defence, attempt};
use crate::context::{GEO, files};
use crate::handmade::{DECLARATION, FINDING, HONEST, Parts, component, module};
use crate::support::{Judge, Row, admitted, engine, failed, found, guest, seen};

pub(super) fn attempts() -> Vec<Attempt> {
    vec![
        attempt(
            "poison-event",
            "events of one account make the rule fail",
            Defence::RowSetAside(FailureKind::Trap),
            poison_event,
        ),
        attempt("timer-storm", "70,000 accounts each set a timer", Defence::Bounded, timer_storm),
        attempt(
            "timer-that-sets-itself",
            "a timer due at once that its own row sets again",
            Defence::Bounded,
            timer_loop,
        ),
        attempt("keys-without-end", "3,000 accounts where 1,000 may have state", Defence::Bounded, keys_without_end),
        attempt(
            "context-of-other-rows",
            "reads the context of rows that come with its own",
            Defence::NotDeterministic("findings"),
            context_of_other_rows,
        ),
    ]
}

/// The neighbours' findings are the same as without the poison.
fn poison_event() -> Defence {
    let rule = guest("panics");
    let poisoned: Vec<Row<'_>> = (0..90)
        .map(|row| match row % 3 {
            0 => ("PanicHere", "ALICE"),
            1 => ("ListUsers", "BOB"),
            _ => ("ListUsers", ""),
        })
        .collect();
    let clean: Vec<Row<'_>> = poisoned.iter().copied().filter(|(operation, _)| *operation != "PanicHere").collect();
    let (with, without) = (Judge::new(rule.clone()).judge(&poisoned), Judge::new(rule).judge(&clean));
    let messages = |outcome| found(outcome).into_iter().map(|(_, message)| message.to_owned()).collect::<Vec<_>>();
    let same = messages(&with) == messages(&without) && messages(&with).len() == 60;
    match failed(&with).iter().all(|(position, kind)| position % 3 == 0 && *kind == FailureKind::Trap) {
        true if same && with.failures.len() == 30 => Defence::RowSetAside(FailureKind::Trap),
        _ => Defence::None(seen(&with)),
    }
}

/// Judges rows of so many accounts, in batches.
fn accounts(judge: &mut Judge, operation: &'static str, count: usize) {
    let names: Vec<String> = (0..count).map(|number| format!("ACCOUNT{number}")).collect();
    for names in names.chunks(400) {
        let rows: Vec<Row<'_>> = names.iter().map(|name| (operation, name.as_str())).collect();
        let outcome = judge.judge(&rows);
        assert_eq!(failed(&outcome), []);
    }
}

fn tick(judge: &mut Judge, at: Timestamp) -> (Vec<Sequenced>, u64) {
    judge.stream.tick(Tick { at });
    let due = judge.stream.due(Tick { at }, 1_000_000, at);
    (due, judge.stream.take_dropped_timers())
}

/// Handmade, so that it has no findings: it sets a timer on each row, a day ahead.
pub(super) fn setting_timers() -> Arc<LoadedRule> {
    let timers = "[timers]\nids = [\"t\"]\nmost-per-key = 1\nlongest = \"30d\"\n\n[limits]";
    let declared = DECLARATION.replace("[limits]", timers).replace("fields =", "partition-key = \"actor\"\nfields =");
    // A timer for each row, 32 bytes: row, id, and a time after the row's own.
    let body = "
        (local $row i32) (local $rows i32) (local $times i32) (local $timer i32)
        (local.set $rows (i32.load offset=12 (local.get 0)))
        (local.set $times (i32.load offset=16 (local.get 0)))
        (loop $next
            (local.set $timer (i32.add (i32.const 0x20000) (i32.mul (local.get $row) (i32.const 32))))
            (i32.store (local.get $timer) (local.get $row))
            (i32.store offset=4 (local.get $timer) (i32.const 512))
            (i32.store offset=8 (local.get $timer) (i32.const 1))
            (i32.store8 offset=16 (local.get $timer) (i32.const 1))
            (i64.store offset=24 (local.get $timer)
                (i64.add (i64.const 86400000000)
                    (i64.load (i32.add (local.get $times) (i32.mul (local.get $row) (i32.const 8))))))
            (local.set $row (i32.add (local.get $row) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $row) (local.get $rows))))
        (i32.store (i32.const 144) (i32.const 0x20000))
        (i32.store (i32.const 148) (local.get $rows))
        i32.const 128";
    let parts = Parts { evaluate: body, more: "(data (i32.const 512) \"t\")", ..HONEST };
    Arc::new(engine().load(&admitted(&component(module(parts), &declared))).unwrap())
}

/// Each holds an event: by their number they could stay, by what they take they can't, neither at the tick nor before it.
fn timer_storm() -> Defence {
    const BOUND: u64 = 64 << 20;
    let mut judge = Judge::new(setting_timers());
    accounts(&mut judge, "ListUsers", 70_000);
    let before = judge.stream.held();
    let (rows, dropped) = tick(&mut judge, Timestamp(0));
    let (left, after) = (judge.stream.pending_timers(), judge.stream.held());
    match rows.is_empty() && dropped + left == 70_000 && left > 1_000 && before <= 2 * BOUND && after <= BOUND {
        true => Defence::Bounded,
        false => Defence::None(format!("{before} and {after} bytes, {dropped} dropped, {left} left")),
    }
}

/// It gets at most one row per tick.
fn timer_loop() -> Defence {
    let mut judge = Judge::new(guest("answers-garbage"));
    let first = judge.judge(&[("TimerBehind", "ALICE"), ("ListUsers", "BOB")]);
    assert_eq!((failed(&first), judge.stream.pending_timers()), (vec![], 1));
    for minute in 1..=50 {
        let at = Timestamp(1_714_550_400_000_000 + minute * 60_000_000);
        let (rows, _) = tick(&mut judge, at);
        let outcome = judge.stream.judge(&rows.iter().collect::<Vec<_>>());
        if rows.len() != 1 || !outcome.begun.is_empty() || judge.stream.pending_timers() > 1 {
            return Defence::None(format!("{} rows at tick {minute}: {}", rows.len(), seen(&outcome)));
        }
    }
    Defence::Bounded
}

fn keys_without_end() -> Defence {
    let mut judge = Judge::new(guest("answers-garbage"));
    accounts(&mut judge, "ListUsers", 3_000);
    tick(&mut judge, Timestamp(1_714_550_400_000_000));
    let (_, forgotten) = judge.stream.forgotten().next().unwrap();
    let evicted = forgotten.evicted + forgotten.refused + forgotten.expired;
    let left = judge.stream.take_carried().removals(&judge.stream.declaration().id).state.len();
    match evicted {
        2_000 => Defence::Bounded,
        _ => Defence::None(format!("{evicted} evicted, {left} left")),
    }
}

/// Its confidence is the number of the table's rows.
fn context_of_other_rows() -> Defence {
    let table = "[[context]]\ntable = \"geo\"\nby = \"row\"\ncolumns = [\"country\"]\nmax-age = \"30d\"\n\n[limits]";
    let body = "
        (i32.store8 (i32.const 268) (i32.load offset=4 (i32.load offset=96 (local.get 0))))
        i32.const 128";
    let parts = Parts { evaluate: body, more: FINDING, ..HONEST };
    let declared = DECLARATION.replace("[limits]", table);
    let rule = Arc::new(engine().load(&admitted(&component(module(parts), &declared))).unwrap());
    let mut judge = Judge::new(rule);
    judge.stream = judge.stream.with_context(Arc::new(Context::new(files(GEO), None)));
    let outcome = judge.judge(&[("ListUsers", "ALICE"), ("ListUsers", "BOB"), ("ListUsers", "CAROL")]);
    match outcome.disagreements.as_slice() {
        [one] if outcome.findings.iter().all(|found| found.finding.confidence == 1) => {
            Defence::NotDeterministic(one.what)
        }
        _ => Defence::None(seen(&outcome)),
    }
}
