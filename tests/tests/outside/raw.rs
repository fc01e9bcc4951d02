//! Guests written by hand below the generated types: answers that the canonical ABI must refuse, and what a module may try
//! before and after its answer.

use std::sync::Arc;

use countersign_admission::sections;
use countersign_declaration::{Ceilings, parse_toml};
use countersign_engine::{Engine, EngineConfig};
use countersign_model::call::FailureKind;

use crate::handmade::{DECLARATION, EMPTY, FINDING, HONEST, Parts, component, module};
use crate::support::{Judge, Row, engine, failed};

fn judge(engine: &Engine, parts: Parts<'_>) -> Judge {
    let admitted = countersign_admission::admit(&component(module(parts), DECLARATION), &Ceilings::default());
    let admitted = admitted.unwrap_or_else(|refusals| panic!("{refusals:#?}"));
    Judge::new(Arc::new(engine.load(&admitted).unwrap()))
}

const ROWS: &[Row<'_>] = &[("ListUsers", "ALICE"), ("ListUsers", "BOB")];

/// Asserts that both rows fail with the same kind and message.
fn check(parts: Parts<'_>, kind: FailureKind, message: &str) {
    let outcome = judge(engine(), parts).judge(ROWS);
    let got = outcome.failures.first().map(|failed| failed.failure.message.as_str()).unwrap_or_default();
    assert_eq!(failed(&outcome), [(0, kind), (1, kind)], "{}{}\n`{got}`", parts.evaluate, parts.more);
    assert!(got.contains(message), "expected `{message}` in `{got}`");
    assert!(got.len() <= 1_024, "{} bytes", got.len());
    assert_eq!((outcome.findings.len(), outcome.state.len()), (0, 0));
}

fn evaluate(body: &'static str, kind: FailureKind, message: &str) {
    check(Parts { evaluate: body, ..HONEST }, kind, message);
}

fn more(more: &'static str, kind: FailureKind, message: &str) {
    check(Parts { evaluate: "i32.const 128", more, ..HONEST }, kind, message);
}

use FailureKind::{FuelExhausted, InvalidAnswer, MemoryExceeded, OutputExceeded, Trap};

#[test]
fn an_honest_answer_is_accepted() {
    let outcome = judge(engine(), HONEST).judge(ROWS);
    assert_eq!((failed(&outcome), outcome.findings.len()), (vec![], 0));
    let outcome = judge(engine(), Parts { evaluate: "i32.const 128", more: FINDING, ..HONEST }).judge(ROWS);
    assert_eq!((failed(&outcome), outcome.findings.len()), (vec![], 1));
    let finding = &outcome.findings[0].finding;
    assert_eq!((finding.confidence, finding.message.as_str()), (50, "ok"));
}

#[test]
fn an_answer_lies_within_memory() {
    evaluate("i32.const 0x40000", InvalidAnswer, "out of bounds");
    evaluate("i32.const -8", InvalidAnswer, "out of bounds");
    evaluate("i32.const 65", InvalidAnswer, "not aligned");
    // A list that runs past the end, one with an impossible length, and one that wraps around.
    more(r#"(data (i32.const 128) "\00\01\00\00\00\00\10\00")"#, InvalidAnswer, "out of bounds");
    more(r#"(data (i32.const 128) "\00\01\00\00\ff\ff\ff\ff")"#, InvalidAnswer, "");
    more(r#"(data (i32.const 128) "\fc\ff\ff\ff\01\00\00\00")"#, InvalidAnswer, "out of bounds");
    more(r#"(data (i32.const 128) "\01\01\00\00\01\00\00\00")"#, InvalidAnswer, "not aligned");
}

#[test]
fn an_answer_has_the_shape_of_the_interface() {
    // A confidence is any byte; a severity, a role and an option have few valid values.
    let finding = |bytes: &'static str| -> &'static str {
        let text = FINDING.replace(r"\09\00\00\00\32\01\00\00", bytes);
        assert_ne!(text, FINDING);
        Box::leak(text.into_boxed_str())
    };
    more(finding(r"\09\00\00\00\32\06\00\00"), InvalidAnswer, "");
    more(finding(r"\09\00\00\00\32\01\04\00"), InvalidAnswer, "");
    let option = format!(r#"{FINDING} (data (i32.const 296) "\02\00")"#);
    more(Box::leak(option.into_boxed_str()), InvalidAnswer, "");
    let role = format!(r#"{FINDING} (data (i32.const 296) "\01\02")"#);
    more(Box::leak(role.into_boxed_str()), InvalidAnswer, "");
    let text = format!(r#"{FINDING} (data (i32.const 521) "\ff\fe")"#);
    more(Box::leak(text.into_boxed_str()), InvalidAnswer, "utf-8");
    let surrogate =
        format!(r#"{FINDING} (data (i32.const 288) "\09\02\00\00\03\00\00\00\00") (data (i32.const 521) "\ed\a0\80")"#);
    more(Box::leak(surrogate.into_boxed_str()), InvalidAnswer, "utf-8");
}

#[test]
fn an_answer_is_counted_by_its_unfolded_size() {
    // 4,096 diagnostics, each the same 60,000 bytes of the guest's 256 KiB: 240 MB in the host.
    let amplified = r"
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
    evaluate(amplified, OutputExceeded, "larger than the declared output");
    // A list of as many empty items as possible.
    more(r#"(data (i32.const 136) "\00\01\00\00\00\10\00\00")"#, OutputExceeded, "");
}

#[test]
fn allocated_memory_lies_within_memory() {
    let realloc = |body| Parts { realloc: body, ..HONEST };
    check(realloc("i32.const 0x7ffffff0"), InvalidAnswer, "beyond end of memory");
    check(realloc("i32.const -4"), InvalidAnswer, "");
    check(realloc("i32.const 4097"), InvalidAnswer, "not aligned");
    check(realloc("unreachable"), Trap, "unreachable");
    check(realloc("(loop $forever (br $forever)) i32.const 0"), FuelExhausted, "");
    // The same place for everything: the guest only harms itself.
    let outcome = judge(engine(), realloc("i32.const 4096")).judge(ROWS);
    assert_eq!(failed(&outcome), []);
}

#[test]
fn what_runs_before_and_after_the_answer_is_metered_too() {
    more("(func $start (loop $forever (br $forever))) (start $start)", FuelExhausted, "");
    more("(func $start unreachable) (start $start)", Trap, "unreachable");
    more("(func $start (drop (memory.grow (i32.const 100)))) (start $start)", MemoryExceeded, "");
    let after = |body: &str| -> &'static str {
        let text = format!(r#"(func (export "cabi_post_countersign:rules/detect@0.1.0#evaluate") (param i32) {body})"#);
        Box::leak(text.into_boxed_str())
    };
    more(after("(loop $forever (br $forever))"), FuelExhausted, "");
    more(after("unreachable"), Trap, "unreachable");
    more(after("(drop (memory.grow (i32.const 100)))"), MemoryExceeded, "");
}

#[test]
fn growth_is_limited_to_the_declared_memory() {
    evaluate("(drop (memory.grow (i32.const 13))) i32.const 64", MemoryExceeded, "left of those declared");
    evaluate("(drop (memory.grow (i32.const 65535))) i32.const 64", MemoryExceeded, "left of those declared");
    let table = "(table $table 1 funcref) (func $grow (drop (table.grow $table (ref.null func) (i32.const 100000))))";
    let parts = Parts { evaluate: "(call $grow) i32.const 64", more: table, ..HONEST };
    check(parts, MemoryExceeded, "left of those declared");
    // Up to the last page.
    let parts = Parts { evaluate: "(drop (memory.grow (i32.const 12))) i32.const 64", ..HONEST };
    assert_eq!(failed(&judge(engine(), parts).judge(ROWS)), []);
}

#[test]
fn work_in_one_instruction_costs_fuel_too() {
    let fill =
        "(loop $forever (memory.fill (i32.const 0) (i32.const 1) (i32.const 200000)) (br $forever)) i32.const 64";
    evaluate(fill, FuelExhausted, "");
    let copy =
        "(loop $forever (memory.copy (i32.const 8) (i32.const 0) (i32.const 200000)) (br $forever)) i32.const 64";
    evaluate(copy, FuelExhausted, "");
}

#[test]
fn traps_are_reported_with_their_cause() {
    evaluate("unreachable", Trap, "unreachable");
    evaluate("(i32.div_u (i32.const 1) (i32.const 0))", Trap, "divide by zero");
    evaluate("(i32.load (i32.const -1))", Trap, "out of bounds memory access");
    evaluate("(i32.trunc_f64_s (f64.const nan))", Trap, "integer");
}

#[test]
fn a_panic_message_is_only_text() {
    // The mark, with a wrong length or text: longer than memory, longer than a message, invalid UTF-8.
    let with = |length: &str, text: &str| -> Parts<'_> {
        let data = format!(r#"(data (i32.const 1024) "\00\c5countersign!\c5\00{length}{text}")"#);
        Parts { evaluate: "unreachable", more: Box::leak(data.into_boxed_str()), ..HONEST }
    };
    check(with(r"\05\00\00\00", "hello"), Trap, "hello");
    check(with(r"\ff\ff\ff\ff", "hello"), Trap, "hello");
    check(with(r"\03\00\00\00", r"a\ffb"), Trap, "a\u{fffd}b");
    let at_the_end = r#"(data (i32.const 262128) "\00\c5countersign!\c5\00")"#;
    check(Parts { evaluate: "unreachable", more: at_the_end, ..HONEST }, Trap, "unreachable");
    // It is ignored where the call answers.
    let outcome = judge(engine(), Parts { evaluate: EMPTY, ..with(r"\05\00\00\00", "hello") }).judge(ROWS);
    assert_eq!(failed(&outcome), []);
}

#[test]
fn memory_is_cleared_between_calls() {
    // Traps if any byte of its unused pages isn't zero, then overwrites all of them, and the pages that it grows.
    let body = r"
        (local $at i32)
        (local.set $at (i32.const 0x10000))
        (loop $next
            (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then unreachable))
            (i64.store (local.get $at) (i64.const -1))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (br_if $next (i32.lt_u (local.get $at) (i32.const 0x40000))))
        (if (i32.ne (memory.grow (i32.const 12)) (i32.const 4)) (then unreachable))
        (loop $grown
            (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then unreachable))
            (i64.store (local.get $at) (i64.const -1))
            (local.set $at (i32.add (local.get $at) (i32.const 64)))
            (br_if $grown (i32.lt_u (local.get $at) (i32.const 0x100000))))
        (if (global.get $called) (then unreachable))
        (global.set $called (i32.const 1))
        i32.const 64";
    let parts = Parts { evaluate: body, more: "(global $called (mut i32) (i32.const 0))", ..HONEST };
    let one = Engine::new(&EngineConfig { concurrent_calls: 1, ..EngineConfig::default() }).unwrap();
    let mut judge = judge(&one, parts);
    for _ in 0..30 {
        assert_eq!(failed(&judge.judge(ROWS)), []);
    }
}

#[test]
fn a_component_that_the_pool_has_no_room_for_is_refused_when_it_is_loaded() {
    let load_with = |fields: &str| {
        let mut bytes = sections::strip(&component(module(HONEST), DECLARATION));
        bytes.extend_from_slice(&wat::parse_str(format!("(component {fields})")).unwrap()[8..]);
        let bytes = sections::attach(&bytes, &parse_toml(DECLARATION).unwrap(), None).unwrap();
        let admitted = countersign_admission::admit(&bytes, &Ceilings::default()).unwrap();
        engine().load(&admitted).map(|_| ()).unwrap_err().to_string()
    };
    // More instances of the component's own module, which has a memory, and of an empty one, which gets index 1.
    for fields in ["(core instance (instantiate 0))", &"(core instance (instantiate 1))".repeat(4)] {
        let error = load_with(&format!("(core module) {fields}"));
        let room =
            "`hostile/raw` takes more than a call has room for, which is 4 core instances, 1 memory and 4 tables";
        assert!(error.starts_with(room), "{error}");
        assert!(error.contains("which exceeds the"), "{error}");
    }
}
