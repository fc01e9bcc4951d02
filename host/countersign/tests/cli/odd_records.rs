//! Records as they really come: each folder of `tests/odd-records` gives the events, dead letters and findings that its
//! `case.toml` names, and nothing is decided that it doesn't allow.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::support::{Folder, of_type};

/// What is right for a folder's input.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Case {
    /// What the case is about, as the table shows it.
    why: String,
    /// What `replay` and `events` get after their own options.
    run: String,
    /// What `replay` gets besides: the operator's context files.
    #[serde(default)]
    context: String,
    /// How many events there are.
    events: usize,
    /// The reasons of all dead letters, in any order.
    #[serde(default)]
    dead_letters: Vec<String>,
    /// The greatest class of action that may be decided, by whatever kind of decision.
    at_most: Option<String>,
    /// All findings, in any order; without any, nothing may be found.
    #[serde(default, rename = "finding")]
    findings: Vec<BTreeMap<String, toml::Value>>,
    /// What `events` shows of each event in order; of all, where any is given.
    #[serde(default, rename = "event")]
    shown: Vec<BTreeMap<String, toml::Value>>,
}

/// Actions that no more than challenge, and the classes they are of.
const CLASSES: [(&str, &[&str]); 2] = [
    ("observe", &["enrich-alert", "raise-risk-score", "notify"]),
    ("challenge", &["enrich-alert", "raise-risk-score", "notify", "require-mfa", "require-reauthentication"]),
];

#[test]
fn records_are_read_as_they_come() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/odd-records");
    let mut names: Vec<String> = fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() >= 60, "the cases are there: {}", names.len());
    let mut table = String::new();
    let mut wrong = Vec::new();
    for name in &names {
        let folder = Folder::new();
        folder.copy(&format!("tests/odd-records/{name}"), ".");
        let case: Case = toml::from_str(&folder.read("case.toml")).unwrap_or_else(|error| panic!("{name}: {error}"));
        let faults = check(&folder, &case);
        let verdict = if faults.is_empty() { "right" } else { "WRONG" };
        writeln!(table, "{verdict}  {name:<34}  {}", case.why).unwrap();
        wrong.extend(faults.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    println!("{table}");
    assert!(wrong.is_empty(), "{table}\n{}", wrong.join("\n"));
}

/// Everything that isn't as the case says.
fn check(folder: &Folder, case: &Case) -> Vec<String> {
    let mut faults = Vec::new();
    let ran = folder.cli(&format!("replay {} {} --json", case.run, case.context));
    let lines = ran.json();
    let mut dead: Vec<&str> =
        of_type(&lines, "dead-letter").iter().filter_map(|line| line["reason_code"].as_str()).collect();
    let mut expected: Vec<&str> = case.dead_letters.iter().map(String::as_str).collect();
    dead.sort_unstable();
    expected.sort_unstable();
    if dead != expected {
        faults.push(format!("dead letters {dead:?}, not {expected:?}: {}", ran.stderr.trim()));
    }

    let found = of_type(&lines, "finding");
    for finding in &found {
        if !case.findings.iter().any(|expected| is_finding(finding, expected)) {
            faults.push(format!("found unexpectedly: {finding}"));
        }
    }
    for expected in &case.findings {
        if !found.iter().any(|finding| is_finding(finding, expected)) {
            faults.push(format!("not found: {expected:?}"));
        }
    }

    if let Some(class) = &case.at_most {
        let (_, allowed) = CLASSES.iter().find(|(name, _)| name == class).unwrap();
        let beyond = of_type(&lines, "decision").into_iter().filter(|decision| {
            let refused = decision["decision"] == "deny" || decision["decision"] == "suppress";
            !refused && decision["action"].as_str().is_some_and(|action| !allowed.contains(&action))
        });
        faults.extend(beyond.map(|decision| format!("decided beyond {class}: {decision}")));
    }

    let shown = folder.cli(&format!("events {} --json", case.run));
    let events = shown.json();
    let events = of_type(&events, "event");
    if events.len() != case.events {
        faults.push(format!("{} events, not {}", events.len(), case.events));
    }
    if !case.shown.is_empty() && case.shown.len() != events.len() {
        faults.push(format!("the case shows {} events", case.shown.len()));
    }
    for (event, expected) in events.iter().zip(&case.shown) {
        for (member, value) in expected {
            let got = match member.strip_prefix("fields.") {
                Some(field) => &event["fields"][field],
                None => &event[member.as_str()],
            };
            if !is_value(got, value) {
                faults.push(format!("{}: {member} is {got}, not {value:?}", event["event_id"]));
            }
        }
    }
    faults
}

/// Whether a line of a finding is the one that a case names.
fn is_finding(line: &Value, expected: &BTreeMap<String, toml::Value>) -> bool {
    expected.iter().all(|(member, value)| match member.as_str() {
        "rule" => line["rule"] == format!("countersign/{}", value.as_str().unwrap()),
        "account" => is_value(&line["identity"], value),
        "event" => is_value(&line["event_id"], value),
        "confidence" => is_value(&line["confidence"], value),
        "confidence-below" => line["confidence"].as_i64().is_some_and(|found| found < value.as_integer().unwrap()),
        other => panic!("a finding has no `{other}`"),
    })
}

/// Whether a member is the value of a case; empty text stands for null.
fn is_value(got: &Value, expected: &toml::Value) -> bool {
    match expected {
        toml::Value::String(text) if text.is_empty() => got.is_null(),
        toml::Value::String(text) => got == text.as_str(),
        toml::Value::Integer(number) => got == *number,
        toml::Value::Boolean(value) => got == *value,
        other => panic!("no member of a line is {other:?}"),
    }
}
