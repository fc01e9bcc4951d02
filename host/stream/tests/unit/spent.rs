//! What one row and one source may put on record.

#![allow(clippy::unwrap_used, reason = "tests")]

use countersign_model::call::{Diagnostic, Level};

use super::*;

const KEPT: Kept = Kept { state: 1 << 20, evidence: 1_000 };

fn source(name: &str) -> SourceId {
    SourceId::from(name)
}

#[test]
fn a_row_has_a_bound_of_its_own() {
    let spending = Spending::default();
    assert!(spending.check_evidence(&source("a"), 1_000, &KEPT).is_ok());
    let refused = spending.check_evidence(&source("a"), 1_001, &KEPT).unwrap_err();
    assert_eq!(refused.kind, FailureKind::TooLarge);
    assert_eq!(refused.message, "1001 bytes of evidence, at most 1000 of one row are kept");
}

#[test]
fn a_source_gets_half_of_what_others_leave() {
    let mut spending = Spending::default();
    let fits = |spending: &Spending, name: &str| spending.check_evidence(&source(name), 1_000, &KEPT).is_ok();
    let fill = |spending: &mut Spending, name: &str| {
        let mut count = 0;
        while fits(spending, name) {
            spending.add_evidence(&source(name), 1_000);
            count += 1;
        }
        count
    };
    assert_eq!(fill(&mut spending, "loud"), 32);
    assert_eq!(fill(&mut spending, "calm"), 16);
    assert_eq!(fill(&mut spending, "other"), 8);
    assert_eq!(fill(&mut spending, "loud"), 0);
    let refused = spending.check_evidence(&source("loud"), 1_000, &KEPT).unwrap_err();
    assert_eq!(
        refused.message,
        "1000 bytes of evidence beside 32000 of the same source, at most 20000 are kept before the next tick"
    );
}

#[test]
fn diagnostics_count_by_themselves() {
    let mut spending = Spending::default();
    spending.add_evidence(&source("a"), 32_000);
    let diagnostic = Diagnostic { row: 0, level: Level::Warning, message: "x".repeat(808) };
    assert_eq!(diagnostics_bytes([&diagnostic, &diagnostic]), 2_000);
    assert!(spending.check_diagnostics(&source("a"), 8_000, &KEPT).is_ok());
    assert!(spending.check_diagnostics(&source("a"), 8_001, &KEPT).is_err());
    spending.add_diagnostics(&source("a"), 8_000);
    assert!(spending.fits_diagnostics(&source("a"), &KEPT));
    spending.add_diagnostics(&source("b"), 1);
    assert!(!spending.fits_diagnostics(&source("a"), &KEPT), "another needs some of it");
    assert!(spending.check_diagnostics(&source("a"), 0, &KEPT).is_ok(), "a row without any isn't refused");
}

#[test]
fn what_a_form_takes_is_its_json() {
    assert_eq!(recorded_bytes(&("text", [1, 2])), r#"["text",[1,2]]"#.len() as u64);
}

#[test]
fn it_is_remembered_by_source() {
    let mut spending = Spending::default();
    spending.add_evidence(&source("a"), 5);
    let text = serde_json::to_string(&spending).unwrap();
    assert_eq!(text, r#"{"a":{"evidence":5,"diagnostics":0}}"#);
    assert_eq!(serde_json::from_str::<Spending>(&text).unwrap(), spending);
}
