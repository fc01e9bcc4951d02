//! Admission of damaged and forged files: truncated, with flipped bits, or with additional sections. Nothing panics,
//! nothing invalid is admitted, and changed code that is admitted is contained.

use std::collections::BTreeSet;
use std::sync::Arc;

use countersign_admission::{Admitted, admit, sections};
use countersign_declaration::{Ceilings, Refusal, RefusalCode};
use countersign_model::call::FailureKind;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::support::{Judge, admitted, bytes, engine, shipped};

fn check(bytes: &[u8]) -> Result<Admitted, Vec<Refusal>> {
    admit(bytes, &Ceilings::default())
}

fn codes(bytes: &[u8]) -> BTreeSet<RefusalCode> {
    check(bytes).map(|_| ()).expect_err("refused").into_iter().map(|refusal| refusal.code).collect()
}

/// A custom section (Core Specification, section 5.5.3).
fn section(name: &str, contents: &[u8]) -> Vec<u8> {
    let text = format!("(component (@custom {name:?} {:?}))", String::from_utf8(contents.to_vec()).unwrap());
    wat::parse_str(text).unwrap()[8..].to_vec()
}

/// The offsets at which the sections of the outermost component begin, and the end of the last one.
fn boundaries(bytes: &[u8]) -> Vec<usize> {
    let mut boundaries = vec![8];
    let mut at = 8;
    while at < bytes.len() {
        let (mut size, mut shift) = (0usize, 0);
        at += 1;
        loop {
            size |= usize::from(bytes[at] & 0x7f) << shift;
            at += 1;
            if bytes[at - 1] & 0x80 == 0 {
                break;
            }
            shift += 7;
        }
        at += size;
        boundaries.push(at);
    }
    assert_eq!(at, bytes.len());
    boundaries
}

#[test]
fn a_truncated_rule_is_refused() {
    let bytes = shipped("burst-of-denied-calls");
    let sampled = (0..400).map(|part| bytes.len() * part / 400);
    let near = boundaries(bytes).into_iter().flat_map(|at| at.saturating_sub(12)..at + 12);
    let lengths: BTreeSet<usize> =
        sampled.chain(near).chain(0..16).chain(bytes.len() - 32..bytes.len()).filter(|at| *at < bytes.len()).collect();
    for length in &lengths {
        assert!(check(&bytes[..*length]).is_err(), "the first {length} bytes");
    }
    println!("{} prefixes of {} bytes: all refused", lengths.len(), bytes.len());
}

#[test]
fn a_flipped_bit_is_refused_or_visible_and_admitted_code_is_contained() {
    let mut random = ChaCha8Rng::seed_from_u64(20_251_124);
    let mut seen: Vec<(String, usize)> = Vec::new();
    let mut mutants: Vec<Admitted> = Vec::new();
    for rule in [shipped("burst-of-denied-calls"), shipped("console-login-without-mfa"), bytes("answers-garbage")] {
        let good = admitted(rule);
        // The declaration is after the component.
        let declared = good.component().len();
        let (mut refused, mut other_code, mut other_declaration) = (0, 0, 0);
        for flip in 0..500 {
            // Every second one is within the declaration.
            let (from, to) = if flip % 2 == 0 { (0, declared) } else { (declared, rule.len()) };
            let at = from + random.next_u32() as usize % (to - from);
            let mut flipped = rule.to_vec();
            flipped[at] ^= 1 << (random.next_u32() % 8);
            let Ok(mutant) = check(&flipped) else {
                refused += 1;
                continue;
            };
            if at < declared {
                // The code differs, with the declared authority.
                assert_ne!(mutant.code(), good.code(), "byte {at}");
                assert_eq!(mutant.declaration(), good.declaration(), "byte {at}");
                assert_eq!(mutant.declaration_digest(), good.declaration_digest(), "byte {at}");
                other_code += 1;
                if other_code % 10 == 0 {
                    mutants.push(mutant);
                }
            } else {
                assert_ne!(mutant.declaration_digest(), good.declaration_digest(), "byte {at}");
                assert_ne!(mutant.declaration(), good.declaration(), "byte {at}");
                assert_eq!(mutant.code(), good.code(), "byte {at}");
                other_declaration += 1;
            }
        }
        assert!(refused > 100 && other_code > 0 && other_declaration > 0);
        let counts = format!(
            "{refused} refused, {other_code} admitted as other code, {other_declaration} as declared otherwise"
        );
        seen.push((good.declaration().id.to_string(), other_code));
        println!("{}: 500 flips: {counts}", good.declaration().id);
    }
    println!("{} mutants run", mutants.len());
    assert!(mutants.len() >= 10, "{seen:?}");
    for mutant in mutants {
        check_contained(&mutant);
    }
}

/// Asserts that a mutant can't stop the host, and that each row is either judged or set aside.
fn check_contained(mutant: &Admitted) {
    let rule = match engine().load(mutant) {
        Ok(rule) => Arc::new(rule),
        Err(error) => return assert!(error.to_string().contains("couldn't be compiled"), "{error}"),
    };
    let mut judge = Judge::new(rule);
    let rows: Vec<(&str, &str)> =
        (0..24).map(|row| (["ListUsers", "ListRoles", "GetObject"][row % 3], "ALICE")).collect();
    let outcome = judge.judge(&rows);
    assert!(outcome.begun.is_empty());
    let failed: BTreeSet<u64> = outcome.failures.iter().map(|failed| failed.row.position).collect();
    assert_eq!(failed.len(), outcome.failures.len());
    assert!(outcome.findings.iter().all(|found| !failed.contains(&found.finding.position)));
    assert!(outcome.failures.iter().all(|failed| failed.failure.kind != FailureKind::Deadline));
}

#[test]
fn a_second_declaration_is_refused_in_any_place() {
    let rule = shipped("burst-of-denied-calls");
    let own = &rule[admitted(rule).component().len()..];
    let other = section(sections::DECLARATION_SECTION, b"{}");
    for second in [own, &other] {
        let behind = [rule, second].concat();
        let before = [&rule[..8], second, &rule[8..]].concat();
        for forged in [behind, before] {
            assert!(codes(&forged).contains(&RefusalCode::DeclarationDuplicate));
        }
    }
    // Between any two sections.
    for at in boundaries(rule) {
        let forged = [&rule[..at], &other, &rule[at..]].concat();
        assert!(codes(&forged).contains(&RefusalCode::DeclarationDuplicate), "byte {at}");
    }
}

#[test]
fn undeclared_data_are_refused() {
    let rule = shipped("burst-of-denied-calls");
    for at in [8, rule.len()] {
        let forged = [&rule[..at], &section(sections::DATA_SECTION, b"allow all"), &rule[at..]].concat();
        assert_eq!(codes(&forged), BTreeSet::from([RefusalCode::DataMismatch]));
    }
}

#[test]
fn a_declaration_moved_to_another_component_makes_another_rule() {
    let (modest, greedy) = (admitted(shipped("console-login-without-mfa")), admitted(shipped("burst-of-denied-calls")));
    let bytes = sections::attach(modest.component(), greedy.declaration(), None).unwrap();
    let moved = admitted(&bytes);
    // It is admitted as neither of the two: grants and approvals are bound to both digests.
    assert_eq!((moved.code(), moved.declaration_digest()), (modest.code(), greedy.declaration_digest()));
    // And its calls fail: the columns aren't those that the code was compiled for.
    let mut judge = Judge::new(Arc::new(engine().load(&moved).unwrap()));
    let outcome = judge.judge(&[("ListUsers", "ALICE")]);
    assert_eq!((outcome.failures.len(), outcome.findings.len()), (1, 0));
    let message = &outcome.failures[0].failure.message;
    assert!(message.contains("schema mismatch"), "{message}");
}

#[test]
fn nested_sections_are_ignored() {
    let rule = admitted(shipped("burst-of-denied-calls"));
    let forged = r#"{"actions":["suspend-account"]}"#;
    let nested = format!("(component (component (@custom \"countersign-declaration\" {forged:?})))");
    let with = [rule.component(), &wat::parse_str(nested).unwrap()[8..]].concat();
    let bytes = sections::attach(&with, rule.declaration(), None).unwrap();
    assert_eq!(admitted(&bytes).declaration(), rule.declaration());
}

#[test]
fn a_file_that_is_not_a_rule_is_refused() {
    let rule = shipped("burst-of-denied-calls");
    let trailing = [rule, b"\0"].concat();
    assert!(!codes(&trailing).is_empty());
    assert!(codes(b"").contains(&RefusalCode::WasmMalformed));
    assert!(codes(b"#!/bin/sh\nexit 0\n").contains(&RefusalCode::WasmMalformed));
    assert!(codes(b"\0asm\x01\0\0\0").contains(&RefusalCode::WasmCoreModule));
    let empty = codes(b"\0asm\x0d\0\x01\0");
    assert!(empty.contains(&RefusalCode::DeclarationMissing) && empty.contains(&RefusalCode::WorldMismatch));
    let declaration = admitted(rule).declaration().clone();
    let hollow = sections::attach(b"\0asm\x0d\0\x01\0", &declaration, None).unwrap();
    assert_eq!(codes(&hollow), BTreeSet::from([RefusalCode::WorldMismatch]));
    // Native code, as a compile cache would hold it.
    assert!(codes(b"\x7fELF\x02\x01\x01\0").contains(&RefusalCode::WasmMalformed));
}

#[test]
fn nothing_is_imported() {
    let rule = admitted(shipped("burst-of-denied-calls"));
    for import in [
        r#"(import "wasi:clocks/monotonic-clock@0.2.0" (instance (export "now" (func (result u64)))))"#,
        r#"(import "wasi:random/random@0.2.0" (instance (export "get-random-u64" (func (result u64)))))"#,
        r#"(import "wasi:io/streams@0.2.0" (instance (export "output-stream" (type (sub resource)))))"#,
        r#"(import "wasi:cli/environment@0.2.0" (instance))"#,
        r#"(import "log" (func (param "message" string)))"#,
        r#"(import "handle" (type (sub resource)))"#,
        r#"(import "module" (core module))"#,
        r#"(import "component" (component))"#,
    ] {
        let fields = wat::parse_str(format!("(component {import})")).unwrap();
        // Before all other fields, and after them.
        for at in [8, rule.component().len()] {
            let component = [&rule.component()[..at], &fields[8..], &rule.component()[at..]].concat();
            let bytes = sections::attach(&component, rule.declaration(), None).unwrap();
            assert!(codes(&bytes).contains(&RefusalCode::ImportPresent), "{import} at {at}");
        }
    }
}

/// A nested module with imports that no component satisfies is invalid.
#[test]
fn a_nested_module_with_imports_is_refused() {
    let rule = admitted(shipped("burst-of-denied-calls"));
    let nested = r#"(component (component
        (core module $asks (import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32))))
        (core instance (instantiate $asks))))"#;
    let component = [rule.component(), &wat::parse_str(nested).unwrap()[8..]].concat();
    let bytes = sections::attach(&component, rule.declaration(), None).unwrap();
    assert!(codes(&bytes).contains(&RefusalCode::WasmMalformed));
}
