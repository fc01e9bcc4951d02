//! `replay`: its NDJSON, dead letters, rules of the operator's, and readers that go away.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Folder, keys, ndjson, of_type, shipped};

const REPLAY: &str = "replay --source cloudtrail --identities identities.toml events.ndjson";

/// With the few rules of `Folder::prepare`.
const FEW: &str = "replay --source cloudtrail --only-rules rules --identities identities.toml events.ndjson";

#[test]
fn every_decision_has_its_keys_and_the_summary_adds_up() {
    let folder = Folder::new();
    folder.generate("");
    let lines = folder.cli(&format!("{REPLAY} --json")).exits(0).json();
    let (findings, decisions) = (of_type(&lines, "finding"), of_type(&lines, "decision"));
    assert_eq!(findings.len() + decisions.len(), lines.len() - 1);
    for decision in &decisions {
        let expected = [
            "type",
            "event_id",
            "event_time",
            "rule",
            "rule_version",
            "identity",
            "account",
            "identity_type",
            "tier",
            "usage",
            "role",
            "evidence_role",
            "signal_class",
            "severity",
            "confidence",
            "floor",
            "response_rule",
            "requested_action",
            "action",
            "lease",
            "decision",
            "reasons",
            "message",
            "techniques",
            "evidence",
            "generation",
            "seq",
        ];
        assert_eq!(keys(decision), BTreeSet::from(expected));
        let reasons = decision["reasons"].as_array().unwrap();
        assert!(!reasons.is_empty());
        let expected = BTreeSet::from(["code", "action", "effect", "detail"]);
        assert!(reasons.iter().all(|reason| keys(reason) == expected), "{decision}");
    }

    let expected =
        "type event_id event_time rule identity signal_class confidence severity techniques evidence message seq";
    let mut finding = &Value::Null;
    for line in &lines {
        if line["type"] == "finding" {
            assert_eq!(keys(line), expected.split_whitespace().collect());
            finding = line;
        } else if line["type"] == "decision" {
            // A finding comes before the decisions about it.
            for member in expected.split_whitespace().filter(|member| !["type", "confidence", "seq"].contains(member)) {
                assert_eq!(line[member], finding[member], "{member}: {line}");
            }
        }
    }
    let summary = lines.last().unwrap();
    assert_eq!(summary["type"], "summary");
    assert_eq!(summary["findings"], findings.len());
    assert_eq!(summary["events"], folder.read("events.ndjson").lines().count());
    assert_eq!(summary["set_aside"], 0);
    let sum = |object: &Value| object.as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum::<u64>();
    assert_eq!(sum(&summary["decisions"]), decisions.len() as u64);
    assert_eq!(sum(&summary["findings_by_rule"]), summary["findings"].as_u64().unwrap());
    let detections = countersign_shipped::RULES.len() - 1;
    assert_eq!(summary["delivered"].as_object().unwrap().len(), detections, "every detection rule is there");
    assert_eq!(keys(&summary["decisions"]), ["await-approval", "deny", "downgrade", "execute", "suppress"].into());
    assert!(summary["head"].is_string() && summary["seconds"].is_number());
}

#[test]
fn labelled_attacks_are_found_and_nothing_else_but_what_is_tolerated() {
    let folder = Folder::new();
    for options in ["--preset demo --seed 1", "--preset demo --seed 5", "--preset all-attacks --seed 3"] {
        folder.generate(options);
        let lines = folder.cli(&format!("{REPLAY} --json")).exits(0).json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut found: BTreeSet<(String, String)> = of_type(&lines, "decision")
            .into_iter()
            .map(|line| (text(&line["rule"]).replace("countersign/", ""), text(&line["event_id"])))
            .collect();
        assert!(!found.is_empty());
        let all = found.clone();
        for label in ndjson(&folder.read("labels.ndjson")) {
            for expected in label["expected"].as_array().unwrap() {
                let hits = expected["events"].as_array().unwrap().iter();
                let hits: Vec<bool> = hits.map(|event| all.contains(&(text(&expected["rule"]), text(event)))).collect();
                let holds = match expected["how_many"].as_str().unwrap() {
                    "each" => hits.iter().all(|hit| *hit),
                    "at-least-one" => hits.iter().any(|hit| *hit),
                    other => panic!("{other}"),
                };
                assert!(holds, "{options}: {} missed {}", expected["rule"], label["name"]);
            }
            let events: BTreeSet<String> = label["events"].as_array().unwrap().iter().map(text).collect();
            let tolerated: BTreeSet<String> = label["tolerated"].as_array().unwrap().iter().map(text).collect();
            found.retain(|(rule, event)| {
                !events.contains(event) || (label["attack"] == false && !tolerated.contains(rule))
            });
        }
        assert_eq!(found, BTreeSet::new(), "{options}: findings that no label has");
    }
}

#[test]
fn people_get_findings_by_identity_with_reasons_and_figures() {
    let folder = Folder::new();
    folder.prepare("");
    let ran = folder.cli(FEW).exits(0);
    assert_eq!(ran.stderr, "");
    for part in [
        "person-0004 (human, ",
        "console-login-without-mfa, interactive",
        "confidence 70, T1078",
        "→ downgrade: require-reauthentication",
        "policy-cell",
        "1,126",
        "rows seen",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    let lines = folder.cli(&format!("{FEW} --json")).exits(0).json();
    let decisions = of_type(&lines, "decision");
    for decision in &decisions {
        let (id, severity) = (decision["event_id"].as_str().unwrap(), decision["severity"].as_str().unwrap());
        let shown = ran.stdout.lines().find(|line| line.contains(id)).unwrap_or_else(|| panic!("{id}: {}", ran.stdout));
        assert!(shown.contains(severity), "{severity}: {shown}");
        let identity = decision["identity"].as_str().unwrap();
        let headings = ran.stdout.lines().filter(|line| line.starts_with(&format!("{identity} ("))).count();
        assert_eq!(headings, 1, "{identity}: {}", ran.stdout);
    }
    // What only informs people is counted apart, and the kinds add up.
    let figures = ran.stdout.lines().find(|line| line.starts_with("decisions ")).unwrap();
    let count = |name: &str| -> usize {
        let after = figures.split_once(&format!("{name} ")).map_or("0", |(_, after)| after);
        after.split(',').next().unwrap().trim().parse().unwrap()
    };
    let observes = ["enrich-alert", "raise-risk-score", "notify"];
    let observing = decisions.iter().filter(|line| {
        line["decision"] == "execute" && observes.contains(&line["action"].as_str().unwrap_or_default())
    });
    assert_eq!(count("observing"), observing.count(), "{figures}");
    let kinds = ["observing", "execute", "await-approval", "downgrade", "suppress", "deny"];
    assert_eq!(kinds.into_iter().map(count).sum::<usize>(), decisions.len(), "{figures}");

    // Rules that found nothing are counted in one line.
    let shown = folder.cli(REPLAY).exits(0).stdout;
    assert!(shown.contains(" other rules found nothing"), "{shown}");
    assert!(!shown.contains("countersign/dcsync"), "{shown}");
}

#[test]
fn records_that_cannot_be_used_are_never_lost() {
    let folder = Folder::new();
    folder.prepare("--bad 30");
    let ran = folder.cli(&format!("{FEW} --json")).exits(0);
    let lines = ran.json();
    let letters: Vec<Value> = of_type(&lines, "dead-letter").into_iter().cloned().collect();
    assert!(letters.len() > 5);
    assert_eq!(lines.last().unwrap()["set_aside"], letters.len());
    for letter in &letters {
        assert_eq!(letter["file"], "events.ndjson");
        let place = letter["offset"].as_u64().unwrap() as usize;
        let record = &folder.read("events.ndjson")[place..place + letter["length"].as_u64().unwrap() as usize];
        assert!(record.starts_with(&letter["excerpt"].as_str().unwrap()[..20]), "{letter}");
        assert!(!letter["reason"].as_str().unwrap().is_empty());
    }
    let count = format!("{} records couldn't be used", letters.len());
    for part in [count.as_str(), "--dead-letters FILE", " event-name-missing, such as events.ndjson: record "] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }

    // Beside the audit file, or where they are wanted.
    let ran = folder.cli(&format!("{FEW} --audit run.audit")).exits(0);
    assert!(ran.stderr.contains("run.audit.dead-letters.ndjson"), "{}", ran.stderr);
    assert_eq!(ndjson(&folder.read("run.audit.dead-letters.ndjson")), letters);
    folder.cli(&format!("{FEW} --audit run.audit --replace --dead-letters dead.ndjson")).exits(0);
    assert_eq!(ndjson(&folder.read("dead.ndjson")), letters);

    // Those of an earlier run don't stay, and nothing else is replaced.
    folder.prepare("");
    folder.cli(&format!("{FEW} --audit run.audit --replace")).exits(0);
    assert_eq!(folder.read("run.audit.dead-letters.ndjson"), "");
    let before = folder.read("events.ndjson");
    let ran = folder.cli(&format!("{FEW} --dead-letters events.ndjson")).exits(2);
    assert!(ran.stderr.contains("name another file"), "{}", ran.stderr);
    assert_eq!(folder.read("events.ndjson"), before);
    let audit = folder.read("run.audit");
    // Neither is an audit file, unless that is said.
    let ran = folder.cli(&format!("{FEW} --audit run.audit")).exits(2);
    assert!(ran.stderr.contains("--replace") && ran.stderr.contains("records"), "{}", ran.stderr);
    assert!(folder.read("run.audit") == audit);
    for refused in ["--dead-letters run.audit", "--dead-letters events.ndjson"] {
        folder.cli(&format!("{FEW} --audit run.audit --replace {refused}")).exits(2);
        assert!(folder.read("run.audit") == audit, "{refused}: what is refused changes nothing");
    }
}

#[test]
fn rules_of_a_folder_run_and_a_refused_one_is_reported_with_its_reasons() {
    let folder = Folder::new();
    folder.generate("");
    folder.shipped(&["console-login-without-mfa", "graduated-containment"]);
    let replay = format!("{REPLAY} --only-rules rules --json");
    let good = folder.cli(&replay).exits(0).json();
    assert_eq!(keys(&good.last().unwrap()["delivered"]), ["countersign/console-login-without-mfa"].into());

    let rule = shipped("burst-of-denied-calls");
    folder.write("rules/cut.wasm", &rule[..1_000]);
    let ran = folder.cli(&replay).exits(1);
    for part in ["rules/cut.wasm", "refused at admission", "wasm-malformed"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    let decisions = |lines: &[Value]| of_type(lines, "decision").into_iter().cloned().collect::<Vec<_>>();
    assert_eq!(decisions(&ran.json()), decisions(&good), "the others serve as before");

    folder.write("other/cut.wasm", &rule[..1_000]);
    let ran = folder.cli(&format!("{REPLAY} --only-rules other")).exits(1);
    assert!(ran.stderr.contains("expected at least one detection rule"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

#[test]
fn a_policy_that_names_a_rule_which_is_not_loaded_gives_a_warning() {
    let folder = Folder::new();
    folder.prepare("--events 1");
    folder.write("policy.toml", "version = 1\n[rule.\"example/elsewhere\"]\ncap = 10\n");
    let ran = folder.cli(&format!("{FEW} --policy policy.toml")).exits(0);
    assert!(ran.stderr.contains("`example/elsewhere`, which isn't loaded"), "{}", ran.stderr);
}

#[test]
fn standard_input_is_a_file_like_any_other() {
    let folder = Folder::new();
    folder.prepare("");
    let decided = |lines: Vec<Value>| of_type(&lines, "decision").into_iter().cloned().collect::<Vec<_>>();
    let expected = decided(folder.cli(&format!("{FEW} --json")).json());
    let arguments =
        ["replay", "--source", "cloudtrail", "--only-rules", "rules", "--identities", "identities.toml", "--json", "-"];
    let events = File::open(folder.path("events.ndjson")).unwrap();
    let output = folder.command(&arguments).stdin(events).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(decided(ndjson(std::str::from_utf8(&output.stdout).unwrap())), expected);
}

#[test]
fn a_reader_that_goes_away_is_no_error_and_the_audit_file_is_finished() {
    let folder = Folder::new();
    // More than a pipe holds.
    folder.prepare("");
    let events = fs::read(folder.path("events.ndjson")).unwrap();
    folder.write("events.ndjson", events.repeat(10));
    for audit in [&[][..], &["--audit", "run.audit"]] {
        let base = [
            "replay",
            "--source",
            "cloudtrail",
            "--only-rules",
            "rules",
            "--identities",
            "identities.toml",
            "--json",
            "events.ndjson",
        ];
        let mut child =
            folder.command(&[&base, audit].concat()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(first.contains("\"type\":\"finding\""), "{first}");
        assert_eq!(child.wait().unwrap().code(), Some(0));
        let mut stderr = String::new();
        #[expect(clippy::disallowed_methods, reason = "the output of a command under test")]
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert!(!stderr.contains("error") && !stderr.contains("panic"), "{stderr}");
    }
    let line = folder.cli("audit verify --json run.audit").exits(0).json().remove(0);
    assert_eq!(line["verified"], json!(true));
}

#[test]
fn a_run_in_which_too_little_could_be_used_exits_with_one() {
    let folder = Folder::new();
    folder.prepare("--bad 100");
    let lines = folder.cli(&format!("{FEW} --json")).exits(0).json();
    let summary = lines.last().unwrap();
    let number = |member: &str| summary[member].as_u64().unwrap();
    let (dead, all) = (number("set_aside"), number("events") + number("set_aside") + number("duplicates"));
    let share = dead as f64 / all as f64;
    folder.cli(&format!("{FEW} --max-dead {}", share + 0.001)).exits(0);
    let ran = folder.cli(&format!("{FEW} --max-dead {}", share - 0.001)).exits(1);
    assert!(ran.stderr.contains("couldn't be used: more than `--max-dead "), "{}", ran.stderr);
    assert!(ran.stdout.contains("dead letters"), "{}", ran.stdout);

    // The share is that of all files together.
    folder.write("broken.ndjson", "{\n".repeat(3));
    let ran = folder.cli(&format!("{FEW} broken.ndjson --max-dead {}", share + 0.05)).exits(0);
    assert!(ran.stderr.contains("broken.ndjson: record 0"), "{}", ran.stderr);
    folder.cli(&format!("{FEW} broken.ndjson --max-dead 0%")).exits(1);

    let ran = folder.cli("replay --source cloudtrail --only-rules rules --json broken.ndjson").exits(1);
    assert!(ran.stderr.contains("none of 3 records could be used"), "{}", ran.stderr);
    assert_eq!(ran.json().last().unwrap()["events"], 0);
    folder.write("empty.ndjson", "");
    folder.cli("replay --source cloudtrail --only-rules rules empty.ndjson").exits(0);
}

#[test]
fn what_no_capability_table_lists_cannot_be_done() {
    let folder = Folder::new();
    folder.prepare("");
    folder.write("none.toml", "version = 1\n");
    let granted = |more: &str| -> BTreeSet<String> {
        let lines = folder.cli(&format!("{FEW} --json {more}")).exits(0).json();
        of_type(&lines, "decision")
            .iter()
            .filter_map(|decision| Some(decision["action"].as_str()?.to_owned()))
            .collect()
    };
    let observing = BTreeSet::from(["enrich-alert".to_owned(), "notify".to_owned(), "raise-risk-score".to_owned()]);
    assert!(!granted("").is_subset(&observing));
    assert!(granted("--capabilities none.toml").is_subset(&observing));
    folder.write("none.toml", "version = 1\n[[capabilty]]\n");
    let ran = folder.cli(&format!("{FEW} --capabilities none.toml")).exits(2);
    assert!(ran.stderr.contains("none.toml: line 2") && ran.stderr.contains("`capability`?"), "{}", ran.stderr);
}
