//! Several rules in one process: each has the verdict that it has alone.

use countersign_admission::admit;
use countersign_declaration::{Ceilings, Refusal, RefusalCode};
use countersign_intake::{ADMISSION_LIMITS, ChildLimits};

use crate::handmade::{DECLARATION, HONEST, component, module};
use crate::intake;
use crate::refused::{many_declared_types, refused};

pub(crate) fn no_rule_changes_anothers_verdict() {
    let honest = component(module(HONEST), DECLARATION);
    let hostile = many_declared_types(900_000);
    let rules: Vec<&[u8]> = vec![&honest, &hostile, &honest, &honest, &hostile, &hostile, &honest, &honest];
    let little = ChildLimits { memory: 32 << 20, ..ADMISSION_LIMITS };
    let judged = intake(little).judge(&rules, &Ceilings::default());
    for (place, (judged, rule)) in judged.into_iter().zip(&rules).enumerate() {
        match judged.admit() {
            Ok(admitted) => assert!(*rule == honest && admitted.declaration().id.as_str() == "hostile/raw", "{place}"),
            Err(refusals) => {
                assert_eq!(*rule, hostile, "{place}: {refusals:?}");
                let [Refusal { code: RefusalCode::AdmissionLimit, .. }] = refusals.as_slice() else {
                    panic!("{place}: {refusals:?}")
                };
                let text = refusals[0].to_string();
                assert!(text.contains("limit `memory` of 33554432 bytes") && text.contains("smaller"), "{text}");
            }
        }
    }
}

pub(crate) fn a_verdict_is_the_same_as_in_this_process() {
    let intake = intake(ADMISSION_LIMITS);
    let mut compared = 0;
    for one in refused() {
        let bytes = (one.bytes)();
        let there = intake.admit(&bytes, &Ceilings::default()).unwrap_err();
        if !there.iter().any(|refusal| refusal.code == RefusalCode::AdmissionLimit) {
            assert_eq!(there, admit(&bytes, &Ceilings::default()).unwrap_err(), "{}", one.name);
            compared += 1;
        }
    }
    assert!(compared > 10, "{compared}");
}
