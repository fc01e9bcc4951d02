//! Which rules run: the shipped ones, added ones, ones in their place, and the shipped ones as files.

use std::collections::BTreeSet;
use std::fs;

use countersign_shipped::RULES;
use serde_json::Value;

use crate::support::{Folder, keys, renamed, shipped};

const REPLAY: &str = "replay --source cloudtrail --identities identities.toml --json events.ndjson";

/// The detection rules that a replay ran.
fn ran(lines: &[Value]) -> BTreeSet<&str> {
    keys(&lines.last().unwrap()["delivered"])
}

fn shipped_detections() -> BTreeSet<&'static str> {
    RULES.iter().map(|(id, _)| *id).filter(|id| *id != "countersign/graduated-containment").collect()
}

#[test]
fn rules_are_added_to_the_shipped_ones_and_a_broken_one_stops_no_other() {
    let folder = Folder::new();
    folder.generate("--events 50");
    folder.write("mine/second.wasm", renamed("console-login-without-mfa", "local/second"));
    let lines = folder.cli(&format!("{REPLAY} --rules mine")).exits(0).json();
    let expected: BTreeSet<&str> = shipped_detections().into_iter().chain(["local/second"]).collect();
    assert_eq!(ran(&lines), expected);

    folder.write("mine/cut.wasm", &shipped("console-login-without-mfa")[..1_000]);
    folder.write("more/third.wasm", renamed("console-login-without-mfa", "local/third"));
    let output = folder.cli(&format!("{REPLAY} --rules mine --rules more")).exits(1);
    assert!(output.stderr.contains("mine/cut.wasm: refused at admission"), "{}", output.stderr);
    assert_eq!(ran(&output.json()), expected.into_iter().chain(["local/third"]).collect());
}

#[test]
fn a_shipped_rule_given_again_is_refused_by_name() {
    let folder = Folder::new();
    folder.generate("--events 50");
    folder.write("mine/own.wasm", shipped("console-login-without-mfa"));
    let output = folder.cli(&format!("{REPLAY} --rules mine")).exits(1);
    for part in ["mine/own.wasm", "`countersign/console-login-without-mfa`", "duplicate-rule", "--only-rules"] {
        assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
    }
    let mut others = shipped_detections();
    others.remove("countersign/console-login-without-mfa");
    assert_eq!(ran(&output.json()), others);

    let output = folder.cli(&format!("{REPLAY} --only-rules mine")).exits(0);
    assert_eq!(ran(&output.json()), ["countersign/console-login-without-mfa"].into());
    assert!(output.stderr.contains("no response rule is loaded"), "{}", output.stderr);

    let both = folder.cli(&format!("{REPLAY} --rules mine --only-rules mine")).exits(2);
    assert!(both.stderr.contains("cannot be used with"), "{}", both.stderr);
    let faults = folder.cli(&format!("{REPLAY} --rules missing --rules empty")).exits(2);
    assert!(faults.stderr.contains("`missing`") && faults.stderr.contains("`empty`"), "{}", faults.stderr);
}

#[test]
fn the_shipped_rules_are_exported_and_run_as_they_do_from_the_binary() {
    let folder = Folder::new();
    folder.generate("--events 50");
    let output = folder.cli("rules export out/shipped").exits(0);
    assert!(output.stdout.contains(&format!("wrote {} rules", RULES.len())), "{}", output.stdout);
    assert_eq!(fs::read_dir(folder.path("out/shipped")).unwrap().count(), RULES.len());
    for (id, bytes) in RULES {
        let name = format!("out/shipped/{}.wasm", id.replace('/', "."));
        assert_eq!(&fs::read(folder.path(&name)).unwrap(), bytes, "{name}");
    }
    folder.cli("rule check out/shipped").exits(0);
    let unsummarised =
        |lines: Vec<Value>| lines.into_iter().filter(|line| line["type"] != "summary").collect::<Vec<_>>();
    assert_eq!(
        unsummarised(folder.cli(&format!("{REPLAY} --only-rules out/shipped")).exits(0).json()),
        unsummarised(folder.cli(REPLAY).exits(0).json())
    );

    let one = folder.path("out/shipped/countersign.burst-of-denied-calls.wasm");
    fs::write(&one, "mine").unwrap();
    let output = folder.cli("rules export out/shipped").exits(2);
    assert!(
        output.stderr.contains("burst-of-denied-calls") && output.stderr.contains("--replace"),
        "{}",
        output.stderr
    );
    assert_eq!(fs::read(&one).unwrap(), b"mine");
    folder.cli("rules export --replace out/shipped").exits(0);
    assert_eq!(fs::read(&one).unwrap(), shipped("burst-of-denied-calls"));
}
