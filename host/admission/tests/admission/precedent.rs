//! Rules that were admitted before: what isn't looked at again, and what is; and how deep blocks nest.

use countersign_admission::{admit, admit_again, sections};
use countersign_declaration::{Ceilings, Refusal, RefusalCode};

use crate::support::{DATA, base, base_declaration, ceilings, section, with};

fn codes(refusals: &[Refusal]) -> Vec<RefusalCode> {
    refusals.iter().map(|refusal| refusal.code).collect()
}

#[test]
fn what_was_admitted_is_the_same_again() {
    let bytes = base("detection");
    let (first, again) = (admit(&bytes, &ceilings()).unwrap(), admit_again(&bytes, &ceilings()).unwrap());
    assert_eq!((again.component(), again.declaration()), (first.component(), first.declaration()));
    assert_eq!((again.code(), again.declaration_digest()), (first.code(), first.declaration_digest()));
    assert_eq!((again.data(), again.data_digest()), (first.data(), first.data_digest()));
}

/// A function that isn't valid: only the caller's word lets it through.
#[test]
fn only_the_webassembly_is_not_looked_at_again() {
    let invalid = with("(core module (func (result i32)))");
    assert_eq!(codes(&admit(&invalid, &ceilings()).unwrap_err()), [RefusalCode::WasmMalformed]);
    assert!(admit_again(&invalid, &ceilings()).is_ok());
}

#[test]
fn limits_that_were_lowered_since_and_changed_sections_are_seen() {
    let bytes = base("detection");
    let mut lowered = ceilings();
    lowered.component_bytes = 100;
    let refusals = admit_again(&bytes, &lowered).unwrap_err();
    assert!(codes(&refusals).contains(&RefusalCode::WasmTooLarge), "{refusals:?}");

    let twice = [&bytes[..], &section("countersign-declaration", b"{}")].concat();
    let refusals = admit_again(&twice, &ceilings()).unwrap_err();
    assert_eq!(codes(&refusals), [RefusalCode::DeclarationDuplicate]);
    let swapped = sections::attach(&sections::strip(&bytes), &base_declaration("detection"), Some(DATA)).unwrap();
    let at = swapped.len() - 1;
    let swapped = [&swapped[..at], &[swapped[at] ^ 1]].concat();
    let refusals = admit_again(&swapped, &ceilings()).unwrap_err();
    assert_eq!(codes(&refusals), [RefusalCode::DataMismatch]);
    assert!(admit_again(b"nothing", &ceilings()).is_err());
}

#[test]
fn blocks_nest_only_so_deep() {
    let nested =
        |times: usize| with(&format!("(core module (func {} {}))", "block ".repeat(times), "end ".repeat(times)));
    assert!(admit(&nested(10_000), &Ceilings::default()).is_ok());
    let refusals = admit(&nested(10_001), &Ceilings::default()).unwrap_err();
    let [refusal] = refusals.as_slice() else { panic!("{refusals:?}") };
    assert_eq!(refusal.code, RefusalCode::WasmTooComplex);
    let message = refusal.to_string();
    assert!(message.contains("at most 10000 nested blocks") && message.contains("10001"), "{message}");
}
