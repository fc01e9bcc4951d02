//! Bytes from anywhere: cut, flipped, made up. Nothing panics, nothing broken is admitted, nothing changed goes unseen.

use crate::support::{DATA, base, base_declaration, build, ceilings, section};
use countersign_admission::{admit, expected_world, sections};
use countersign_declaration::{Ceilings, RefusalCode};
use countersign_model::Digest;
use countersign_model::vocabulary::RuleKind;
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

#[test]
fn every_prefix_is_refused() {
    for kind in ["detection", "response"] {
        let bytes = base(kind);
        for length in (0..bytes.len()).filter(|length| length % 7 == 0 || *length + 64 > bytes.len()) {
            let refusals = admit(&bytes[..length], &ceilings()).map(|_| ()).unwrap_err();
            assert!(!refusals.is_empty(), "{length}");
        }
    }
}

#[test]
fn a_flipped_bit_is_refused_or_changes_the_identity() {
    let bytes = base("detection");
    let good = admit(&bytes, &ceilings()).unwrap();
    let component = good.component().len();
    let mut random = ChaCha8Rng::seed_from_u64(20_250_102);
    let mut still_admitted = 0;
    for _ in 0..1_000 {
        let at = random.next_u32() as usize % bytes.len();
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (random.next_u32() % 8);
        match admit(&flipped, &ceilings()) {
            Err(refusals) => assert!(!refusals.is_empty(), "{at}"),
            Ok(admitted) => {
                still_admitted += 1;
                let code = admitted.code() != good.code();
                assert!(code || admitted.declaration_digest() != good.declaration_digest(), "{at}");
                assert!(code || at >= component, "{at}: a bit of the component is in its digest");
            }
        }
    }
    assert!(still_admitted > 0, "no flip was harmless: the test shows nothing about digests");
}

#[test]
fn sections_come_off_as_they_went_on() {
    let bytes = base("detection");
    let component = sections::strip(&bytes);
    assert_eq!(sections::strip(&component), component);
    let refusals = sections::attach(&bytes, &base_declaration("detection"), Some(DATA)).unwrap_err();
    let codes: Vec<_> = refusals.iter().map(|refusal| refusal.code).collect();
    assert_eq!(codes, [RefusalCode::DeclarationDuplicate, RefusalCode::DataDuplicate]);
    let without = sections::attach(&component, &base_declaration("detection"), None).unwrap();
    assert_eq!(admit(&without, &ceilings()).unwrap().data_digest(), None);
    // The code's digest doesn't depend on what was declared.
    let mut other = base_declaration("detection");
    other.confidence_floor = 61;
    let other = admit(&sections::attach(&component, &other, Some(b"other")).unwrap(), &ceilings()).unwrap();
    assert_eq!(other.code(), admit(&bytes, &ceilings()).unwrap().code());
    for broken in [&b""[..], b"\0asm", b"\0asm\x01\0\0\0", &component[..component.len() - 1]] {
        assert!(sections::attach(broken, &base_declaration("detection"), None).is_err());
        assert_eq!(sections::strip(broken), broken);
    }
}

#[test]
fn a_signature_is_in_no_digest() {
    let bytes = base("detection");
    let unsigned = admit(&bytes, &ceilings()).unwrap();
    assert_eq!(unsigned.signature(), None);
    let signed = sections::attach_signature(&bytes, b"who knows").unwrap();
    let admitted = admit(&signed, &ceilings()).unwrap();
    assert_eq!(admitted.signature(), Some(&b"who knows"[..]));
    assert_eq!(admitted.identity(Digest([0; 32])), unsigned.identity(Digest([0; 32])));
    assert_eq!((admitted.component(), admitted.data()), (unsigned.component(), unsigned.data()));
    // Another one takes its place, wherever the first one is; deeper down a section of that name is the rule's own.
    let front = [&bytes[..8], &section(sections::SIGNATURE_SECTION, b"first"), &bytes[8..]].concat();
    assert_eq!(sections::attach_signature(&front, b"who knows").unwrap(), signed);
    assert_eq!(sections::strip(&front), sections::strip(&bytes));
    let nested = wat::parse_str("(component (component (@custom \"countersign-signature\" \"deep\")))").unwrap();
    assert_eq!(sections::strip(&nested), nested);

    let attached = sections::attach(&signed, &base_declaration("detection"), None).unwrap_err();
    assert!(attached.iter().any(|refusal| refusal.code == RefusalCode::SignatureDuplicate), "{attached:?}");
    let code =
        |rule: &[u8], bytes: usize| sections::attach_signature(rule, &vec![0; bytes]).map_err(|error| error.code);
    assert_eq!(code(&bytes, sections::MAX_SIGNATURE_BYTES + 1), Err(RefusalCode::SignatureTooLarge));
    let largest = code(&bytes, sections::MAX_SIGNATURE_BYTES).unwrap();
    assert!(admit(&largest, &ceilings()).is_ok());
    assert_eq!(code(b"\0asm\x01\0\0\0", 1), Err(RefusalCode::WasmMalformed));
    assert_eq!(code(&bytes[..bytes.len() - 1], 1), Err(RefusalCode::WasmMalformed));
}

#[test]
fn our_worlds_can_be_read_and_differ() {
    let worlds = [RuleKind::Detection, RuleKind::Response].map(|kind| expected_world(kind).unwrap());
    assert!(worlds[0].starts_with("export countersign:rules/detect@0.1.0 {\n"));
    assert!(worlds[1].starts_with("export countersign:rules/respond@0.1.0 {\n"));
    assert!(worlds.iter().all(|world| !world.contains("//")));
}

#[test]
fn a_module_of_a_size_that_rules_have_is_admitted() {
    let mut bytes = sections::strip(&base("detection"));
    let functions = format!(
        "(component (core module {}))",
        "(func (param i32) (result i32) local.get 0 i32.const 1 i32.add)".repeat(20_000)
    );
    bytes.extend_from_slice(&wat::parse_str(functions).unwrap()[8..]);
    let bytes = sections::attach(&bytes, &base_declaration("detection"), None).unwrap();
    assert!(bytes.len() > 100_000);
    assert!(admit(&bytes, &Ceilings::default()).is_ok());
}

#[test]
fn a_flood_of_sections_is_refused_with_few_reasons() {
    let mut bytes = build("detection", &[]);
    for _ in 0..2_000 {
        bytes.extend(section(sections::DECLARATION_SECTION, b"{}"));
    }
    assert_eq!(admit(&bytes, &ceilings()).unwrap_err().len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn made_up_bytes_are_refused(tail in proptest::collection::vec(any::<u8>(), 0..512), header in any::<bool>()) {
        let mut bytes = if header { b"\0asm\x0d\0\x01\0".to_vec() } else { Vec::new() };
        bytes.extend(tail);
        prop_assert!(!admit(&bytes, &ceilings()).map(|_| ()).unwrap_err().is_empty());
    }

    #[test]
    fn bytes_put_over_others_never_panic(at in 0.0f64..1.0, over in proptest::collection::vec(any::<u8>(), 1..32)) {
        let mut bytes = base("response");
        let at = (bytes.len() as f64 * at) as usize;
        let end = (at + over.len()).min(bytes.len());
        bytes[at..end].copy_from_slice(&over[..end - at]);
        let _ = admit(&bytes, &ceilings());
    }
}

/// A component that exports our interface's name with one function whose parameter doubles `times` over.
fn doubling(times: usize, functions: usize) -> Vec<u8> {
    let types: String = (1..=times).map(|n| format!("(type $t{n} (tuple $t{} $t{}))", n - 1, n - 1)).collect();
    let lifted: String = (0..functions)
        .map(|n| {
            format!(
                r#"(func $f{n} (param "x" $t{times})
                    (canon lift (core func $i "f") (memory (core memory $i "m")) (realloc (core func $i "r"))))"#
            )
        })
        .collect();
    let exports: String = (0..functions).map(|n| format!(r#"(export "f{n}" (func $f{n}))"#)).collect();
    let text = format!(
        r#"(component
            (core module $m
                (memory (export "m") 1)
                (func (export "r") (param i32 i32 i32 i32) (result i32) i32.const 0)
                (func (export "f") (param i32)))
            (core instance $i (instantiate $m))
            (type $t0 (tuple u8 u8))
            {types}
            {lifted}
            (instance $x {exports})
            (export "countersign:rules/detect@0.1.0" (instance $x)))"#
    );
    let component = wat::parse_str(text).unwrap();
    sections::attach(&component, &base_declaration("detection"), None).unwrap()
}

#[test]
fn types_that_double_are_refused_before_they_fill_the_memory() {
    let codes = |bytes: &[u8]| -> Vec<RefusalCode> {
        admit(bytes, &Ceilings::default()).unwrap_err().iter().map(|refusal| refusal.code).collect()
    };
    assert_eq!(codes(&doubling(4, 1)), [RefusalCode::WorldMismatch]);
    assert_eq!(codes(&doubling(14, 8)), [RefusalCode::WorldMismatch]);
    assert_eq!(codes(&doubling(40, 1)), [RefusalCode::WasmMalformed]);
}
