//! `audit list` and `audit show`, over audit files and stores.

use std::collections::BTreeSet;
use std::fs;

use countersign_audit::Record;
use countersign_audit::record::{
    DiagnosticRecord, HostFinding, HostFindingKind, Migration, SourceStood, TimePassed, TokenChanged,
};
use countersign_model::call::Level;
use countersign_model::vocabulary::{Severity, SignalClass};
use countersign_model::{Ailment, Occasion, Timestamp, TokenChange, TokenNote, Unwell};
use expect_test::expect_file;
use serde_json::{Value, json};

use crate::support::{Folder, keys, ndjson, of_type};

#[path = "../../../audit/tests/common/mod.rs"]
mod one_of_each;

/// Runs of the same telemetry into `run.audit` and `run.db`, with the lines that were printed.
fn recorded() -> (Folder, Vec<Value>) {
    let folder = Folder::new();
    folder.prepare("");
    folder.shipped(&["privilege-attached-to-self", "audit-trail-disabled", "role-trust-opened-to-foreign-account"]);
    let replay = "replay --source cloudtrail --only-rules rules --identities identities.toml --json events.ndjson";
    let lines = folder.cli(&format!("{replay} --audit run.audit")).exits(0).json();
    folder.cli(&format!("{replay} --store run.db")).exits(0);
    (folder, lines)
}

/// A record that was written once and never changes: what is shown of it only changes with the words.
fn fixture() -> Folder {
    let folder = Folder::new();
    folder.copy("tests/fixtures/audit/9f64855", ".");
    folder
}

#[test]
fn decisions_are_listed_as_replay_printed_them() {
    let (folder, lines) = recorded();
    let decisions = of_type(&lines, "decision");
    assert!(decisions.len() > 10);
    for path in ["run.audit", "run.db"] {
        let listed = folder.cli(&format!("audit list {path} --json")).exits(0);
        assert_eq!(listed.json().iter().collect::<Vec<_>>(), decisions, "{path}");
        assert_eq!(listed.stderr, "");
        let shown = folder.cli(&format!("audit list {path}")).exits(0).stdout;
        assert!(shown.contains(&format!("{} decisions", decisions.len())), "{shown}");
        let rows = shown.lines().filter(|line| line.contains("2026-03-02T"));
        assert_eq!(rows.count(), decisions.len());
    }
}

#[test]
fn filters_combine() {
    let (folder, lines) = recorded();
    let decisions = of_type(&lines, "decision");
    let some = decisions.iter().find(|line| line["decision"] == "downgrade").unwrap();
    let (identity, account) = (some["identity"].as_str().unwrap(), some["account"].as_str().unwrap());
    let (time, action) = (some["event_time"].as_str().unwrap(), some["action"].as_str().unwrap());
    let rule = some["rule"].as_str().unwrap().replace("countersign/", "");
    let listed = |filters: &str| folder.cli(&format!("audit list run.audit --json {filters}")).exits(0).json();
    let check = |filters: String, wanted: &dyn Fn(&Value) -> bool| {
        let expected: Vec<&Value> = decisions.iter().copied().filter(|line| wanted(line)).collect();
        assert!(!expected.is_empty() && expected.len() < decisions.len(), "{filters}");
        assert_eq!(listed(&filters).iter().collect::<Vec<_>>(), expected, "{filters}");
    };
    check(format!("--identity {}", identity.to_uppercase()), &|line| line["identity"] == identity);
    check(format!("--account {account}"), &|line| line["account"] == account);
    check(format!("--rule {rule}"), &|line| line["rule"] == some["rule"]);
    check("--decision downgrade,await-approval".to_owned(), &|line| {
        line["decision"] == "downgrade" || line["decision"] == "await-approval"
    });
    check(format!("--action {action}"), &|line| line["action"] == action || line["requested_action"] == action);
    let of = |line: &Value| line["event_time"].as_str().unwrap().to_owned();
    check(format!("--since {time}"), &|line| *of(line) >= *time);
    check(format!("--until {time}"), &|line| *of(line) < *time);
    check(format!("--rule {rule} --decision execute --since {time}"), &|line| {
        line["rule"] == some["rule"] && line["decision"] == "execute" && *of(line) >= *time
    });
    assert_eq!(listed("--limit 3").len(), 3);
    assert_eq!(listed("--identity nobody"), [Value::Null; 0]);
    let shown = folder.cli("audit list run.audit --identity nobody").exits(0).stdout;
    assert_eq!(shown, "no decision that matches\n");
    let shown = folder.cli("audit list run.audit --limit 2").exits(0).stdout;
    assert!(shown.contains("the first 2 decisions"), "{shown}");
}

#[test]
fn other_records_are_listed_by_type() {
    let (folder, _) = recorded();
    let records = ndjson(&folder.read("run.audit"));
    let listed = folder.cli("audit list run.audit --type all --json").exits(0).json();
    assert_eq!(listed.len(), records.len());
    for (listed, record) in listed.iter().zip(&records) {
        assert_eq!((&listed["seq"], &listed["type"]), (&record["seq"], &record["type"]));
        if listed["type"] != "decision" {
            let mut record = record.clone();
            record.as_object_mut().unwrap().remove("link");
            assert_eq!(*listed, record);
        }
    }
    let findings = of_type(&records, "finding").len();
    let shown = folder.cli("audit list run.db --type finding,generation").exits(0).stdout;
    assert!(shown.contains(&format!("{} records", findings + 1)), "{shown}");
    let error = folder.cli("audit list run.db --type decisions").exits(2).stderr;
    assert!(error.contains("decision") && error.contains("--type"), "{error}");
}

#[test]
fn every_record_of_a_run_has_a_story() {
    let (folder, _) = recorded();
    let records = ndjson(&folder.read("run.audit"));
    let mut seen = BTreeSet::new();
    for record in &records {
        let ty = record["type"].as_str().unwrap();
        // One of each, and a few decisions.
        let is_new = seen.insert(ty.to_owned());
        if !is_new && (ty != "decision" || record["decision"]["kind"] != "downgrade") {
            continue;
        }
        let seq = &record["seq"];
        for path in ["run.audit", "run.db"] {
            if (ty, path) == ("seal", "run.db") {
                continue;
            }
            let ran = folder.cli(&format!("audit show {path} {seq}")).exits(0);
            assert!(ran.stdout.starts_with(&format!("{ty} {seq}: ")), "{}", ran.stdout);
            assert_eq!(ran.stderr, "");
            let line = folder.cli(&format!("audit show {path} {seq} --json")).exits(0).json().remove(0);
            assert_eq!((&line["type"], &line["seq"], &line["unreadable"]), (&json!("audit-show"), seq, &json!([])));
            assert_eq!(line["record"]["type"], ty);
        }
    }
    assert!(seen.len() >= 7, "{seen:?}");
}

#[test]
fn a_store_has_the_intent_of_a_decision_that_may_act() {
    let (folder, lines) = recorded();
    let seq = |kind: &str, acts: bool| {
        let decisions = of_type(&lines, "decision");
        let observes =
            |line: &Value| ["notify", "enrich-alert", "raise-risk-score"].contains(&line["action"].as_str().unwrap());
        decisions.into_iter().find(|line| line["decision"] == kind && acts != observes(line)).unwrap()["seq"].clone()
    };
    let acting = seq("downgrade", true);
    let line = folder.cli(&format!("audit show run.db {acting} --json")).exits(0).json().remove(0);
    assert_eq!(line["intent"]["record"], acting);
    let key = line["intent"]["idempotency_key"].as_str().unwrap();
    let shown = folder.cli(&format!("audit show run.db {acting}")).exits(0).stdout;
    assert!(shown.contains(key) && shown.contains("executes nothing"), "{shown}");
    let shown = folder.cli(&format!("audit show run.audit {acting}")).exits(0).stdout;
    assert!(shown.contains("stores keep it"), "{shown}");
    let observing = seq("execute", false);
    let line = folder.cli(&format!("audit show run.db {observing} --json")).exits(0).json().remove(0);
    assert_eq!(line["intent"], Value::Null);
}

#[test]
fn a_number_past_the_end_is_refused_with_the_range() {
    let (folder, _) = recorded();
    let records = folder.read("run.audit").lines().count();
    for (path, last) in [("run.audit", records - 1), ("run.db", records - 2)] {
        let ran = folder.cli(&format!("audit show {path} 100000")).exits(2);
        assert!(ran.stderr.contains(&format!("0 to {last}, got 100000")), "{}", ran.stderr);
    }
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_shown() {
    let (folder, lines) = recorded();
    let decision = of_type(&lines, "decision")[0].clone();
    let (seq, identity) = (&decision["seq"], decision["identity"].as_str().unwrap());
    let line = folder.cli(&format!("audit show run.audit {seq} --json")).exits(0).json().remove(0);
    let inputs = line["record"]["inputs"].as_str().unwrap().to_owned();
    let bundle = line["finding"]["bundle"].as_str().unwrap().to_owned();

    // Under another key nothing of the evidence can be read.
    folder.write("key", [7; 32]);
    let ran = folder.cli(&format!("audit show run.db {seq} --audit-key key")).exits(0);
    for part in ["under the documented key, which anybody", "what was decided", "why\n", "confidence"] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    let ran = folder.cli("audit list run.db --audit-key key --limit 1 --json").exits(0);
    assert!(ran.stderr.contains("under the documented key, which anybody"), "{}", ran.stderr);
    let reduced = ran.json().remove(0);
    assert_eq!(keys(&reduced), keys(&decision));
    for (member, value) in reduced.as_object().unwrap() {
        let unknown = ["identity", "identity_type", "tier", "usage", "message"].contains(&member.as_str());
        assert_eq!(value, if unknown { &Value::Null } else { &decision[member] }, "{member}");
    }

    // Without a blob the rest is read.
    fs::remove_file(folder.path("run.audit.bundles").join(&bundle)).unwrap();
    let ran = folder.cli(&format!("audit show run.audit {seq}")).exits(0);
    for part in ["unreadable  ", &format!("expected a blob named `{bundle}`"), identity] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    let ran = folder.cli(&format!("audit show run.audit {seq} --json")).exits(0).json().remove(0);
    assert_eq!((&ran["bundle"], ran["unreadable"].as_array().unwrap().len()), (&Value::Null, 1));
    assert!(ran["inputs"].is_object());
    fs::remove_file(folder.path("run.audit.bundles").join(&inputs)).unwrap();
    let ran = folder.cli("audit list run.audit --limit 1").exits(0);
    assert!(ran.stderr.contains(&inputs) && !ran.stdout.contains(identity), "{}{}", ran.stderr, ran.stdout);
}

#[test]
fn what_comes_before_a_fault_is_listed_and_a_changed_record_is_shown_as_such() {
    let (folder, _) = recorded();
    let file = folder.read("run.audit");
    let lines: Vec<&str> = file.lines().collect();
    let is_decision = |line: &&str| line.contains(r#""type":"decision""#);
    let place = lines[..lines.len() - 5].iter().rposition(is_decision).unwrap();
    let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    changed[place] = changed[place].replacen("\"confidence\":", "\"confidence\":1", 1);
    assert_ne!(changed[place], lines[place]);
    folder.write("run.audit", changed.join("\n") + "\n");
    let all = folder.cli("audit list run.db --json").exits(0).json().len();
    let ran = folder.cli("audit list run.audit --json").exits(1);
    assert!(ran.stderr.contains(&format!("line {}", place + 1)), "{}", ran.stderr);
    let listed = ran.json().len();
    assert!(listed > all / 2 && listed < all, "{listed} of {all}");
    let ran = folder.cli(&format!("audit show run.audit {place}")).exits(1);
    assert!(ran.stderr.contains("isn't as it was written") && ran.stdout.contains("why"), "{}", ran.stderr);
    folder.cli(&format!("audit show run.audit {}", place - 10)).exits(0);
}

#[test]
fn a_file_without_a_seal_is_listed_with_a_note() {
    let (folder, lines) = recorded();
    let file = folder.read("run.audit");
    let kept: Vec<&str> = file.split_inclusive('\n').take(20).collect();
    folder.write("run.audit", kept.concat() + "{\"seq\":20,\"li");
    let ran = folder.cli("audit list run.audit --json").exits(0);
    assert!(ran.stderr.contains("no seal"), "{}", ran.stderr);
    let expected = of_type(&lines, "decision").into_iter().filter(|line| line["seq"].as_u64().unwrap() < 20);
    assert_eq!(ran.json().len(), expected.count());
    folder.cli("audit show run.audit 19").exits(0);
    folder.cli("audit show run.audit 20").exits(2);
}

#[test]
fn decisions_of_an_old_record_are_listed() {
    let ran = fixture().cli("audit list run.audit").exits(0);
    expect_file!["expected/audit-list.txt"].assert_eq(&ran.stdout);
}

#[test]
fn a_decision_is_told_in_words() {
    let ran = fixture().cli("audit show run.audit 5").exits(0);
    expect_file!["expected/audit-show-decision.txt"].assert_eq(&ran.stdout);
}

#[test]
fn a_finding_is_told_in_words() {
    let folder = fixture();
    let listed = folder.cli("audit list run.audit --type finding --json").exits(0).json();
    let seq = &listed.last().unwrap()["seq"];
    let ran = folder.cli(&format!("audit show run.audit {seq}")).exits(0);
    expect_file!["expected/audit-show-finding.txt"].assert_eq(&ran.stdout);
}

#[test]
fn every_type_of_record_is_told_in_words() {
    let mut records = one_of_each::records();
    records.push(Record::Time(TimePassed { position: 25, at: Timestamp(1_688_989_398_000_000) }));
    records.push(Record::Migration(Migration {
        position: 25,
        rule: "countersign/burst-of-denied-calls".parse().unwrap(),
        slot: "window".to_owned(),
        migrated: 1_234,
        failed: 1,
    }));
    records.push(Record::Source(SourceStood {
        position: 25,
        source: "okta".into(),
        unwell: vec![Unwell {
            what: Ailment::Fallen,
            since: Timestamp(1_688_989_398_000_000),
            usual: Some(1_200),
            why: "3 records within an hour, usual are 1200".to_owned(),
        }],
    }));
    records.push(Record::HostFinding(HostFinding {
        position: 25,
        kind: HostFindingKind::SourceUnwell,
        signal_class: SignalClass::Evasion,
        severity: Severity::High,
        rule: None,
        source: Some("okta".into()),
        message: "`okta` is fallen".to_owned(),
    }));
    records.push(Record::Source(SourceStood { position: 26, source: "okta".into(), unwell: Vec::new() }));
    let expires = Timestamp(1_688_989_398_000_000);
    records.push(Record::Token(TokenChanged {
        position: 26,
        token: TokenNote {
            id: "0123456789ab".to_owned(),
            change: TokenChange::Made,
            scope: "source okta".to_owned(),
            expires,
            by: "anna (uid 1000)".to_owned(),
        },
    }));
    records.push(Record::HostFinding(HostFinding {
        position: 26,
        kind: HostFindingKind::LogNotAsSigned,
        signal_class: SignalClass::Evasion,
        severity: Severity::Critical,
        rule: None,
        source: None,
        message: "the audit log isn't as it was signed".to_owned(),
    }));
    // Text that a terminal would act on: running the command checks that none of it is printed.
    records.push(Record::Diagnostic(DiagnosticRecord {
        position: 26,
        rule: "countersign/burst-of-denied-calls".parse().unwrap(),
        occasion: Occasion::Event,
        index: 0,
        level: Level::Information,
        message: "\u{1b}[31m\u{202e}red".to_owned(),
    }));
    let folder = Folder::new();
    let (file, _) = one_of_each::file(&records);
    folder.write("run.audit", file);
    let mut all = String::new();
    for seq in 0..=records.len() {
        all += &folder.cli(&format!("audit show run.audit {seq}")).exits(0).stdout;
        all.push('\n');
    }
    all += &folder.cli("audit list run.audit --type all").exits(0).stdout;
    expect_file!["expected/audit-records.txt"].assert_eq(&all);
}
