//! Every fixture of `tests/fixtures/admission`: alone, all codes together, and in random combinations.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Fixture, base, build, ceilings, fixtures, folder};
use countersign_admission::admit;
use countersign_declaration::{Refusal, RefusalCode};
use expect_test::expect;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Deserialize;

fn reasons(bytes: &[u8]) -> Vec<Refusal> {
    admit(bytes, &ceilings()).err().unwrap_or_default()
}

fn codes(refusals: &[Refusal]) -> BTreeSet<RefusalCode> {
    refusals.iter().map(|refusal| refusal.code).collect()
}

fn lines(refusals: &[Refusal]) -> String {
    refusals.iter().map(|refusal| format!("  {refusal}\n")).collect()
}

#[test]
fn the_bases_are_admitted() {
    for kind in ["detection", "response"] {
        let bytes = base(kind);
        let admitted = admit(&bytes, &ceilings()).map_err(|refusals| lines(&refusals)).unwrap();
        assert_eq!(admitted.declaration().kind.id(), kind);
        assert_eq!(admitted.data(), Some(crate::support::DATA));
        assert_eq!(admitted.component(), countersign_admission::sections::strip(&bytes));
    }
}

#[test]
fn each_fixture_gives_its_reasons_and_no_others() {
    let mut wrong = String::new();
    for (name, fixture) in fixtures() {
        assert!(!fixture.meaning.is_empty(), "{name}");
        let refusals = reasons(&build(&fixture.base, &[&fixture]));
        let as_expected = refusals.len() == fixture.refusal.len()
            && refusals.iter().zip(&fixture.refusal).all(|(refusal, expected)| {
                refusal.code == expected.code() && expected.place.as_ref().is_none_or(|place| place == refusal.place())
            });
        if !as_expected {
            wrong.push_str(&format!("{name}: expected {:?}, got\n{}", fixture.refusal, lines(&refusals)));
        }
    }
    assert_eq!(wrong, "");
}

#[test]
fn every_code_has_a_fixture() {
    let covered: BTreeSet<RefusalCode> =
        fixtures().values().flat_map(|fixture| fixture.refusal.iter().map(|one| one.code())).collect();
    // These two are of the process that admission runs in; `countersign-intake` has their tests.
    let of_the_process = [RefusalCode::AdmissionLimit, RefusalCode::AdmissionFailed];
    let missing: Vec<_> =
        RefusalCode::ALL.iter().filter(|code| !covered.contains(code) && !of_the_process.contains(code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn ten_faults_give_ten_reasons() {
    let fixture = &fixtures()["ten-faults"];
    let refusals = reasons(&build("detection", &[fixture]));
    assert_eq!((refusals.len(), codes(&refusals).len()), (10, 10), "\n{}", lines(&refusals));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Masks {
    mask: Vec<Mask>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mask {
    fault: String,
    hides: Vec<String>,
    why: String,
}

fn names(pattern: &str, name: &str, fixture: &Fixture) -> bool {
    pattern == "*" || pattern == name || pattern.strip_prefix("part:") == Some(&fixture.part)
}

#[test]
fn the_table_of_masks_names_fixtures_that_there_are() {
    let fixtures = fixtures();
    for mask in masks() {
        assert!(!mask.why.is_empty());
        for pattern in mask.hides.iter().chain([&mask.fault]) {
            assert!(fixtures.iter().any(|(name, fixture)| names(pattern, name, fixture)), "`{pattern}` is nothing");
        }
    }
}

fn masks() -> Vec<Mask> {
    let text = std::fs::read_to_string(folder().join("masks.toml")).unwrap();
    toml::from_str::<Masks>(&text).unwrap().mask
}

#[test]
fn random_combinations_give_the_union_of_their_codes() {
    let masks = masks();
    let all = fixtures();
    let mut random = ChaCha8Rng::seed_from_u64(20_250_101);
    let mut hidden_ones = 0;
    for kind in ["detection", "response"] {
        let single: Vec<(&String, &Fixture)> = all
            .iter()
            .filter(|(_, fixture)| fixture.base == kind && !["many", "admitted"].contains(&&*fixture.part))
            .collect();
        for _ in 0..if kind == "detection" { 600 } else { 5 } {
            let mut chosen: BTreeMap<&str, &Fixture> = BTreeMap::new();
            for _ in 0..2 + random.next_u32() % 9 {
                let (name, fixture) = single[random.next_u32() as usize % single.len()];
                if chosen.values().all(|other| can_be_together(fixture, other)) {
                    chosen.insert(name, fixture);
                }
            }
            // The header's faults hide everything, so combinations with them would test little.
            if random.next_u32() % 8 != 0 {
                chosen.retain(|_, fixture| fixture.part != "header");
            }
            let hidden =
                |name: &str, fixture: &Fixture| masks.iter().any(|mask| names_other(mask, name, fixture, &chosen));
            let visible: Vec<_> = chosen.iter().filter(|(name, fixture)| !hidden(name, fixture)).collect();
            hidden_ones += chosen.len() - visible.len();
            let expected: BTreeSet<RefusalCode> =
                visible.iter().flat_map(|(_, fixture)| fixture.refusal.iter().map(|one| one.code())).collect();
            let refusals = reasons(&build(kind, &chosen.values().copied().collect::<Vec<_>>()));
            assert_eq!(codes(&refusals), expected, "{:?}\n{}", chosen.keys(), lines(&refusals));
        }
    }
    assert!(hidden_ones > 100, "the table of masks was hardly tried: {hidden_ones}");
}

fn names_other(mask: &Mask, name: &str, fixture: &Fixture, chosen: &BTreeMap<&str, &Fixture>) -> bool {
    mask.hides.iter().any(|pattern| names(pattern, name, fixture))
        && chosen.iter().any(|(other, fault)| *other != name && names(&mask.fault, other, fault))
}

/// Whether two fixtures change different things, so that both faults are really there.
fn can_be_together(one: &Fixture, other: &Fixture) -> bool {
    let both = |has: fn(&Fixture) -> bool| has(one) && has(other);
    let either =
        |has: fn(&Fixture) -> bool, with: fn(&Fixture) -> bool| has(one) && with(other) || has(other) && with(one);
    let of_declaration = |fixture: &Fixture| {
        fixture.declaration_before.is_some() || fixture.declaration_after.is_some() || fixture.declaration_cut.is_some()
    };
    let patched_alike = one.patch.iter().any(|patch| {
        other.patch.iter().any(|with| {
            let (short, long) = if patch.path.len() < with.path.len() { (patch, with) } else { (with, patch) };
            long.path == short.path && !long.path.ends_with("/-") || long.path.starts_with(&format!("{}/", short.path))
        })
    });
    let made = |fixture: &Fixture| !fixture.wit.is_empty() || fixture.wit_kind.is_some() || fixture.core_module;
    !(patched_alike
        || both(made)
        || both(of_declaration)
        || both(|fixture| fixture.declaration.is_some())
        || both(|fixture| fixture.data.is_some() || fixture.data_padding.is_some())
        // Without data there is none that could be undeclared or too large.
        || either(|fixture| fixture.data.is_some() || fixture.data_padding.is_some(), |fixture| {
            fixture.patch.iter().any(|patch| patch.path == "/data")
        })
        || both(|fixture| fixture.padding.is_some())
        || both(|fixture| fixture.tail.is_some())
        || both(|fixture| fixture.bytes.is_some() || fixture.keep.is_some())
        // A file that breaks off keeps what stands before the break.
        || either(|fixture| fixture.keep.is_some(), |fixture| {
            fixture.declaration.is_some() || fixture.append.is_some() || fixture.padding.is_some()
        })
        || either(|fixture| fixture.keep.is_some(), made)
        // A component's sections in a core module are faults of their own.
        || either(|fixture| fixture.core_module, |fixture| fixture.append.is_some() || fixture.tail.is_some()))
}

#[test]
fn a_world_that_differs_is_reported_by_its_first_lines() {
    let all = fixtures();
    let output: String = all
        .iter()
        .filter(|(_, fixture)| ["world", "other-kind"].contains(&&*fixture.part))
        .map(|(name, fixture)| format!("{name}\n{}", lines(&reasons(&build(&fixture.base, &[fixture])))))
        .collect();
    expect![[r#"
        world-additional-export
          world-mismatch  world: expected the world `countersign:rules/detection`, whose only export is the interface `countersign:rules/detect@0.1.0`, got exports `run`, `countersign:rules/detect@0.1.0`
        world-additional-field
          world-mismatch  world, record finding: expected the world `countersign:rules/detection`, here `severity: severity,` `subject: subject-role,` `evidence: list<u64>,`, got `weight: u8,` `severity: severity,` `subject: subject-role,`
        world-empty
          world-mismatch  world: expected the world `countersign:rules/detection`, whose only export is the interface `countersign:rules/detect@0.1.0`, got exports none
        world-missing-function
          world-mismatch  world: expected the world `countersign:rules/detection`, here `migrate: func(slot: u32, from-version: u32, blob: list<u8>) -> result<list<u8>, string>;` `}`, got `}`
        world-of-other-kind
          world-mismatch  world: expected the world `countersign:rules/detection`, whose only export is the interface `countersign:rules/detect@0.1.0`, got exports `countersign:rules/respond@0.1.0`
        world-other-type
          world-mismatch  world, record finding: expected the world `countersign:rules/detection`, here `confidence: u8,` `severity: severity,` `subject: subject-role,`, got `confidence: u16,` `severity: severity,` `subject: subject-role,`
        world-other-version
          world-mismatch  world: expected the world `countersign:rules/detection`, whose only export is the interface `countersign:rules/detect@0.1.0`, got exports `countersign:rules/detect@0.1.1`
        world-renamed-parameter
          world-mismatch  world: expected the world `countersign:rules/detection`, here `migrate: func(slot: u32, from-version: u32, blob: list<u8>) -> result<list<u8>, string>;` `}`, got `migrate: func(slot: u32, from-version: u32, bytes: list<u8>) -> result<list<u8>, string>;` `}`
    "#]].assert_eq(&output);
}
