//! Small bytes that take much work: refused by counting it, without doing it. Each within a processor time that a limit of
//! the child process would allow several times over.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use countersign_admission::{admit, sections};
use countersign_declaration::{Ceilings, Refusal, RefusalCode};

use crate::support::{base_declaration, ceilings, with};

/// Generous: a busy machine must not fail it. Without the bounds each takes minutes, or all memory.
const MAX_ELAPSED: Duration = Duration::from_secs(20);

fn refused(bytes: &[u8]) -> Vec<Refusal> {
    let begun = Instant::now();
    let refusals = admit(bytes, &Ceilings::default()).unwrap_err();
    assert!(begun.elapsed() < MAX_ELAPSED, "{:?}", begun.elapsed());
    refusals
}

fn only(refusals: &[Refusal], code: RefusalCode, part: &str) {
    assert!(refusals.iter().all(|one| one.code == code && one.to_string().contains(part)), "{refusals:?}");
}

/// A type of many values, and functions that call, branch and block with it.
fn wide(body: &str, times: usize, functions: usize) -> Vec<u8> {
    let values = "i32 ".repeat(1_000);
    let consts = "i32.const 0 ".repeat(1_000);
    let function = format!("(func (type $t) {consts} {} {})", body.repeat(times), "return");
    with(&format!(
        "(core module (type $t (func (result {values}))) (type $w (func (param {values}) (result {values}))) \
         (func $w (type $w) unreachable) {})",
        function.repeat(functions)
    ))
}

#[test]
fn calls_that_take_and_leave_a_thousand_values_are_counted() {
    only(&refused(&wide("call $w ", 200_000, 2)), RefusalCode::WasmTooComplex, "work of validation");
    only(&refused(&wide("(block (type $w)) ", 100_000, 1)), RefusalCode::WasmTooComplex, "work of validation");
    // A few of them are nobody's business.
    assert!(admit(&wide("call $w ", 1_000, 2), &Ceilings::default()).is_ok());
}

#[test]
fn a_disabled_feature_amid_them_is_named_at_bounded_cost() {
    let many = format!("{} (drop (v128.const i64x2 0 0)) (return_call $w) ", "call $w ".repeat(25_000));
    only(&refused(&wide(&many, 1, 1)), RefusalCode::WasmFeatureOff, "tail calls");
    // Where there is little to read, by its name.
    only(&refused(&wide("(return_call $w) ", 1, 1)), RefusalCode::WasmFeatureOff, "tail-call");
}

#[test]
fn tables_of_branches_count_each_branch() {
    let table = format!("(br_table {} (i32.const 0))", "0 ".repeat(200_000));
    only(&refused(&wide(&table, 1, 1)), RefusalCode::WasmTooComplex, "work of validation");
}

/// A component whose only export is an instance of these fields.
fn exporting(fields: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (core module $m
                (memory (export "m") 1)
                (func (export "r") (param i32 i32 i32 i32) (result i32) i32.const 0)
                (func (export "one") (param i32))
                (func (export "two") (param i32 i32)))
            (core instance $i (instantiate $m))
            {fields}
            (export "countersign:rules/detect@0.1.0" (instance $x)))"#
    );
    sections::attach(&wat::parse_str(text).unwrap(), &base_declaration("detection"), None).unwrap()
}

/// A function of a core function, with one parameter.
fn lifted(parameter: &str, core: &str) -> String {
    format!(
        r#"(func $f (param "x" {parameter})
            (canon lift (core func $i "{core}") (memory (core memory $i "m")) (realloc (core func $i "r"))))"#
    )
}

/// A type with a name of 20,000 letters, which functions name a thousand times each.
#[test]
fn an_interface_that_takes_gigabytes_to_print_is_not_printed() {
    let functions = 100;
    let values = |ty: &str| format!("(tuple {})", format!("{ty} ").repeat(1_000));
    let mut exports = String::new();
    for n in 0..functions {
        write!(exports, r#"(export "f{n}" (func $f) (func (param "x" $many)))"#).unwrap();
    }
    let bytes = exporting(&format!(
        r#"(type $r (record (field "a" u8)))
        (type $rs {})
        {}
        (component $shim
            (type $r (record (field "a" u8)))
            (import "t" (type $t (eq $r)))
            (type $ts {})
            (import "f" (func $f (param "x" $ts)))
            (export $e "{}" (type $t))
            (type $many {})
            {exports})
        (instance $x (instantiate $shim (with "t" (type $r)) (with "f" (func $f))))"#,
        values("$r"),
        lifted("$rs", "one"),
        values("$t"),
        "a".repeat(20_000),
        values("$e"),
    ));
    assert!(bytes.len() < 60_000, "{}", bytes.len());
    only(&refused(&bytes), RefusalCode::WorldMismatch, "characters to print");
}

#[test]
fn types_that_alias_each_other_are_followed_no_deeper_than_they_nest() {
    let nested = |times: usize| {
        let types: String = (1..=times).map(|n| format!("(type $t{n} (list $t{}))", n - 1)).collect();
        let function = lifted(&format!("$t{times}"), "two");
        exporting(&format!(r#"(type $t0 (list u8)) {types} {function} (instance $x (export "f" (func $f)))"#))
    };
    only(&refused(&nested(90)), RefusalCode::WorldMismatch, "world");
    only(&refused(&nested(2_000)), RefusalCode::WasmMalformed, "nesting");
}

#[test]
fn types_declared_within_types_count() {
    let declared = "(type (func)) ".repeat(30_000);
    let nested = format!("(type (instance (type (instance {declared}))))");
    only(&refused(&with(&nested)), RefusalCode::WasmTooComplex, "types");
    let few = "(type (func)) ".repeat(10);
    assert!(admit(&with(&format!("(type (instance (type (instance {few}))))")), &ceilings()).is_ok());
}
