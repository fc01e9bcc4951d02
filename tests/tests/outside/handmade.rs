//! Guests written by hand in the text format, below the generated types: a module of parts, and a component around it.

use countersign_admission::sections;
use countersign_declaration::parse_toml;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The parts of a module. The defaults in [`HONEST`] keep the contract and find nothing.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    /// Body of `evaluate`: takes the address of the arguments, gives that of the answer.
    pub(crate) evaluate: &'a str,
    /// Body of `cabi_realloc`: takes an old address, its size, alignment and new size.
    pub(crate) realloc: &'a str,
    /// Other fields.
    pub(crate) more: &'a str,
    /// Pages of memory that it begins with, 64 KiB each.
    pub(crate) pages: u32,
}

/// 64 zero bytes that nothing else uses: an answer of four empty lists.
pub(crate) const EMPTY: &str = "i32.const 64";

/// A bump allocator that never frees, like the SDK's.
const BUMP: &str = "
    (local $block i32)
    (local.set $block
        (i32.and
            (i32.add (global.get $next) (i32.sub (local.get 2) (i32.const 1)))
            (i32.sub (i32.const 0) (local.get 2))))
    (global.set $next (i32.add (local.get $block) (local.get 3)))
    local.get $block";

pub(crate) const HONEST: Parts<'static> = Parts { evaluate: EMPTY, realloc: BUMP, more: "", pages: 4 };

/// One finding at 256, its signal class and message at 512; the answer at 128 points to it.
pub(crate) const FINDING: &str = r#"
    (data (i32.const 128) "\00\01\00\00\01\00\00\00")
    (data (i32.const 256) "\00\00\00\00\00\02\00\00\09\00\00\00\32\01\00\00")
    (data (i32.const 288) "\09\02\00\00\02\00\00\00")
    (data (i32.const 512) "privilege" "ok")"#;

/// The parts as a module, which isn't a component yet. A migration traps.
pub(crate) fn module(parts: Parts<'_>) -> Vec<u8> {
    let Parts { evaluate, realloc, more, pages } = parts;
    let text = format!(
        r#"(module
            (memory (export "memory") {pages})
            (global $next (mut i32) (i32.const 4096))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {realloc})
            (func (export "countersign:rules/detect@0.1.0#evaluate") (param i32) (result i32) {evaluate})
            (func (export "countersign:rules/detect@0.1.0#migrate") (param i32 i32 i32 i32) (result i32) unreachable)
            {more})"#
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A component of the world `detection` around a module, with a declaration given as `rule.toml`.
pub(crate) fn component(module: Vec<u8>, declaration: &str) -> Vec<u8> {
    of_world(("detection", include_str!("../../../wit/detection.wit")), module, declaration)
}

/// A response rule that proposes these actions for the first subject of every incident. `first` comes before that: it may
/// trap, or never end.
pub(crate) fn response(actions: &[&str], first: &str, declaration: &str) -> Vec<u8> {
    // The answer at 128 points to the proposals at 256, 36 bytes each, and these to their actions' texts.
    let words = |words: &[usize]| -> String {
        words
            .iter()
            .flat_map(|word| u32::try_from(*word).unwrap().to_le_bytes())
            .map(|byte| format!("\\{byte:02x}"))
            .collect()
    };
    let mut data = format!("(data (i32.const 128) \"{}\")", words(&[256, actions.len()]));
    for (place, action) in actions.iter().enumerate() {
        let (at, text) = (256 + 36 * place, 1_024 + 64 * place);
        data += &format!(
            "(data (i32.const {at}) \"{}\") (data (i32.const {text}) \"{action}\")",
            words(&[text, action.len()])
        );
    }
    let text = format!(
        r#"(module
            (memory (export "memory") 4)
            (global $next (mut i32) (i32.const 4096))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {BUMP})
            (func (export "countersign:rules/respond@0.1.0#propose") (param i32) (result i32) {first} i32.const 128)
            {data})"#
    );
    let module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    of_world(("response", include_str!("../../../wit/response.wit")), module, declaration)
}

fn of_world((name, wit): (&str, &str), module: Vec<u8>, declaration: &str) -> Vec<u8> {
    let mut module = module;
    let mut resolve = Resolve::default();
    let package = resolve.push_source("world.wit", wit).unwrap();
    let world = *resolve.packages[package].worlds.get(name).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let component = ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap();
    sections::attach(&component, &parse_toml(declaration).unwrap(), None).unwrap()
}

/// The usual declaration of such a guest.
pub(crate) const DECLARATION: &str = r#"
id = "hostile/raw"
version = "0.1.0"
kind = "detection"
description = "Written by hand."
identity-types = ["human"]
confidence-floor = 50
actions = ["notify"]
signal-classes = ["privilege"]
event-classes = ["api-activity"]
fields = ["api.operation"]

[limits]
memory = "1MiB"
fuel = 1000000
output = "16KiB"
"#;
