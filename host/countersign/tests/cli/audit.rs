//! `audit verify` and `audit recompute`, over the files and stores that `replay` writes.

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
        let named = if line["interrupted"] == true { "interrupted" } else { faults[0]["code"].as_str().unwrap() };
        assert!(shown.contains(named), "{shown}");
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
fn evidence_is_verified_when_asked_for() {
    let (folder, head) = audited("");
    let records = ndjson(&folder.read("run.audit"));
    let finding = records.iter().find(|record| record["type"] == "finding").unwrap();
    let line = verdict(&folder);
    assert_eq!(line["blobs"], Value::Null);
    let line = folder.cli("audit verify run.audit --evidence --json").exits(0).json().remove(0);
    let blobs = fs::read_dir(folder.path("run.audit.bundles")).unwrap().count();
    assert_eq!((&line["verified"], &line["head"], &line["blobs"]), (&json!(true), &json!(head), &json!(blobs)));
    let shown = folder.cli("audit verify run.audit --evidence").exits(0).stdout;
    assert!(shown.contains(&format!("{blobs} blobs, each as it was written")), "{shown}");

    // A key of one's own is needed for that, and for nothing else.
    folder.write("key", [7; 32]);
    let ran = folder.cli("audit verify run.audit --evidence --audit-key key").exits(2);
    assert!(ran.stderr.contains("under the documented key"), "{}", ran.stderr);
    folder.cli("audit verify run.audit --audit-key key").exits(2);

    // The call that findings share, and a finding's own bundle.
    for member in ["call", "bundle"] {
        let name = finding[member].as_str().unwrap();
        let path = folder.path("run.audit.bundles").join(name);
        let whole = fs::read(&path).unwrap();
        for (bytes, code) in [(Some(&b"{}"[..]), "blob-changed"), (None, "blob-missing")] {
            match bytes {
                Some(bytes) => fs::write(&path, bytes).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let line = folder.cli("audit verify run.audit --evidence --json").exits(1).json().remove(0);
            assert_eq!((&line["verified"], &line["blobs"]), (&json!(false), &Value::Null));
            assert_eq!((&line["faults"][0]["code"], &line["faults"][1]), (&json!(code), &Value::Null), "{line}");
            assert!(line["faults"][0]["expected"].as_str().unwrap().contains(name), "{line}");
            let shown = folder.cli("audit verify run.audit --evidence").exits(1).stdout;
            assert!(shown.contains("not verified") && shown.contains(code), "{shown}");
            folder.cli("audit verify run.audit").exits(0);
            let shown = folder.cli("audit recompute run.audit").exits(1).stdout;
            assert!(shown.contains(&format!("finding {member}")), "{shown}");
        }
        fs::write(&path, whole).unwrap();
    }
    stored(&folder);
    let line = folder.cli("audit verify run.db --evidence --json").exits(0).json().remove(0);
    assert_eq!(line["blobs"], json!(blobs));
}

#[test]
fn a_key_of_the_operators_makes_digests_private() {
    let (folder, public) = audited("");
    folder.write("key", [7; 32]);
    let ran = folder.cli(&format!("{REPLAY} --replace")).exits(0);
    assert!(ran.stderr.contains("aren't private") && ran.stderr.contains("--audit-key"), "{}", ran.stderr);
    let ran = folder.cli(&format!("{REPLAY} --replace --audit-key key")).exits(0);
    assert!(!ran.stderr.contains("aren't private"), "{}", ran.stderr);
    let private = ran.json().last().unwrap()["head"].clone();
    assert_ne!(private, json!(public));

    folder.cli("audit verify run.audit").exits(0);
    folder.cli("audit verify run.audit --evidence --audit-key key").exits(0);
    folder.cli("audit recompute run.audit --audit-key key").exits(0);
    let ran = folder.cli("audit recompute run.audit").exits(2);
    assert!(ran.stderr.contains("--audit-key"), "{}", ran.stderr);
}

#[test]
fn only_an_audit_file_is_replaced() {
    let (folder, head) = audited("");
    let again = folder.cli(&format!("{REPLAY} --replace")).exits(0);
    assert_eq!(again.json().last().unwrap()["head"], json!(head));
    folder.write("run.audit", "something of mine\n");
    let ran = folder.cli(&format!("{REPLAY} --replace")).exits(2);
    assert!(ran.stderr.contains("name another file"), "{}", ran.stderr);
    assert_eq!(folder.read("run.audit"), "something of mine\n");
}

/// The same run in a store.
fn stored(folder: &Folder) {
    folder.cli(&REPLAY.replace("--audit run.audit", "--store run.db")).exits(0);
}

#[test]
fn a_store_verifies_and_has_the_head_of_its_export() {
    let (folder, head) = audited("");
    stored(&folder);
    let line = folder.cli("audit verify run.db --json").exits(0).json().remove(0);
    assert_eq!((&line["verified"], &line["head"], &line["store"]), (&json!(true), &json!(head), &json!(true)));
    assert_eq!((&line["finished"], &line["interrupted"]), (&json!(true), &json!(false)));
    assert_eq!((&line["records"], &line["records_hold"]), (&verdict(&folder)["records"], &line["records"]));
    let shown = folder.cli("audit verify run.db").exits(0).stdout;
    assert!(shown.contains("all records of the store run.db hold") && shown.contains(&head), "{shown}");
    folder.cli(&format!("audit verify run.db --head {head}")).exits(0);
    let other = folder.cli(&format!("audit verify run.db --head {}", "0".repeat(64))).exits(1).stdout;
    assert!(other.contains("wrong-head"), "{other}");

    let line = folder.cli("audit recompute run.db --json").exits(0).json().remove(0);
    assert_eq!((&line["recomputed"], &line["head"]), (&json!(true), &json!(head)));

    crate::export::unfinish(&folder, "run.db");
    let shown = folder.cli("audit verify run.db").exits(0).stdout;
    assert!(shown.contains("not finished"), "{shown}");
    folder.cli("audit recompute run.db").exits(0);
}

#[test]
fn a_store_that_was_changed_does_not_verify() {
    let (folder, _) = audited("");
    stored(&folder);
    let good = fs::read(folder.path("run.db")).unwrap();
    // A line's bytes are as they are in the file.
    let file = folder.read("run.audit");
    let line = file.lines().find(|line| line.contains("\"decision\"")).unwrap();
    let place = good.windows(line.len()).position(|bytes| bytes == line.as_bytes()).unwrap();
    let mut bad = good.clone();
    bad[place + line.len() - 10] ^= 1;
    fs::write(folder.path("run.db"), &bad).unwrap();
    let line = folder.cli("audit verify run.db --json").exits(1).json().remove(0);
    assert_eq!((&line["verified"], &line["store"]), (&json!(false), &json!(true)));
    assert!(!line["faults"].as_array().unwrap().is_empty());
    folder.cli("audit recompute run.db").exits(1);
    // A page of the database that was cut off.
    fs::write(folder.path("run.db"), &good[..good.len() / 2]).unwrap();
    let ran = folder.cli("audit verify run.db --json").exits(1);
    assert_eq!(ran.json()[0]["faults"][0]["code"], "damaged", "{}", ran.stderr);
    assert!(folder.cli("audit verify run.db").exits(1).stdout.contains("not verified"));
}

#[test]
fn a_line_that_was_changed_is_named() {
    let (folder, _) = audited("");
    let file = folder.read("run.audit");
    let lines: Vec<&str> = file.lines().collect();
    for place in [1, lines.len() / 2, lines.len() - 2] {
        let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let digit = changed[place].rfind(|c: char| c.is_ascii_digit()).unwrap();
        let other = if &changed[place][digit..=digit] == "3" { "4" } else { "3" };
        changed[place].replace_range(digit..=digit, other);
        folder.write("run.audit", changed.join("\n") + "\n");
        let line = folder.cli("audit verify run.audit --json").exits(1).json().remove(0);
        let fault = &line["faults"][0];
        assert_eq!((&fault["line"], &fault["code"]), (&json!(place + 1), &json!("changed")), "{line}");
        let shown = folder.cli("audit verify run.audit").exits(1).stdout;
        assert!(shown.contains(&format!("line {} was changed", place + 1)), "{shown}");
    }
}

#[test]
fn a_file_without_a_seal_is_told_from_one_that_was_changed() {
    let (folder, _) = audited("");
    let file = folder.read("run.audit");
    let lines: Vec<&str> = file.split_inclusive('\n').collect();
    let first = lines[..12].concat();
    for (content, torn) in [(first.clone(), ""), (format!("{first}{}", &lines[12][..40]), "40 bytes of a record")] {
        folder.write("run.audit", content);
        let line = folder.cli("audit verify run.audit --json").exits(1).json().remove(0);
        assert_eq!((&line["interrupted"], &line["records_hold"]), (&json!(true), &json!(12)));
        assert_eq!((&line["verified"], &line["finished"]), (&json!(false), &Value::Null));
        assert_eq!(line["faults"][0]["code"], "seal-missing");
        let shown = folder.cli("audit verify run.audit").exits(1).stdout;
        for part in ["interrupted, 12 records hold", torn, "audit list run.audit", "--replace", "--store"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        let shown = folder.cli("audit recompute run.audit").exits(1).stdout;
        assert!(shown.contains("interrupted, 12 records hold"), "{shown}");
    }
}

#[test]
fn what_differs_by_version_alone_exits_with_three_unless_accepted() {
    let folder = Folder::new();
    folder.copy("tests/fixtures/audit/9f64855", ".");
    folder.cli("audit verify run.audit").exits(0);
    let lines = folder.cli("audit recompute run.audit --json").exits(3).json();
    let last = lines.last().unwrap();
    assert_eq!((&last["recomputed"], &last["accepted"]), (&json!(false), &json!(false)));
    assert_eq!((&last["by_version"], &last["differences"]), (&last["differences"], &json!(lines.len() - 1)));
    assert_eq!(last["versions"][0]["what"], "gate");
    assert!(lines[0]["cause"] == "gate-version" && lines[0]["explanation"].is_string(), "{}", lines[0]);
    let shown = folder.cli("audit recompute run.audit").exits(3).stdout;
    for part in ["differs by version", "gate-version", "--accept-versions", lines[0]["explanation"].as_str().unwrap()] {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(&shown).contains(&words(part)), "{part}: {shown}");
    }
    let accepted = folder.cli("audit recompute run.audit --accept-versions").exits(0).stdout;
    assert!(accepted.contains("by version, accepted"), "{accepted}");
    let last = folder.cli("audit recompute run.audit --accept-versions --json").exits(0).json().pop().unwrap();
    assert_eq!((&last["recomputed"], &last["accepted"]), (&json!(false), &json!(true)));

    // What no version explains isn't accepted.
    let bundles = folder.path("run.audit.bundles");
    let records = ndjson(&folder.read("run.audit"));
    let finding = records.iter().find(|record| record["type"] == "finding").unwrap();
    fs::remove_file(bundles.join(finding["bundle"].as_str().unwrap())).unwrap();
    let shown = folder.cli("audit recompute run.audit --accept-versions").exits(1).stdout;
    assert!(shown.contains("not recomputed") && shown.contains("by version"), "{shown}");
}

#[test]
fn former_names_are_gone() {
    let folder = Folder::new();
    folder.cli("audit replay run.audit").exits(2);
    folder.cli("audit recompute --all run.audit").exits(2);
}
