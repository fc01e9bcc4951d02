//! Attempts to exhaust time and memory: loops, recursion, memory, tables, and huge answers.

use std::sync::Arc;
use std::time::Duration;

use countersign_admission::{admit, sections};
use countersign_declaration::Ceilings;
use countersign_engine::{Engine, EngineConfig, LoadedRule};
use countersign_model::call::{FailureKind, Parameter};
use countersign_stream::{BegunHold, HoldCause, RowHold};

use super::{Attempt, Defence, amid_honest_rows, attempt, on_every_row};
use crate::handmade::{DECLARATION, EMPTY, FINDING, HONEST, Parts, component, module};
use crate::support::{Judge, Row, admitted, bytes, engine, failed, found, guest, seen};

use FailureKind::{FuelExhausted, MemoryExceeded, OutputExceeded, StackOverflow, Trap};

const FOREVER: &str = "(loop $forever (br $forever)) i32.const 64";

pub(super) fn attempts() -> Vec<Attempt> {
    vec![
        row("endless-loop", "never returns from one event", FuelExhausted, "loops", "LoopHere"),
        attempt("loop-on-every-row", "never returns from any event", Defence::RowSetAside(FuelExhausted), || {
            evaluate(FOREVER)
        }),
        attempt("work-on-every-row", "works on each row as long as it can", Defence::NothingGained, work_on_every_row),
        attempt("loop-past-the-deadline", "loops with fuel for years", Defence::Stopped, past_the_deadline),
        handmade(
            "start-function-that-loops",
            "loops before its first call",
            Defence::RowSetAside(FuelExhausted),
            Parts { more: "(func $start (loop $forever (br $forever))) (start $start)", ..HONEST },
        ),
        handmade(
            "loop-in-realloc",
            "loops where its arguments are allocated",
            Defence::RowSetAside(FuelExhausted),
            Parts { realloc: "(loop $forever (br $forever)) i32.const 0", ..HONEST },
        ),
        handmade(
            "loop-after-the-answer",
            "loops where it may tidy up",
            Defence::RowSetAside(FuelExhausted),
            Parts {
                more: r#"(func (export "cabi_post_countersign:rules/detect@0.1.0#evaluate") (param i32)
                    (loop $forever (br $forever)))"#,
                ..HONEST
            },
        ),
        attempt(
            "bulk-instructions",
            "fills memory by single instructions",
            Defence::RowSetAside(FuelExhausted),
            || {
                evaluate(
                    "(loop $on (memory.fill (i32.const 0) (i32.const 1) (i32.const 200000)) (br $on)) i32.const 64",
                )
            },
        ),
        row("recursion-of-frames", "calls itself without end", StackOverflow, "overflows-stack", "Frames"),
        row("recursion-of-arrays", "the same with its own stack", Trap, "overflows-stack", "Arrays"),
        row("memory-growth", "hoards memory bit by bit", MemoryExceeded, "bombs-memory", "BitByBit"),
        row("memory-at-once", "asks for a GiB and checks whether it gets it", MemoryExceeded, "bombs-memory", "AtOnce"),
        handmade(
            "table-growth",
            "grows a table",
            Defence::RowSetAside(MemoryExceeded),
            Parts {
                evaluate: "(drop (table.grow $table (ref.null func) (i32.const 200000))) i32.const 64",
                more: "(table $table 1 funcref)",
                ..HONEST
            },
        ),
        row("output-flood", "sixteen long diagnostics", OutputExceeded, "answers-garbage", "Flood"),
        row("huge-message", "a message of 2 MiB", OutputExceeded, "answers-garbage", "HugeMessage"),
        row("huge-state", "a MiB of state", OutputExceeded, "answers-garbage", "FloodOfState"),
        attempt(
            "one-text-many-times",
            "60 KB of memory returned 4,096 times",
            Defence::RowSetAside(OutputExceeded),
            || evaluate(AMPLIFIED),
        ),
        row("ten-million-timers", "makes 10 million timers", MemoryExceeded, "answers-garbage", "TenMillionTimers"),
        row(
            "ten-million-findings",
            "makes 10 million findings",
            MemoryExceeded,
            "answers-garbage",
            "TenMillionFindings",
        ),
        // With a limit of 512 MiB they do fit, as zeros that cost nothing. They are refused before one is read: lifting a
        // list is charged by its length against four times the declared output.
        in_memory("ten-million-findings-in-memory", "the same with enough memory", 128),
        in_memory("ten-million-timers-in-memory", "the same of timers", 144),
        in_memory("ten-million-diagnostics-in-memory", "the same of diagnostics", 152),
        attempt(
            "ten-million-beyond-memory",
            "a list that is longer than its memory",
            Defence::AnswerRefused("out of bounds".to_owned()),
            || handmade_rule(Parts { more: &ten_million_at(128), evaluate: "i32.const 128", ..HONEST }),
        ),
        attempt(
            "a-list-in-a-list",
            "10 million references in one finding",
            Defence::RowSetAside(OutputExceeded),
            || {
                let nested = format!(r#"{FINDING} (data (i32.const 272) "\00\00\01\00\80\96\98\00")"#);
                roomy(Parts { more: &nested, evaluate: "i32.const 128", pages: 7_000, ..HONEST })
            },
        ),
    ]
}

/// A guest's attempt on one row amid honest ones.
fn row(
    name: &'static str,
    tries: &'static str,
    kind: FailureKind,
    guest_name: &'static str,
    way: &'static str,
) -> Attempt {
    attempt(name, tries, Defence::RowSetAside(kind), move || amid_honest_rows(&guest(guest_name), &[], way))
}

fn handmade(name: &'static str, tries: &'static str, expected: Defence, parts: Parts<'static>) -> Attempt {
    attempt(name, tries, expected, move || handmade_rule(parts))
}

fn evaluate(body: &str) -> Defence {
    handmade_rule(Parts { evaluate: body, ..HONEST })
}

const ROWS: &[Row<'_>] = &[("ListUsers", "ALICE"), ("ListUsers", "BOB"), ("ListUsers", "")];

fn handmade_rule(parts: Parts<'_>) -> Defence {
    on_every_row(&loaded(parts), ROWS)
}

fn loaded(parts: Parts<'_>) -> Arc<LoadedRule> {
    Arc::new(engine().load(&admitted(&component(module(parts), DECLARATION))).unwrap())
}

/// One row gets no more fuel than declared, in any batch.
fn work_on_every_row() -> Defence {
    let rule = guest("burns-fuel");
    let rows: Vec<Row<'_>> = (0..60).map(|_| ("ListUsers", "")).collect();
    let judge = |work: i64| Judge::with(rule.clone(), &[("work", Parameter::Integer(work))]).judge(&rows);
    let (some, all) = (judge(2_000), judge(1_000_000));
    let limited = (some.findings.len(), some.failures.len()) == (60, 0)
        && all.findings.is_empty()
        && failed(&all).iter().map(|(_, kind)| *kind).eq([FuelExhausted; 60]);
    Defence::nothing_gained(limited, || format!("{} {:?}", seen(&some), failed(&all)))
}

/// The guest that loops, with more fuel than it can burn within the deadline.
fn past_the_deadline() -> Defence {
    let endless = admitted(bytes("loops"));
    let mut declaration = endless.declaration().clone();
    declaration.limits.fuel = 1 << 52;
    let ceilings = Ceilings { fuel: u64::MAX, ..Ceilings::default() };
    let bytes = sections::attach(endless.component(), &declaration, None).unwrap();
    let config = EngineConfig { concurrent_calls: 1, deadline: Duration::ZERO, ..EngineConfig::default() };
    let engine = Engine::new(&config).unwrap();
    let rule = engine.load(&admit(&bytes, &ceilings).unwrap()).unwrap();
    let mut judge = Judge::new(Arc::new(rule));
    let mut rows =
        judge.rows(&[("ListUsers", "ALICE"), ("LoopHere", "ALICE"), ("LoopHere", "BOB"), ("ListUsers", "BOB")]);
    Arc::make_mut(&mut rows[3].event).source = "another".into();
    let outcome = judge.stream.judge(&rows.iter().collect::<Vec<_>>());
    // It is stopped at the row, which isn't set aside; what it finds before it and in another source stays.
    match outcome.begun.as_slice() {
        [RowHold { row, begun: BegunHold { hold, cause: HoldCause::Deadline { .. } } }]
            if (row.position, &*hold.source) == (1, "example")
                && found(&outcome) == [(0, "came back"), (3, "came back")]
                && outcome.failures.is_empty() =>
        {
            Defence::Stopped
        }
        _ => Defence::None(seen(&outcome)),
    }
}

/// Diagnostics that all point to the same text: 240 MB in the host if they were accepted.
const AMPLIFIED: &str = r"
    (local $at i32) (local $end i32)
    (i32.store (i32.const 152) (i32.const 0x10000))
    (i32.store (i32.const 156) (i32.const 4096))
    (local.set $at (i32.const 0x10000))
    (local.set $end (i32.add (i32.const 0x10000) (i32.mul (i32.const 4096) (i32.const 16))))
    (loop $next
        (i32.store offset=8 (local.get $at) (i32.const 0x20000))
        (i32.store offset=12 (local.get $at) (i32.const 60000))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    i32.const 128";

/// A list of 10 million items that begins at the second page, for this place of the answer.
fn ten_million_at(place: u32) -> String {
    format!(r#"(data (i32.const {place}) "\00\00\01\00\80\96\98\00")"#)
}

fn in_memory(name: &'static str, tries: &'static str, place: u32) -> Attempt {
    attempt(name, tries, Defence::RowSetAside(OutputExceeded), move || {
        roomy(Parts { more: &ten_million_at(place), evaluate: "i32.const 128", pages: 7_000, ..HONEST })
    })
}

/// With 512 MiB of memory.
fn roomy(parts: Parts<'_>) -> Defence {
    // Memory costs fuel, whether it is touched or not.
    let declared = DECLARATION.replace("1MiB", "512MiB").replace("fuel = 1000000", "fuel = 50000000");
    let ceilings = Ceilings { memory: 512 << 20, ..Ceilings::default() };
    let config = EngineConfig { concurrent_calls: 1, max_memory: 512 << 20, ..EngineConfig::default() };
    let admitted = admit(&component(module(parts), &declared), &ceilings).unwrap();
    let rule = Engine::new(&config).unwrap().load(&admitted).unwrap();
    let honest = Parts { more: "", evaluate: EMPTY, ..parts };
    let honest = admit(&component(module(honest), &declared), &ceilings).unwrap();
    let honest = Engine::new(&config).unwrap().load(&honest).unwrap();
    // The memory itself is no reason for a refusal.
    let outcome = Judge::new(Arc::new(honest)).judge(ROWS);
    assert_eq!(failed(&outcome), []);
    on_every_row(&Arc::new(rule), ROWS)
}
