//! The seeds are good ones: all but those named `bad-…` are accepted, and none breaks a promise.

use std::fs;
use std::path::{Path, PathBuf};

use countersign_formats::{CloudTrail, DirectoryLog, Ocsf, Okta, WindowsSecurity};

use crate::{
    admission, admission_child, answer, configuration, declaration, envelopes, operator_files, recorder_rows, telemetry,
};

fn seeds(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{target}");
    paths
}

fn check(target: &str, accepts: impl Fn(&[u8]) -> bool) {
    for path in seeds(target) {
        let is_good = !path.file_name().unwrap().to_string_lossy().starts_with("bad-");
        assert_eq!(accepts(&fs::read(&path).unwrap()), is_good, "{}", path.display());
    }
}

#[test]
fn components_and_declarations() {
    check("admission", admission::check);
    check("admission_child", admission_child::check);
    check("declaration", declaration::check);
}

#[test]
fn records_of_every_format() {
    check("auto", telemetry::check_auto);
    check("cloudtrail", |bytes| telemetry::check(&CloudTrail, bytes));
    check("directory", |bytes| telemetry::check(&DirectoryLog, bytes));
    check("ocsf", |bytes| telemetry::check(&Ocsf, bytes));
    check("okta", |bytes| telemetry::check(&Okta, bytes));
    check("windows_security", |bytes| telemetry::check(&WindowsSecurity, bytes));
}

#[test]
fn inputs_of_envelopes() {
    check("envelopes", envelopes::check);
}

#[test]
fn operator_files() {
    check("operator_files", operator_files::check);
}

#[test]
fn configurations() {
    check("configuration", configuration::check);
}

#[test]
fn rows_of_a_recorder() {
    check("recorder_rows", recorder_rows::check);
}

#[test]
fn answers() {
    for path in seeds("answer") {
        let seen = answer::check(&fs::read(&path).unwrap());
        assert!(seen.findings + seen.states + seen.timers + seen.failures > 0, "{}: {seen:?}", path.display());
    }
}
