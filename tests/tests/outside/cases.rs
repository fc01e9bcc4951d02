//! Runs every case of every shipped rule on the component in the binary: all in one test that reports each difference.

use std::path::{Path, PathBuf};

use countersign_author::{cases::INCIDENT_FILE, feeders, find_cases, run_case};
use countersign_generation::RuleFile;

use crate::support::engine;

/// A rule's folder.
fn folder(id: &str) -> PathBuf {
    let name = id.split_once('/').unwrap().1;
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules").join(name)
}

/// Whether a case expects no finding, or only proposals without a lease.
fn is_quiet(case: &Path) -> bool {
    let expected = std::fs::read_to_string(case.join("expect.toml")).unwrap();
    !expected.contains("[[finding]]") && !expected.contains("lease")
}

#[test]
fn every_case_of_every_shipped_rule_passes() {
    let (mut ran, mut differences) = (0, Vec::new());
    for (id, bytes) in countersign_shipped::RULES {
        let feeders = feeders(engine().intake(), bytes, &mut |feeder| {
            let (id, bytes) = countersign_shipped::RULES.iter().find(|(id, _)| *id == feeder.as_str())?;
            Some(RuleFile { name: (*id).to_owned(), bytes: bytes.to_vec() })
        });
        for case in find_cases(&folder(id)).unwrap() {
            let name = format!("{id}, {}", case.file_name().unwrap().to_string_lossy());
            match run_case(engine(), bytes, &feeders, &case) {
                Ok(found) => differences.extend(found.into_iter().map(|difference| format!("{name}: {difference}"))),
                Err(error) => differences.push(format!("{name}: {error}")),
            }
            ran += 1;
        }
    }
    eprintln!("{ran} cases of {} rules", countersign_shipped::RULES.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn every_shipped_rule_has_cases_that_find_and_cases_that_stay_quiet() {
    for (id, _) in countersign_shipped::RULES {
        let cases = find_cases(&folder(id)).unwrap();
        let quiet = cases.iter().filter(|case| is_quiet(case)).count();
        assert!(cases.len() - quiet >= 1 && quiet >= 1, "{id}: {} cases, {quiet} of them quiet", cases.len());
        let of_response = cases.iter().filter(|case| case.join(INCIDENT_FILE).exists()).count();
        assert!(of_response == 0 || of_response == cases.len(), "{id}: cases of both kinds");
    }
}

#[test]
fn every_shipped_rule_says_what_it_does_not_see() {
    for (id, _) in countersign_shipped::RULES {
        let text = std::fs::read_to_string(folder(id).join("README.md")).unwrap();
        let (_, after) = text.split_once("\n## Not seen\n").unwrap_or_else(|| panic!("{id}: no section `Not seen`"));
        let section = after.split("\n## ").next().unwrap();
        assert!(section.lines().any(|line| line.starts_with("- ")), "{id}: `Not seen` has no entry");
    }
}

#[test]
fn a_case_that_fails_reports_what_came() {
    let (id, bytes) =
        countersign_shipped::RULES.iter().find(|(id, _)| id.ends_with("/console-login-without-mfa")).unwrap();
    let found = find_cases(&folder(id)).unwrap().into_iter().find(|case| !is_quiet(case)).unwrap();
    let wrong = tempfile::tempdir().unwrap();
    for file in ["events.ndjson", "identities.toml"] {
        if found.join(file).exists() {
            std::fs::copy(found.join(file), wrong.path().join(file)).unwrap();
        }
    }
    std::fs::write(wrong.path().join("expect.toml"), "source = \"cloudtrail\"\n").unwrap();
    let differences = run_case(engine(), bytes, &[], wrong.path()).unwrap();
    let expected = "expected no other finding";
    assert!(differences.iter().any(|difference| difference.starts_with(expected)), "{differences:?}");

    std::fs::write(wrong.path().join("expect.toml"), "source = \"cloudtrail\"\nfindings = []\n").unwrap();
    let error = run_case(engine(), bytes, &[], wrong.path()).unwrap_err().to_string();
    assert!(error.contains("expect.toml") && error.contains("expected a known key, got `findings`"), "{error}");
}
