//! `--sources`: what a source may lead to by what it is bound to.

use serde_json::{Value, json};

use crate::support::{Folder, of_type};

const IDENTITIES: &str = r#"
[[identity]]
id = "grace"
type = "human"
tier = "standard"

[[identity.account]]
provider = "aws"
tenant = "222233334444"
subject = "AIDAGRACE"

[[identity]]
id = "root"
type = "human"
tier = "standard"

[[identity.account]]
provider = "aws"
tenant = "222233334444"
subject = "222233334444"
"#;

const SOURCES: &str = r#"
version = 1

[[source]]
name = "own"
format = "ocsf"
tenants = ["aws:222233334444"]

[[source]]
name = "other"
format = "ocsf"
tenants = ["aws:555566667777"]

[[source]]
name = "weak"
format = "ocsf"
tenants = ["aws:*"]
highest-class = "challenge"
"#;

/// Sign-ins of a user with one session, first from one network and then from another, as some product reports them.
fn feed(user: &str) -> String {
    let sign_in = |minute: i64| {
        let (address, number, country, system) = match minute {
            0 => ("198.51.100.20", 64500, "DE", "Windows"),
            _ => ("203.0.113.20", 64501, "BR", "macOS"),
        };
        json!({
            "class_uid": 3002, "activity_id": 1, "status_id": 1, "is_mfa": true,
            "time": 1_780_000_000_000_i64 + minute * 60_000,
            "metadata": { "uid": format!("e-{minute}"), "version": "1.3.0" },
            "cloud": { "provider": "AWS" },
            "user": { "uid": user, "account": { "uid": "222233334444" } },
            "session": { "uid": "s-1" },
            "src_endpoint": {
                "ip": address,
                "autonomous_system": { "number": number, "name": "n" },
                "location": { "country": country, "coordinates": [0.0, 0.0] },
            },
            "device": { "os": { "name": system, "type": system } },
        })
        .to_string()
    };
    [0, 26, 27, 28, 29].map(sign_in).join("\n")
}

/// What a run decided past observing: the kind, the action granted, and every reason's code.
fn decided(folder: &Folder, arguments: &str) -> Vec<(String, String, String)> {
    let lines = folder.cli(&format!("replay {arguments} --identities identities.toml --json")).exits(0).json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    of_type(&lines, "decision")
        .into_iter()
        .filter(|decision| !["enrich-alert", "raise-risk-score", "notify"].contains(&&*text(&decision["action"])))
        .map(|decision| {
            let reasons = decision["reasons"].as_array().unwrap();
            let codes: Vec<&str> = reasons.iter().filter_map(|reason| reason["code"].as_str()).collect();
            (text(&decision["decision"]), text(&decision["action"]), codes.join(" "))
        })
        .collect()
}

fn folder(user: &str) -> Folder {
    let folder = Folder::new();
    folder.write("identities.toml", IDENTITIES);
    folder.write("sources.toml", SOURCES);
    folder.write("feed.ndjson", feed(user));
    folder
}

#[test]
fn a_feed_contains_nobody_in_a_tenant_that_it_isnt_bound_to() {
    let folder = folder("AIDAGRACE");
    for arguments in
        ["--source ocsf feed.ndjson", "--source auto feed.ndjson", "--sources sources.toml other=feed.ndjson"]
    {
        let all = decided(&folder, arguments);
        assert!(!all.is_empty(), "{arguments}");
        for (kind, action, reasons) in &all {
            assert!(kind == "await-approval" || kind == "deny", "{arguments}: {kind} {action} {reasons}");
            assert!(reasons.contains("source-not-bound"), "{arguments}: {reasons}");
            assert!(kind == "deny" || action.starts_with("require-"), "{arguments}: {action}");
        }
    }
    let bound = decided(&folder, "--sources sources.toml own=feed.ndjson");
    assert!(bound.iter().any(|(kind, action, _)| kind == "execute" && action == "revoke-sessions"), "{bound:?}");
    let weak = decided(&folder, "--sources sources.toml weak=feed.ndjson");
    assert!(weak.iter().any(|(kind, action, reasons)| {
        kind == "downgrade" && action.starts_with("require-") && reasons.contains("source-limited")
    }));
    assert!(!weak.iter().any(|(kind, action, _)| kind == "execute" && action == "revoke-sessions"), "{weak:?}");
}

#[test]
fn the_root_of_an_account_is_protected_whatever_source_names_it() {
    let folder = folder("222233334444");
    let all = decided(&folder, "--sources sources.toml own=feed.ndjson");
    assert!(!all.is_empty());
    for (kind, action, reasons) in &all {
        assert_eq!(kind, "await-approval", "{action}");
        assert!(reasons.contains("protected-identity"), "{reasons}");
    }
}

#[test]
fn faults_of_sources_and_inputs_are_reported_at_once() {
    let folder = folder("AIDAGRACE");
    let run = folder.cli("replay --sources sources.toml feed.ndjson own=missing.ndjson owl=feed.ndjson").exits(2);
    for expected in [
        "`feed.ndjson`: expected an input of a source, got one that no source's `path` matches",
        "can't read `missing.ndjson`",
        "got `owl` (did you mean `own`?)",
    ] {
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
    }
    folder.write("sources.toml", "version = 1\n[[source]]\nname = \"a\"\nformt = \"ocsf\"\ntenants = [\"aws\"]\n");
    let run = folder.cli("replay --sources sources.toml a=feed.ndjson").exits(2);
    for expected in ["got `formt` (did you mean `format`?)", "source[0].tenants[0]: expected `provider:tenant`"] {
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
    }
    let run = folder.cli("replay --sources sources.toml --source ocsf feed.ndjson").exits(2);
    assert!(run.stderr.contains("cannot be used with"), "{}", run.stderr);
}

#[test]
fn events_show_the_source_that_they_are_from() {
    let folder = folder("AIDAGRACE");
    let events = folder.cli("events --sources sources.toml own=feed.ndjson --json").exits(0).json();
    assert!(events.iter().all(|event| event["source"] == "own"), "{events:?}");
}
