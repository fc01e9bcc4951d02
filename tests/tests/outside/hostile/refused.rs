//! Bytes that admission refuses, as data: the corpus makes an attempt of each, and `host/intake` measures what each costs.

use std::fmt::Write as _;

use countersign_admission::sections;
use countersign_declaration::{RefusalCode, parse_toml};

use crate::handmade::{DECLARATION, HONEST, component, module};

/// Bytes that are refused.
pub(crate) struct Refused {
    pub(crate) name: &'static str,
    pub(crate) tries: &'static str,
    /// The reasons, one of them at least; where it depends on the build which bound is met first, the likelier first.
    pub(crate) codes: &'static [RefusalCode],
    pub(crate) bytes: Box<dyn Fn() -> Vec<u8>>,
}

fn one(
    name: &'static str,
    tries: &'static str,
    codes: &'static [RefusalCode],
    bytes: impl Fn() -> Vec<u8> + 'static,
) -> Refused {
    Refused { name, tries, codes, bytes: Box::new(bytes) }
}

/// A rule with additional fields.
fn added(name: &'static str, tries: &'static str, codes: &'static [RefusalCode], fields: String) -> Refused {
    one(name, tries, codes, move || with(&fields))
}

/// All of them.
pub(crate) fn refused() -> Vec<Refused> {
    use RefusalCode as Code;

    let import = r#"(import "wasi:clocks/monotonic-clock@0.2.0" (instance (export "now" (func (result u64)))))"#;
    vec![
        added("imports-a-clock", "imports WASI's monotonic clock", &[Code::ImportPresent], import.to_owned()),
        added(
            "thread-that-counts",
            "shares memory with a thread that counts time",
            &[Code::WasmFeatureOff],
            "(core module (memory 1 1 shared))".to_owned(),
        ),
        added("deep-nesting", "nests components twenty deep", &[Code::WasmTooComplex], nested(20)),
        added(
            "deeply-nested-blocks",
            "blocks a hundred thousand deep",
            &[Code::WasmTooComplex],
            format!("(core module {})", nested_blocks(100_000)),
        ),
        added(
            "many-functions",
            "60,000 functions",
            &[Code::WasmTooComplex],
            format!("(core module {})", "(func)".repeat(60_000)),
        ),
        added(
            "many-instances",
            "makes 100 instances of one module",
            &[Code::WasmTooComplex],
            format!("(core module $m) {}", "(core instance (instantiate $m))".repeat(100)),
        ),
        added(
            "huge-function",
            "one function of 600 KB",
            &[Code::WasmTooLarge],
            format!("(core module (func {}))", "nop ".repeat(600_000)),
        ),
        added(
            "memory-to-begin-with",
            "a memory of 4 GiB before its first instruction",
            &[Code::WasmTooLarge],
            "(core module (memory 65536))".to_owned(),
        ),
        added(
            "types-that-double",
            "a type that unfolds to 2^40 fields",
            &[Code::WasmMalformed],
            format!(
                r#"{}
                (core module $m
                    (memory (export "m") 1)
                    (func (export "r") (param i32 i32 i32 i32) (result i32) i32.const 0)
                    (func (export "f") (param i32)))
                (core instance $i (instantiate $m))
                (func $f (param "x" $t40)
                    (canon lift (core func $i "f") (memory (core memory $i "m")) (realloc (core func $i "r"))))"#,
                doubling(40)
            ),
        ),
        added(
            "thousand-value-calls",
            "200,000 calls that take and leave 1,000 values",
            &[Code::WasmTooComplex],
            wide(&"call $w ".repeat(200_000), 2),
        ),
        added(
            "thousand-value-calls-and-a-feature",
            "the same with a feature that is off, for each feature anew",
            &[Code::WasmFeatureOff],
            wide(&format!("{} (return_call $w)", "call $w ".repeat(25_000)), 1),
        ),
        added(
            "thousand-value-branches",
            "a table of 200,000 branches with 1,000 values",
            &[Code::WasmTooComplex],
            wide(&format!("(br_table {} (i32.const 0))", "0 ".repeat(200_000)), 1),
        ),
        added(
            "fifty-thousand-locals",
            "20,000 functions of 50,000 locals, which take nothing to write",
            &[Code::WasmTooComplex],
            String::new(),
        )
        .bytes(|| with_module(&locals(20_000, 50_000))),
        added(
            "types-within-types",
            "a million types declared within one",
            &[Code::WasmTooComplex, Code::AdmissionLimit],
            String::new(),
        )
        .bytes(|| many_declared_types(900_000)),
        one(
            "gigabytes-of-interface",
            "an interface of 60 KB that takes gigabytes to print",
            &[Code::WorldMismatch],
            long_interface,
        ),
        one("aliases-of-aliases", "types that alias each other 2,000 deep", &[Code::WasmMalformed], || {
            let types: String = (1..=2_000).map(|n| format!("(type $t{n} (list $t{}))", n - 1)).collect();
            with(&format!("(type $t0 (list u8)) {types}"))
        }),
        one("sections-without-end", "16 MiB of empty sections", &[Code::DeclarationMissing], || {
            [&b"\0asm\x0d\0\x01\0"[..], &[0, 1, 0].repeat(5 << 20)].concat()
        }),
        one("names-without-end", "a length of 4 GiB on every name", &[Code::WasmMalformed], || {
            [&b"\0asm\x0d\0\x01\0"[..], &[0, 5, 0xff, 0xff, 0xff, 0xff, 0x0f].repeat(1 << 16)].concat()
        }),
    ]
}

impl Refused {
    fn bytes(self, bytes: impl Fn() -> Vec<u8> + 'static) -> Refused {
        Refused { bytes: Box::new(bytes), ..self }
    }
}

/// A rule with additional fields.
pub(crate) fn with(fields: &str) -> Vec<u8> {
    with_binary(&wat::parse_str(format!("(component {fields})")).unwrap()[8..])
}

/// A rule with additional sections.
fn with_binary(sections: &[u8]) -> Vec<u8> {
    let rule = component(module(HONEST), DECLARATION);
    let more = [&sections::strip(&rule), sections].concat();
    sections::attach(&more, &parse_toml(DECLARATION).unwrap(), None).unwrap()
}

/// A rule with another core module.
fn with_module(module: &[u8]) -> Vec<u8> {
    with_binary(&section(1, module))
}

/// Types that each have twice the fields of the one before.
pub(crate) fn doubling(times: usize) -> String {
    let types = (1..=times).map(|n| format!("(type $t{n} (tuple $t{} $t{}))", n - 1, n - 1));
    format!("(type $t0 (tuple u8 u8)) {}", types.collect::<String>())
}

/// A function of nested blocks.
fn nested_blocks(times: usize) -> String {
    format!("(func {} {})", "block ".repeat(times), "end ".repeat(times))
}

fn nested(times: usize) -> String {
    format!("{}{}", "(component ".repeat(times), ")".repeat(times))
}

/// Functions that begin with 1,000 values and have a function that takes and leaves as many.
fn wide(body: &str, functions: usize) -> String {
    let values = "i32 ".repeat(1_000);
    let function = format!("(func (type $t) {} {body} return)", "i32.const 0 ".repeat(1_000));
    format!(
        "(core module (type $t (func (result {values}))) (type $w (func (param {values}) (result {values}))) \
         (func $w (type $w) unreachable) {})",
        function.repeat(functions)
    )
}

fn leb(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn section(id: u8, contents: &[u8]) -> Vec<u8> {
    [&[id][..], &leb(contents.len()), contents].concat()
}

/// A core module of functions without instructions, each with so many locals.
fn locals(functions: usize, locals: usize) -> Vec<u8> {
    let body = [&[1][..], &leb(locals), &[0x7f, 0x0b]].concat();
    let body = [leb(body.len()), body].concat();
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[1, 0x60, 0, 0]),
        section(3, &[leb(functions), vec![0; functions]].concat()),
        section(10, &[leb(functions), body.repeat(functions)].concat()),
    ]
    .concat()
}

/// One instance type in which so many types of functions are declared.
pub(crate) fn many_declared_types(types: usize) -> Vec<u8> {
    // `(type (func))`: a type, a function without parameters and result.
    let declared = [0x01, 0x40, 0x00, 0x01, 0x00].repeat(types);
    with_binary(&section(7, &[&[1, 0x42][..], &leb(types), &declared].concat()))
}

/// A type with a name of 20,000 letters, which 100 functions name 1,000 times each.
fn long_interface() -> Vec<u8> {
    let values = |ty: &str| format!("(tuple {})", format!("{ty} ").repeat(1_000));
    let mut exports = String::new();
    for n in 0..100 {
        write!(exports, r#"(export "f{n}" (func $f) (func (param "x" $many)))"#).unwrap();
    }
    let text = format!(
        r#"(component
            (core module $m
                (memory (export "m") 1)
                (func (export "r") (param i32 i32 i32 i32) (result i32) i32.const 0)
                (func (export "f") (param i32)))
            (core instance $i (instantiate $m))
            (type $r (record (field "a" u8)))
            (type $rs {})
            (func $f (param "x" $rs)
                (canon lift (core func $i "f") (memory (core memory $i "m")) (realloc (core func $i "r"))))
            (component $shim
                (type $r (record (field "a" u8)))
                (import "t" (type $t (eq $r)))
                (type $ts {})
                (import "f" (func $f (param "x" $ts)))
                (export $e "{}" (type $t))
                (type $many {})
                {exports})
            (instance $x (instantiate $shim (with "t" (type $r)) (with "f" (func $f))))
            (export "countersign:rules/detect@0.1.0" (instance $x)))"#,
        values("$r"),
        values("$t"),
        "a".repeat(20_000),
        values("$e"),
    );
    sections::attach(&wat::parse_str(text).unwrap(), &parse_toml(DECLARATION).unwrap(), None).unwrap()
}
