//! `rule check`, `inspect`, `build` and `test`.

use std::path::{Path, PathBuf};

use countersign_model::Digest;
use serde_json::{Value, json};

use crate::support::{Folder, keys, shipped};

const RULE: &str = "burst-of-denied-calls";

/// A rule's folder in this project.
fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules").join(name)
}

fn section(name: &str, contents: &[u8]) -> Vec<u8> {
    let mut section =
        vec![0, u8::try_from(1 + name.len() + contents.len()).unwrap(), u8::try_from(name.len()).unwrap()];
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(contents);
    section
}

#[test]
fn check_reads_every_file_and_the_worst_decides_the_exit_code() {
    let folder = Folder::new();
    let rule = shipped(RULE);
    folder.write("good.wasm", rule);
    folder.write("cut.wasm", &rule[..rule.len() / 2]);
    folder.write("twice.wasm", [rule, &section("countersign-declaration", b"{}")].concat());
    folder.write("empty.wasm", "");

    folder.cli("rule check good.wasm").exits(0);
    folder.cli("rule check good.wasm cut.wasm").exits(1);
    let ran = folder.cli("rule check --json cut.wasm missing.wasm twice.wasm empty.wasm good.wasm").exits(2);
    let lines = ran.json();
    let of = |line: &Value| (line["type"].clone(), line["file"].clone(), line["admitted"].clone());
    assert_eq!(
        lines.iter().map(of).collect::<Vec<_>>(),
        [
            (json!("rule-check"), json!("cut.wasm"), json!(false)),
            (json!("unreadable"), json!("missing.wasm"), Value::Null),
            (json!("rule-check"), json!("twice.wasm"), json!(false)),
            (json!("rule-check"), json!("empty.wasm"), json!(false)),
            (json!("rule-check"), json!("good.wasm"), json!(true)),
            (json!("summary"), Value::Null, json!(1)),
        ]
    );
    for line in [&lines[0], &lines[2], &lines[3]] {
        assert!(!line["refusals"].as_array().unwrap().is_empty());
        for refusal in line["refusals"].as_array().unwrap() {
            assert!(keys(refusal).is_superset(&["code", "expected", "got", "place"].into()), "{refusal}");
        }
    }
    assert!(lines[2]["refusals"].as_array().unwrap().iter().any(|one| one["code"] == "declaration-duplicate"));
    assert_eq!(lines[4]["id"], "countersign/burst-of-denied-calls");
    assert_eq!(lines[4]["kind"], "detection");
    assert_eq!(lines[4]["refusals"], json!([]));
    assert_eq!(lines[5], json!({"type": "summary", "checked": 4, "admitted": 1, "refused": 3, "unreadable": 1}));
}

#[test]
fn check_lists_every_reason_with_code_place_expected_and_got() {
    let folder = Folder::new();
    folder.write("rules/core.wasm", b"\0asm\x01\0\0\0");
    folder.write("rules/good.wasm", shipped(RULE));
    folder.write("rules/notes.txt", "not a rule");
    let ran = folder.cli("rule check rules").exits(1);
    for part in ["code", "place", "expected", "got", "wasm-core-module", "byte 4", "declaration-missing"] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(ran.stdout.contains("2 rules: 1 admitted, 1 refused"), "{}", ran.stdout);
}

#[test]
fn check_holds_rules_to_the_limits_of_a_policy() {
    let folder = Folder::new();
    folder.write("rule.wasm", shipped(RULE));
    folder.write("policy.toml", "version = 1\n[limits]\nfuel = 1000\n");
    let ran = folder.cli("rule check --policy policy.toml --json rule.wasm").exits(1);
    let refusals = ran.json()[0]["refusals"].clone();
    assert_eq!((&refusals[0]["code"], &refusals[0]["place"]), (&json!("limit-above-operator"), &json!("limits.fuel")));
    folder.write("policy.toml", "version = 2\n");
    folder.cli("rule check --policy policy.toml rule.wasm").exits(2);
}

#[test]
fn names_out_of_a_file_cannot_act_on_the_terminal() {
    let folder = Folder::new();
    folder.write("evil\u{1b}[31m.wasm", b"\x1b[2J\x1b[31m");
    let ran = folder.run(&["rule", "check", "evil\u{1b}[31m.wasm", "gone\u{1b}[31m.wasm"]).exits(2);
    assert!(ran.stdout.contains("evil\\u{1b}[31m.wasm"), "{}", ran.stdout);
    assert!(ran.stderr.contains("gone\\u{1b}[31m.wasm"), "{}", ran.stderr);
}

#[test]
fn inspect_shows_what_is_declared_and_digests_that_can_be_checked() {
    let folder = Folder::new();
    let rule = shipped(RULE);
    folder.write("rule.wasm", rule);
    let lines = folder.cli("rule inspect --json rule.wasm").exits(0).json();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(line["type"], "rule");
    assert_eq!(line["declaration"]["id"], "countersign/burst-of-denied-calls");
    assert_eq!(line["declaration"]["partition-key"], "person-or-actor");
    assert_eq!(line["bytes"]["file"], rule.len());
    assert_eq!(line["bytes"]["data"], 0);
    assert_eq!(line["digests"]["file"], Digest::of(rule).to_string());
    assert_eq!(line["digests"]["data"], Value::Null);

    let shown = folder.cli("rule inspect rule.wasm").exits(0).stdout;
    let digests = ["file", "code", "declaration"].map(|part| line["digests"][part].as_str().unwrap());
    let words = ["countersign/burst-of-denied-calls", "confidence floor", "threshold", "action_id", "window"];
    for part in digests.into_iter().chain(words) {
        assert!(shown.contains(part), "{part}: {shown}");
    }

    folder.write("rule.wasm", &rule[..rule.len() - 1]);
    let lines = folder.cli("rule inspect --json rule.wasm").exits(1).json();
    assert_eq!((&lines[0]["type"], &lines[0]["admitted"]), (&json!("rule-check"), &json!(false)));
    assert!(folder.cli("rule inspect rule.wasm").exits(1).stdout.contains("wasm-malformed"));
}

#[test]
fn build_goes_on_past_a_faulty_rule() {
    let folder = Folder::new();
    let faulty = "id = \"x/y\"\nkind = \"detektion\"\nactions = [\"disable-account\"]\n";
    folder.write("faulty/a/rule.toml", faulty);
    folder.write("faulty/b/rule.toml", "id = 1");
    let rule = source("console-login-without-mfa");
    let arguments = ["rule", "build", "faulty", rule.to_str().unwrap(), "--out", "out"];
    let ran = folder.run(&arguments).exits(1);
    for part in ["did you mean `detection`?", "remediate-action", "wrong-type", "2 of 3 rules could not be built"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    let files: Vec<_> =
        std::fs::read_dir(folder.path("out")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["countersign.console-login-without-mfa.wasm"]);
    assert_eq!(
        std::fs::read(folder.path("out/countersign.console-login-without-mfa.wasm")).unwrap(),
        shipped("console-login-without-mfa"),
        "built here and by the build script"
    );
}

#[test]
fn cases_are_run_and_a_rule_that_cannot_be_tested_is_no_success() {
    let folder = Folder::new();
    let rule = source("console-login-without-mfa");
    let rule = rule.to_str().unwrap();
    let ran = folder.run(&["rule", "test", rule]).exits(0);
    assert!(ran.stdout.contains("passed  countersign/console-login-without-mfa  password-alone"), "{}", ran.stdout);
    assert!(ran.stdout.contains(" 0 failed"), "{}", ran.stdout);

    folder.write("faulty/rule.toml", "id = 1");
    let ran = folder.run(&["rule", "test", rule, "faulty"]).exits(1);
    assert!(ran.stdout.contains(" 0 failed; 1 rule not tested"), "{}", ran.stdout);
}
