//! `audit verify` and `audit recompute`, over the file that `replay --audit` writes.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Folder, ndjson};

const REPLAY: &str =
    "replay --source cloudtrail --only-rules rules --identities identities.toml --json events.ndjson --audit run.audit";

fn audited(more: &str) -> (Folder, String) {
    let folder = Folder::new();
    folder.prepare("");
    let ran = folder.cli(&format!("{REPLAY} {more}")).exits(0);
    let head = ran.json().last().unwrap()["head"].as_str().unwrap().to_owned();
    (folder, head)
}

fn verdict(folder: &Folder) -> Value {
    folder.cli("audit verify --json run.audit").json().remove(0)
}

#[test]
fn a_file_as_it_was_written_verifies_and_its_head_pins_it() {
    let (folder, head) = audited("");
    let line = verdict(&folder);
    assert_eq!((&line["verified"], &line["head"], &line["faults"]), (&json!(true), &json!(head), &json!([])));
    let shown = folder.cli("audit verify run.audit").exits(0).stdout;
    assert!(shown.contains(&head), "{shown}");
    folder.cli(&format!("audit verify run.audit --head {head}")).exits(0);
    let other = format!("audit verify run.audit --head {}", "0".repeat(64));
    let shown = folder.cli(&other).exits(1).stdout;
    assert!(shown.contains("wrong-head"), "{shown}");
}

#[test]
fn an_altered_file_is_not_verified() {
    let (folder, _) = audited("");
    let good = fs::read(folder.path("run.audit")).unwrap();
    let lines: Vec<&[u8]> = good.split_inclusive(|byte| *byte == b'\n').collect();
    let middle = lines.len() / 2;
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    let swapped = {
        let mut lines = lines.clone();
        lines.swap(middle, middle + 1);
        lines.concat()
    };
    for (altered, code) in [
        (flipped, None),
        (lines[..lines.len() - 1].concat(), Some("seal-missing")),
        ([&lines[..middle], &lines[middle + 1..]].concat().concat(), Some("wrong-link")),
        (swapped, Some("wrong-sequence")),
        ([good.as_slice(), b"\n"].concat(), Some("after-seal")),
        (Vec::new(), Some("empty")),
    ] {
        fs::write(folder.path("run.audit"), altered).unwrap();
        let ran = folder.cli("audit verify --json run.audit").exits(1);
        let line = ran.json().remove(0);
        assert_eq!((&line["verified"], &line["records"], &line["head"]), (&json!(false), &Value::Null, &Value::Null));
        let faults = line["faults"].as_array().unwrap();
        assert!(!faults.is_empty());
        if let Some(code) = code {
            assert!(faults.iter().any(|fault| fault["code"] == code), "{code}: {line}");
        }
        let shown = folder.cli("audit verify run.audit").exits(1).stdout;
        assert!(shown.contains(faults[0]["code"].as_str().unwrap()), "{shown}");
        folder.cli("audit recompute run.audit").exits(1);
    }
}

#[test]
fn every_decision_is_recomputed_and_lost_evidence_is_missed() {
    let (folder, head) = audited("");
    let line = folder.cli("audit recompute --json run.audit").exits(0).json().remove(0);
    assert_eq!((&line["recomputed"], &line["differences"], &line["head"]), (&json!(true), &json!(0), &json!(head)));
    assert!(line["findings"].as_u64().unwrap() > 0 && line["decisions"].as_u64() > line["findings"].as_u64());

    let records = ndjson(&folder.read("run.audit"));
    let finding = records.iter().find(|record| record["type"] == "finding").unwrap();
    let bundle = finding["bundle"].as_str().unwrap();
    fs::remove_file(folder.path("run.audit.bundles").join(bundle)).unwrap();
    folder.cli("audit verify run.audit").exits(0);
    let lines = folder.cli("audit recompute --json run.audit").exits(1).json();
    assert_eq!(lines.last().unwrap()["recomputed"], false);
    assert_eq!(lines[0]["type"], "difference");
    let shown = folder.cli("audit recompute run.audit").exits(1).stdout;
    assert!(shown.contains(lines[0]["what"].as_str().unwrap()), "{shown}");
}

#[test]
fn a_key_of_the_operators_makes_digests_private() {
    let (folder, public) = audited("");
    folder.write("key", [7; 32]);
    let ran = folder.cli(REPLAY).exits(0);
    assert!(ran.stderr.contains("aren't private") && ran.stderr.contains("--audit-key"), "{}", ran.stderr);
    let ran = folder.cli(&format!("{REPLAY} --audit-key key")).exits(0);
    assert_eq!(ran.stderr, "");
    let private = ran.json().last().unwrap()["head"].clone();
    assert_ne!(private, json!(public));

    folder.cli("audit verify run.audit").exits(0);
    folder.cli("audit recompute run.audit --audit-key key").exits(0);
    let ran = folder.cli("audit recompute run.audit").exits(2);
    assert!(ran.stderr.contains("--audit-key"), "{}", ran.stderr);
}

#[test]
fn only_an_audit_file_is_replaced() {
    let (folder, head) = audited("");
    let again = folder.cli(REPLAY).exits(0);
    assert_eq!(again.json().last().unwrap()["head"], json!(head));
    folder.write("run.audit", "something of mine\n");
    let ran = folder.cli(REPLAY).exits(2);
    assert!(ran.stderr.contains("name another file"), "{}", ran.stderr);
    assert_eq!(folder.read("run.audit"), "something of mine\n");
}
