//! Cases as data: `tests/cases/*.toml`, each a compact incident and the decisions that it must lead to.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, which clippy takes for other code")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::{CaseFile, line};
use countersign_gate::decide;
use countersign_model::ReasonCode;
use countersign_policy::{Capabilities, Policy, Trust};

/// Codes that can only come of inputs which nothing sets yet. They are decided all the same, by the cases of
/// `not-served-yet.toml`; the other files must do without them.
const NOT_SERVED_YET: &[(ReasonCode, &str)] = &[
    (ReasonCode::Suppressed, "suppression verdicts come with correlation"),
    (ReasonCode::WindowOpen, "windows are a reserved table of the policy"),
    (ReasonCode::BudgetExhausted, "budgets are a reserved table of the policy"),
    (ReasonCode::RolloutStage, "stages are a reserved table of the policy"),
    (ReasonCode::KillSwitch, "nothing executes yet, so there is nothing to stop"),
    (ReasonCode::LastAdministrator, "no connector counts administrators yet"),
];

fn run(path: &Path, failures: &mut Vec<String>) -> BTreeSet<ReasonCode> {
    let file: CaseFile = toml::from_str(&fs::read_to_string(path).unwrap()).unwrap_or_else(|error| panic!("{error}"));
    let policy = file.policy.as_deref().map_or_else(Policy::shipped, Policy::parse).unwrap();
    let trust = file.trust.as_deref().map_or_else(Trust::shipped, Trust::parse).unwrap();
    let capabilities = file.capabilities.as_deref().map_or_else(Capabilities::shipped, Capabilities::parse).unwrap();
    let mut codes = BTreeSet::new();
    for case in &file.cases {
        let decisions = decide(&case.inputs_under(&policy, &trust, &capabilities));
        let got: Vec<String> = decisions.iter().map(line).collect();
        codes.extend(decisions.iter().flat_map(|decision| &decision.reasons).map(|reason| reason.code));
        if got != case.expect {
            let lines: String = got.iter().map(|line| format!("    \"{line}\",\n")).collect();
            failures.push(format!("{}: {}\nexpect = [\n{lines}]\n", path.display(), case.name));
        }
    }
    codes
}

#[test]
fn cases_are_decided_as_they_say_and_every_reason_arises() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut failures = Vec::new();
    let mut arisen = BTreeSet::new();
    for path in &paths {
        let codes = run(path, &mut failures);
        let later = path.file_stem().is_some_and(|name| name == "not-served-yet");
        for (code, why) in NOT_SERVED_YET {
            assert!(later || !codes.contains(code), "{}: `{}` can't arise: {why}", path.display(), code.id());
        }
        arisen.extend(codes);
    }
    assert!(failures.is_empty(), "decided otherwise:\n\n{}", failures.join("\n"));
    let missing: Vec<&str> =
        ReasonCode::ALL.iter().filter(|code| !arisen.contains(code)).map(|code| code.id()).collect();
    assert!(missing.is_empty(), "no case gives {missing:?}");
}
