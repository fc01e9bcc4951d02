//! Code that was admitted before: what is asked, and what is looked at all the same.

use std::cell::RefCell;

use countersign_admission::{admit, admit_again, sections};
use countersign_declaration::{Ceilings, Refusal, RefusalCode};
use countersign_model::vocabulary::RuleKind;

use crate::support::{DATA, base, base_declaration, ceilings, section};

fn codes(refusals: &[Refusal]) -> Vec<RefusalCode> {
    refusals.iter().map(|refusal| refusal.code).collect()
}

#[test]
fn a_precedent_is_asked_for_the_code_and_kind_and_changes_nothing_else() {
    let bytes = base("detection");
    let first = admit(&bytes, &ceilings()).unwrap();
    let asked = RefCell::new(Vec::new());
    let again = admit_again(&bytes, &ceilings(), &|code, kind| {
        asked.borrow_mut().push((code, kind));
        true
    })
    .unwrap();
    assert_eq!(asked.into_inner(), [(first.code(), RuleKind::Detection)]);
    assert_eq!((again.component(), again.declaration()), (first.component(), first.declaration()));
    assert_eq!((again.code(), again.declaration_digest()), (first.code(), first.declaration_digest()));
    assert_eq!((again.data(), again.data_digest()), (first.data(), first.data_digest()));
}

/// A function that isn't valid: only a precedent could let it through, and there is none for code that wasn't admitted.
#[test]
fn only_what_hangs_on_the_code_alone_is_skipped() {
    let added = |wasm: &str| {
        let fields = wat::parse_str(format!("(component {wasm})")).unwrap();
        let component = [&sections::strip(&base("detection")), &fields[8..]].concat();
        sections::attach(&component, &base_declaration("detection"), Some(DATA)).unwrap()
    };
    let invalid = added("(core module (func (result i32)))");
    let refusals = admit(&invalid, &ceilings()).unwrap_err();
    assert_eq!(codes(&refusals), [RefusalCode::WasmMalformed]);
    assert!(admit_again(&invalid, &ceilings(), &|_, _| true).is_ok());

    let importing = added(r#"(import "wasi:clocks/monotonic-clock@0.2.0" (instance))"#);
    let refusals = admit_again(&importing, &ceilings(), &|_, _| true).unwrap_err();
    assert_eq!(codes(&refusals), [RefusalCode::ImportPresent]);
    let many = added(&format!("(core module {})", "(func)".repeat(ceilings().functions + 1)));
    let refusals = admit_again(&many, &ceilings(), &|_, _| true).unwrap_err();
    assert_eq!(codes(&refusals), [RefusalCode::WasmTooComplex]);
}

#[test]
fn limits_that_were_lowered_since_and_changed_sections_are_seen_and_nobody_is_asked() {
    let bytes = base("detection");
    let never = |_, _| panic!("a precedent was looked up for code that is refused regardless");
    let mut lowered = ceilings();
    lowered.component_bytes = 100;
    let refusals = admit_again(&bytes, &lowered, &never).unwrap_err();
    assert!(codes(&refusals).contains(&RefusalCode::WasmTooLarge), "{refusals:?}");

    let twice = [&bytes[..], &section("countersign-declaration", b"{}")].concat();
    let refusals = admit_again(&twice, &ceilings(), &never).unwrap_err();
    assert_eq!(codes(&refusals), [RefusalCode::DeclarationDuplicate]);
    let swapped = sections::attach(&sections::strip(&bytes), &base_declaration("detection"), Some(DATA)).unwrap();
    let at = swapped.len() - 1;
    let swapped = [&swapped[..at], &[swapped[at] ^ 1]].concat();
    let refusals = admit_again(&swapped, &ceilings(), &never).unwrap_err();
    assert_eq!(codes(&refusals), [RefusalCode::DataMismatch]);
}

#[test]
fn blocks_nest_only_so_deep() {
    let nested = |times: usize| {
        let function = format!("(core module (func {} {}))", "block ".repeat(times), "end ".repeat(times));
        let fields = wat::parse_str(format!("(component {function})")).unwrap();
        let component = [&sections::strip(&base("detection")), &fields[8..]].concat();
        sections::attach(&component, &base_declaration("detection"), Some(DATA)).unwrap()
    };
    assert!(admit(&nested(10_000), &Ceilings::default()).is_ok());
    let refusals = admit(&nested(10_001), &Ceilings::default()).unwrap_err();
    let [refusal] = refusals.as_slice() else { panic!("{refusals:?}") };
    assert_eq!(refusal.code, RefusalCode::WasmTooComplex);
    let message = refusal.to_string();
    assert!(message.contains("at most 10000 nested blocks") && message.contains("10001"), "{message}");
}
