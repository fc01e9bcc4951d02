//! What others chose is one line without anything that isn't seen, whatever prints it.

use std::fs;
use std::path::Path;

use countersign_text::is_invisible;
use serde_json::Value;

use crate::support::{Folder, Output};
use crate::tools::copied;

/// Ends a line, clears the screen, turns the direction, hides letters: and what would then stand at the beginning of a line.
const HOSTILE: &str = "\u{1b}[2J\r\nFORGED\u{2028}FORGED\u{85}\u{202e}\u{2066}\u{200b}\u{ad}\u{feff}\u{e0041}\u{e000}\u{fe00}\u{3164}\u{7}";

/// The same where a file's name can't have all of it.
const HOSTILE_NAME: &str = "\u{1b}[2J\nFORGED\u{202e}\u{200b}.ndjson";

/// Adds hostile text to every text of a record but those that decide what it is.
fn poison(value: &mut Value, name: &str) {
    const KEPT: &[&str] = &[
        "type",
        "eventTime",
        "eventSource",
        "eventName",
        "eventType",
        "awsRegion",
        "sourceIPAddress",
        "ConsoleLogin",
        "MFAUsed",
        "eventVersion",
        "accountId",
        "recipientAccountId",
        "eventCategory",
    ];
    match value {
        Value::String(text) if !KEPT.contains(&name) => text.push_str(HOSTILE),
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, name)),
        Value::Object(members) => {
            members.iter_mut().for_each(|(name, member)| poison(member, name));
            if name == "requestParameters" {
                members.insert(HOSTILE.to_owned(), Value::from(HOSTILE));
            }
        }
        _ => {}
    }
}

#[track_caller]
fn is_safe(words: &[&str], output: &Output) {
    for (stream, text) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        for line in text.lines() {
            let shown = line.escape_debug();
            assert!(!line.chars().any(is_invisible), "{words:?} has on {stream}: {shown}");
            // The further lines of a table's cell stand under it, far from where a line of the program's own begins.
            let is_of_a_cell = line.starts_with(&" ".repeat(20));
            let is_forged = line.trim_start().starts_with("FORGED") && !is_of_a_cell;
            assert!(!is_forged, "{words:?} has a forged line on {stream}: {shown}");
        }
    }
}

#[test]
fn no_command_prints_what_others_hid_in_a_text() {
    let folder = Folder::new();
    let case = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../rules/console-login-without-mfa/cases/password-alone/events.ndjson");
    let mut lines = String::new();
    for line in fs::read_to_string(case).unwrap().lines() {
        let mut record: Value = serde_json::from_str(line).unwrap();
        record["requestParameters"] = serde_json::json!({ "name": "x" });
        poison(&mut record, "");
        lines.push_str(&(record.to_string() + "\n"));
    }
    // Dead letters, too.
    lines.push_str(&format!("no record {}\n", HOSTILE.replace(['\n', '\r'], " ")));
    lines.push_str(&(serde_json::json!({ "eventName": HOSTILE, "eventTime": HOSTILE }).to_string() + "\n"));
    folder.write(HOSTILE_NAME, &lines);
    folder.write("logs.ndjson", &lines);

    // A rule whose declaration is hostile as well.
    copied(&folder, "console-login-without-mfa");
    // Nobody signed it.
    let rule = folder.read("rules/console-login-without-mfa/rule.toml").replace("id = \"countersign/", "id = \"local/");
    let hostile = serde_json::to_string(HOSTILE).unwrap().replace("\u{7f}", "");
    let (before, after) = rule.split_once("description = \"\"\"").unwrap();
    let (_, after) = after.split_once("\"\"\"").unwrap();
    let (_, after) = after.split_once("false-positives").unwrap();
    let rule = format!("{before}description = {hostile}\nreferences = [{hostile}]\nfalse-positives{after}");
    folder.write(
        "rules/console-login-without-mfa/rule.toml",
        format!("{rule}\n[[parameter]]\nname = \"odd\"\ntype = \"text\"\nmax-bytes = 400\ndefault = {hostile}\nmeaning = {hostile}\n"),
    );
    let built = folder.cli("rule build rules --out on").exits(0);
    is_safe(&["rule build"], &built);
    folder.write(HOSTILE_NAME.replace("ndjson", "wasm").as_str(), "no component");
    folder.write("policy.toml", format!("version = 1\n{hostile} = 1\n[publisher.{hostile}]\n"));

    let replay = ["replay", "--source", "cloudtrail", "--max-dead", "1", "--only-rules", "on"];
    let named = [&replay[..], &[HOSTILE_NAME]].concat();
    let wasm = HOSTILE_NAME.replace("ndjson", "wasm");
    let component = fs::read_dir(folder.path("on")).unwrap().next().unwrap().unwrap().path();
    let component = component.to_str().unwrap().to_owned();
    let id =
        serde_json::from_str::<Value>(lines.lines().nth(1).unwrap()).unwrap()["eventID"].as_str().unwrap().to_owned();
    let run = |words: &[&str]| {
        let output = folder.run(words);
        is_safe(words, &output);
        output
    };
    run(&[&named[..], &["--audit", "run.audit"]].concat());
    run(&[&named[..], &["--audit", "run.audit", "--replace", "--json"]].concat());
    run(&[&named[..], &["--store", "run.db", "--dead-letters", "dead.ndjson"]].concat());
    is_safe(&["dead letters"], &Output { code: 0, stdout: folder.read("dead.ndjson"), stderr: String::new() });
    run(&["events", "--source", "cloudtrail", HOSTILE_NAME]);
    run(&["events", "--source", "cloudtrail", "--json", HOSTILE_NAME]);
    run(&[
        "events",
        "--source",
        "auto",
        "--fields",
        "actor.user.name,http_request.user_agent,api.request.data",
        "logs.ndjson",
    ]);
    for record in ["run.audit", "run.db"] {
        for words in
            ["audit list", "audit list --json", "audit verify", "audit recompute", "audit list --type dead-letter"]
        {
            run(&[&words.split(' ').collect::<Vec<_>>()[..], &[record]].concat());
        }
        for number in 0..12 {
            run(&["audit", "show", record, &number.to_string()]);
            run(&["audit", "show", record, &number.to_string(), "--json"]);
        }
    }
    run(&["rule", "inspect", &component]);
    run(&["rule", "inspect", "--json", &component]);
    run(&["rule", "check", &component, &wasm]);
    let telemetry = ["--events", HOSTILE_NAME, "--source", "cloudtrail"];
    run(&[&["rule", "explain", &component][..], &telemetry].concat());
    let explained = run(&[&["rule", "explain", &component, &id][..], &telemetry].concat());
    assert_eq!(explained.code, 0, "{}", explained.stderr);
    run(&[&["rule", "bench", &component, "--rows", "16"][..], &telemetry].concat());
    run(&["rule", "test", "rules"]);
    let listed = run(&["audit", "list", "run.audit", "--type", "finding", "--json"]);
    let finding = listed.json()[0]["seq"].to_string();
    run(&["rule", "repro", "run.audit", &finding, "--rule", "rules/console-login-without-mfa"]);
    run(&["rule", "repro", "run.audit", HOSTILE, "--rule", "rules/console-login-without-mfa"]);

    // Faults, of files and of names.
    for words in [
        [&replay[..], &["--policy", "policy.toml", "logs.ndjson"]].concat(),
        [&replay[..], &["--identities", HOSTILE_NAME, "logs.ndjson"]].concat(),
        [&replay[..], &["missing\u{202e}\nFORGED"]].concat(),
        vec!["replay", "--source", "cloudtrail", "--only-rules", "missing\u{202e}\nFORGED", "logs.ndjson"],
        vec!["audit", "verify", HOSTILE_NAME],
        vec!["audit", "verify", "missing\u{202e}\nFORGED"],
        vec!["audit", "show", "run.audit", "99999"],
        vec!["rule", "inspect", &wasm],
        vec!["rule", "build", "missing\u{202e}\nFORGED"],
        vec!["rule", "explain", "missing\u{202e}\nFORGED", "e", "--events", "logs.ndjson"],
        vec!["state", "show", "local/console-login-without-mfa", HOSTILE, "--store", "run.db"],
    ] {
        let output = run(&words);
        assert_ne!(output.code, 0, "{words:?}");
    }
    // The log as well.
    let words: Vec<&str> = [&named[..], &[]].concat();
    let output = folder.command(&words).env("COUNTERSIGN_LOG", "trace").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    is_safe(&words, &Output { code: 0, stdout: text(output.stdout), stderr: text(output.stderr) });
}
