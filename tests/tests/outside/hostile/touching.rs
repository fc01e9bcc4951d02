//! Attempts to take much time with little fuel: by memory, which costs time where it is touched, and by instructions that do
//! more than one thing. Each is measured: a row's time is at most a documented multiple of its fuel.

use std::sync::Arc;
use std::time::Duration;

use countersign_declaration::Ceilings;
use countersign_engine::{Engine, EngineConfig, LoadedRule};
use countersign_model::call::FailureKind::{self, FuelExhausted, Trap};

use super::{Attempt, Defence, attempt};
use crate::handmade::{DECLARATION, HONEST, Parts, component, module};
use crate::support::{Judge, Row, failed};

/// What a row may take for each unit of its fuel, as `docs/BENCHMARKS.md` says. Measured are 5 to 50 ns; a machine that is
/// twice as slow and busy isn't an attack.
const MAX_NANOS: u64 = 250;

/// What it may take besides: an instance, the free memory, and a look through memory for a message if it traps.
const BASE: Duration = Duration::from_millis(12);

/// The fuel of these rules.
const FUEL: u64 = 400_000;

pub(super) fn attempts() -> Vec<Attempt> {
    let row = |name, tries, kind: FailureKind, evaluate: &'static str, more: &'static str, pages| {
        attempt(name, tries, Defence::RowSetAside(kind), move || costs(Parts { evaluate, more, pages, ..HONEST }, kind))
    };
    vec![
        row("grows-and-touches", "grows 60 MiB a row and writes to each page", FuelExhausted, GROW, "", 4),
        row("begins-large-and-touches", "begins with 60 MiB and writes to each page", FuelExhausted, TOUCH, "", 960),
        row("grows-what-it-can-pay", "grows 9 MiB a row and writes to each page", FuelExhausted, PAID, "", 4),
        row("grows-page-by-page", "grows one page after another", FuelExhausted, BIT_BY_BIT, "", 4),
        row("grows-by-nothing", "asks for no memory without end", FuelExhausted, BY_NOTHING, "", 4),
        row("fills-and-fills", "fills its memory again and again", FuelExhausted, FILL, "", 32),
        row("copies-and-copies", "copies its memory again and again", FuelExhausted, COPY, "", 32),
        row("fills-a-table", "fills a table again and again", FuelExhausted, TABLE, "(table $table 9000 funcref)", 4),
        row("strides", "reads its memory out of any cache's order", FuelExhausted, STRIDE, "", 32),
        row("divides", "divides without end", FuelExhausted, DIVIDE, "", 4),
        row("touches-and-traps", "writes to the free memory, and traps at once", Trap, TRAP, "", 32),
    ]
}

const GROW: &str = "
    (local $at i32)
    (drop (memory.grow (i32.const 956)))
    (loop $next
        (i32.store (local.get $at) (i32.const 1))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4096))) (i32.const 62914560))))
    i32.const 64";

const PAID: &str = "
    (local $at i32)
    (drop (memory.grow (i32.const 150)))
    (loop $again
        (local.set $at (i32.const 0))
        (loop $next
            (i32.store (local.get $at) (i32.const 1))
            (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4096))) (i32.const 10000000))))
        (br $again))
    i32.const 64";

const TOUCH: &str = "
    (local $at i32)
    (loop $next
        (i32.store (local.get $at) (i32.const 1))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4096))) (i32.const 62914560))))
    i32.const 64";

const BIT_BY_BIT: &str = "
    (loop $next
        (i32.store (i32.shl (memory.grow (i32.const 1)) (i32.const 16)) (i32.const 1))
        (br $next))
    i32.const 64";

const BY_NOTHING: &str = "(loop $next (drop (memory.grow (i32.const 0))) (br $next)) i32.const 64";

const FILL: &str = "
    (loop $next (memory.fill (i32.const 0) (i32.const 1) (i32.const 100000)) (br $next)) i32.const 64";

const COPY: &str = "
    (loop $next (memory.copy (i32.const 8) (i32.const 0) (i32.const 100000)) (br $next)) i32.const 64";

const TABLE: &str = "
    (loop $next (table.fill $table (i32.const 0) (ref.null func) (i32.const 9000)) (br $next)) i32.const 64";

const STRIDE: &str = "
    (local $at i32)
    (loop $next
        (local.set $at (i32.and
            (i32.add (i32.mul (local.get $at) (i32.const 1664525)) (i32.const 1013904223)) (i32.const 0x1fffff)))
        (drop (i32.load8_u (local.get $at)))
        (br $next))
    i32.const 64";

const DIVIDE: &str = "
    (local $at i64)
    (local.set $at (i64.const -1))
    (loop $next (local.set $at (i64.div_u (i64.const -1) (i64.or (local.get $at) (i64.const 1)))) (br $next))
    i32.const 64";

const TRAP: &str = "
    (local $at i32)
    (loop $next
        (i32.store (local.get $at) (i32.const 1))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4096))) (i32.const 2097152))))
    unreachable";

/// Rows that each fail in this way, within what their fuel may cost.
fn costs(parts: Parts<'_>, kind: FailureKind) -> Defence {
    const ROWS: usize = 40;
    let rule = loaded(parts);
    let rows: Vec<Row<'_>> = (0..ROWS).map(|_| ("ListUsers", "ALICE")).collect();
    // The first call of a slot of the pool costs more than the others.
    let mut judge = Judge::new(rule.clone());
    judge.judge_in(1, &rows[..2]);
    let before = processor_time();
    let outcome = Judge::new(rule).judge_in(1, &rows);
    let each = (processor_time() - before) / u32::try_from(ROWS).unwrap();
    let all = failed(&outcome);
    println!("    {:>8.2?} a row, {:>5.1} ns a unit of fuel", each, each.as_nanos() as f64 / FUEL as f64);
    if all.len() != ROWS || all.iter().any(|(_, other)| *other != kind) {
        return Defence::None(format!("{all:?}"));
    }
    match each <= BASE + Duration::from_nanos(MAX_NANOS * FUEL) {
        true => Defence::RowSetAside(kind),
        false => Defence::None(format!("{each:?} a row")),
    }
}

fn loaded(parts: Parts<'_>) -> Arc<LoadedRule> {
    let declared = DECLARATION.replace("1MiB", "64MiB").replace("fuel = 1000000", &format!("fuel = {FUEL}"));
    let bytes = component(module(parts), &declared);
    let admitted = countersign_admission::admit(&bytes, &Ceilings::default()).unwrap();
    let config = EngineConfig { concurrent_calls: 1, ..EngineConfig::default() };
    Arc::new(Engine::new(&config).unwrap().load(&admitted).unwrap())
}

/// Of this thread, in which calls run.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
}
