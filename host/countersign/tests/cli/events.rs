//! `events`: telemetry as rules see it, and what couldn't be used.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Folder, keys};

const EVENTS: &str = "events --source cloudtrail --identities identities.toml";

/// One sign-in of an IAM user.
fn sign_in(id: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.08","eventID":"{id}","eventTime":"2026-03-02T09:00:00Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","sourceIPAddress":"192.0.2.7","recipientAccountId":"111122223333","userIdentity":{{"type":"IAMUser","principalId":"AIDAEXAMPLEEXAMPLE001","accountId":"111122223333","arn":"arn:aws:iam::111122223333:user/u","userName":"u"}},"requestParameters":{{"big":12345678901234567890123}},"responseElements":{{"ConsoleLogin":"Success"}}}}"#
    )
}

#[test]
fn every_event_is_a_line_with_its_keys_at_the_position_that_replay_gives_it() {
    let folder = Folder::new();
    folder.generate("");
    let lines = folder.cli(&format!("{EVENTS} --json events.ndjson")).exits(0).json();
    assert_eq!(lines.len(), folder.read("events.ndjson").lines().count());
    let expected: BTreeSet<&str> = "type position event_id source format tenant class time account identity \
                                    identity_type usage authenticated bound session token temporary grant person trust shared \
                                    protected chain \
                                    targets fields input record"
        .split_whitespace()
        .collect();
    for (line, position) in lines.iter().zip(0..) {
        assert_eq!(keys(line), expected);
        assert_eq!((&line["type"], &line["position"]), (&json!("event"), &json!(position)));
        assert_eq!((&line["source"], &line["format"]), (&json!("cloudtrail"), &json!("cloudtrail")));
        let parties = line["chain"].as_array().unwrap().iter().chain(line["targets"].as_array().unwrap());
        for party in parties {
            assert_eq!(keys(party), ["role", "account", "session"].into());
        }
        assert_eq!(line["fields"]["metadata.uid"], line["event_id"]);
    }
    assert!(lines.iter().any(|line| !line["targets"].as_array().unwrap().is_empty()));
    assert!(lines.iter().any(|line| line["fields"]["api.request.data"].is_object()), "bodies are JSON");

    // Facts about identities count as they do for findings.
    let typed = |lines: &[Value]| lines.iter().filter(|line| line["identity_type"] == "human").count();
    let without = folder.cli("events --source cloudtrail --json events.ndjson").exits(0).json();
    assert!(typed(&lines) > typed(&without), "{} {}", typed(&lines), typed(&without));

    let run =
        folder.cli("replay --source cloudtrail --identities identities.toml --json events.ndjson").exits(0).json();
    for finding in run.iter().filter(|line| line["type"] == "decision" && line["role"] == "actor") {
        let event = lines.iter().find(|line| line["event_id"] == finding["event_id"]).unwrap();
        for member in ["account", "identity", "identity_type", "usage"] {
            assert_eq!(event[member], finding[member], "{member}: {finding}");
        }
    }
}

#[test]
fn values_have_their_natural_types_and_bodies_keep_their_numbers() {
    let folder = Folder::new();
    folder.write("one.ndjson", sign_in("e-1"));
    let output = folder.cli("events --source auto --json one.ndjson").exits(0);
    assert!(output.stdout.contains(r#""big":12345678901234567890123"#), "{}", output.stdout);
    let line = output.json().remove(0);
    assert_eq!(line["fields"]["status_id"], 1);
    assert_eq!(line["fields"]["src_endpoint.ip"], "192.0.2.7");
    assert_eq!(line["account"], "aws:111122223333:AIDAEXAMPLEEXAMPLE001");
    assert_eq!(line["identity_type"], "unknown");
    assert_eq!(
        (&line["authenticated"], &line["protected"], &line["shared"]),
        (&json!(true), &json!(false), &json!(false))
    );

    let picked =
        folder.cli("events --source auto --json --fields src_endpoint.ip,is_mfa,user.name one.ndjson").exits(0);
    assert_eq!(picked.json()[0]["fields"], json!({"src_endpoint.ip": "192.0.2.7", "is_mfa": null, "user.name": null}));
    let wrong = folder.cli("events --source auto --fields src_endpoint.ipp one.ndjson").exits(2);
    assert!(wrong.stderr.contains("did you mean `src_endpoint.ip`?"), "{}", wrong.stderr);
}

#[test]
fn people_get_a_table_of_all_or_of_chosen_events_and_fields() {
    let folder = Folder::new();
    folder.generate("");
    let shown = folder.cli(&format!("{EVENTS} events.ndjson")).exits(0).stdout;
    let first = shown.lines().next().unwrap();
    for title in ["time", "source", "class", "operation", "account", "usage", "outcome", "address"] {
        assert!(first.contains(title), "{title}: {first}");
    }
    for part in ["api-activity", "success", "denied", "programmatic"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let shown = folder.cli(&format!("{EVENTS} --fields api.operation,cloud.region events.ndjson")).exits(0).stdout;
    let first = shown.lines().next().unwrap();
    assert!(first.contains("api.operation") && first.contains("cloud.region") && !first.contains("outcome"), "{first}");

    let matching = folder.cli(&format!("{EVENTS} --json --match console*GIN events.ndjson")).exits(0).json();
    assert!(!matching.is_empty());
    assert!(matching.iter().all(|line| line["fields"]["api.operation"] == "ConsoleLogin"));
}

#[test]
fn what_cannot_be_used_is_reported_with_its_place_and_summed_up_by_reason() {
    let folder = Folder::new();
    folder.write("good.ndjson", format!("{}\n{}\n{}\n", sign_in("e-1"), sign_in("e-2"), sign_in("e-1")));
    folder.write("bad.ndjson", "not JSON\n{\"eventID\":\"e-9\"}\n");
    let output = folder.cli("events --source cloudtrail --json good.ndjson bad.ndjson").exits(0);
    assert_eq!(output.json().len(), 2);
    for part in [
        "malformed-json: bad.ndjson: record 0 at byte 0: ",
        "bad.ndjson: record 1 at byte 9: ",
        "1 record delivered before",
        "2 records couldn't be used",
    ] {
        assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
    }

    for (share, code) in [("50%", 0), ("0.4", 0), ("39.9%", 1), ("0", 1)] {
        let output =
            folder.cli(&format!("events --source cloudtrail --max-dead {share} good.ndjson bad.ndjson")).exits(code);
        assert_eq!(output.stderr.contains("2 of 5 records couldn't be used"), code == 1, "{}", output.stderr);
    }
    let output = folder.cli("events --source cloudtrail bad.ndjson").exits(1);
    assert!(output.stderr.contains("none of 2 records could be used"), "{}", output.stderr);
    let wrong = folder.cli("events --source cloudtrail --max-dead 5 good.ndjson").exits(2);
    assert!(wrong.stderr.contains("such as `5%`"), "{}", wrong.stderr);
    folder.write("empty.ndjson", "");
    folder.cli("events --source cloudtrail empty.ndjson").exits(0);

    // Of many of one reason the first are reported, and all are counted.
    folder.write("bad.ndjson", "not JSON\n".repeat(1_000));
    let output = folder.cli("events --source cloudtrail good.ndjson bad.ndjson").exits(0);
    assert!(output.stderr.contains("1,000 malformed-json, such as bad.ndjson: record 0"), "{}", output.stderr);
    assert!(output.stderr.lines().count() < 30, "{}", output.stderr);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = Folder::new();
    folder.generate("");
    let events = fs::read_to_string(folder.path("events.ndjson")).unwrap();
    // More than a pipe holds, without redeliveries.
    let many: String =
        (0..20).map(|copy| events.replace("\"eventID\":\"", &format!("\"eventID\":\"{copy}-"))).collect();
    folder.write("events.ndjson", many);
    for more in [&["--json"][..], &[]] {
        let arguments = [&["events", "--source", "cloudtrail", "events.ndjson"], more].concat();
        let mut child = folder.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(!first.is_empty());
        assert_eq!(child.wait().unwrap().code(), Some(0));
        let mut stderr = String::new();
        #[expect(clippy::disallowed_methods, reason = "the output of a command under test")]
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!(stderr, "");
    }
}

#[test]
fn hints_say_what_unusable_files_look_like() {
    let folder = Folder::new();
    let windows = r#"{"EventID":4624,"Channel":"Security","TimeCreated":"2026-03-02T09:00:00Z"}"#;
    folder.write("logs/good.ndjson", sign_in("e-1"));
    folder.write("logs/events.json.xz", [&b"\xfd7zXZ\0"[..], &[0x80; 64]].concat());
    folder.write("logs/more/windows.ndjson", format!("{windows}\n{windows}\n"));
    for command in ["events", "replay --only-rules rules"] {
        folder.shipped(&["console-login-without-mfa"]);
        let output = folder.cli(&format!("{command} --source cloudtrail --json logs")).exits(0);
        for part in [
            "events.json.xz: record 0",
            "looks like xz",
            "these look like windows-security: use `--source windows-security` or `--source auto`",
        ] {
            assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
        }
        folder.cli(&format!("{command} --source cloudtrail --max-dead 10% logs")).exits(1);
        folder.cli(&format!("{command} --source cloudtrail logs/more logs/events.json.xz")).exits(1);
    }
}
