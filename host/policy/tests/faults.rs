//! Files with faults: each `tests/faults/*/NAME.toml` beside the `NAME.err` with its diagnostics. `UPDATE_EXPECT=1`
//! writes the latter anew.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests, which clippy takes for other code")]

use std::fs;
use std::path::Path;

use countersign_policy::{Capabilities, Diagnostic, Directory, DomainRoles, Egress, Locations, Policy, Trust};
use expect_test::expect_file;

fn check(kind: &str, parse: impl Fn(&str) -> Result<(), Vec<Diagnostic>>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults").join(kind);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    assert!(!files.is_empty());
    for path in files {
        let faults = parse(&fs::read_to_string(&path).unwrap()).expect_err(&path.display().to_string());
        let text: String = faults.iter().map(|fault| format!("{fault}\n")).collect();
        assert!(!text.lines().any(|line| line.ends_with('.')), "messages end without a full stop: {text}");
        expect_file![path.with_extension("err")].assert_eq(&text);
    }
}

#[test]
fn policies_report_all_faults_at_once() {
    check("policy", |text| Policy::parse(text).map(drop));
}

#[test]
fn trust_reports_all_faults_at_once() {
    check("trust", |text| Trust::parse(text).map(drop));
}

#[test]
fn directories_report_all_faults_at_once() {
    check("identities", |text| Directory::parse(text).map(drop));
}

#[test]
fn egress_report_all_faults_at_once() {
    check("egress", |text| Egress::parse(text).map(drop));
}

#[test]
fn domain_roles_report_all_faults_at_once() {
    check("domain-roles", |text| DomainRoles::parse(text).map(drop));
}

#[test]
fn locations_report_all_faults_at_once() {
    check("geo", |text| Locations::parse(text).map(drop));
}

#[test]
fn capability_tables_report_all_faults_at_once() {
    check("capabilities", |text| Capabilities::parse(text).map(drop));
}
