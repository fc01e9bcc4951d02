//! `state show` and `state list`: what a rule keeps in a store.

use serde_json::{Value, json};

use crate::support::{Folder, of_type};

const FACTORS: &str = "countersign/mfa-factor-reset-without-enrolment";

/// A run in `run.db` after which a rule waits: a second factor was reset, and nobody has enrolled another yet.
fn waiting() -> Folder {
    let folder = Folder::new();
    folder.shipped(&["mfa-factor-reset-without-enrolment", "burst-of-denied-calls"]);
    folder.copy("rules/mfa-factor-reset-without-enrolment/cases/not-yet", "case");
    folder.cli("replay --source okta --only-rules rules --store run.db case/events.ndjson").exits(0);
    folder
}

/// The key for which the rule waits.
fn key(folder: &Folder) -> String {
    let lines = folder.cli(&format!("state list {FACTORS} --store run.db --json")).exits(0).json();
    of_type(&lines, "listed-timer")[0]["key"].as_str().unwrap().to_owned()
}

#[test]
fn the_state_and_the_timers_of_a_key_are_shown() {
    let folder = waiting();
    let key = key(&folder);
    let line = folder.cli(&format!("state show {FACTORS} {key} --store run.db --json")).exits(0).json().remove(0);
    assert_eq!((&line["rule"], &line["key"], &line["partition_key"]), (&json!(FACTORS), &json!(key), &json!("target")));
    let slot = &line["slots"][0];
    assert_eq!((&slot["slot"], &slot["state"]["version"]), (&json!("reset"), &json!(1)));
    let event = slot["state"]["kept"][0]["event_id"].as_str().unwrap();
    let timer = &line["timers"][0];
    assert_eq!((&timer["id"], &timer["event"]["id"]), (&json!("nobody-enrolled"), &json!(event)));

    let shown = folder.cli(&format!("state show {FACTORS} {key} --store run.db")).exits(0).stdout;
    let bytes = slot["state"]["blob"].as_str().unwrap();
    let dumped = format!("0000  {} {} ", &bytes[..2], &bytes[2..4]);
    for part in
        ["slot `reset`", &dumped, event, "nobody-enrolled", "user.mfa.factor.reset_all", timer["at"].as_str().unwrap()]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // The reset is later than the last tick, or the same as there.
    assert_eq!(slot["changed_since_tick"] == true, shown.contains("at the last tick"), "{shown}");
    // By its name alone.
    let again = folder.cli(&format!("state show mfa-factor-reset-without-enrolment {key} --store run.db")).exits(0);
    assert_eq!(again.stdout, shown);
}

#[test]
fn the_keys_of_a_rule_are_listed() {
    let folder = Folder::new();
    folder.prepare("");
    folder.cli("replay --source cloudtrail --only-rules rules --store run.db events.ndjson").exits(0);
    let list = |more: &str| folder.cli(&format!("state list burst-of-denied-calls --store run.db {more}")).exits(0);
    let all = list("--json").json();
    assert!(all.len() > 2 && all.iter().all(|line| line["type"] == "listed-state"), "{all:?}");
    let key = |line: &Value| line["key"].as_str().unwrap().to_owned();
    let shown = list("").stdout;
    assert!(all.iter().all(|line| shown.contains(&key(line))), "{shown}");
    assert!(shown.contains(&format!("{} lines", all.len())), "{shown}");
    let one = list(&format!("--json --match {}", key(&all[1]).to_lowercase())).json();
    assert_eq!(one, [all[1].clone()]);
    assert_eq!(list("--json --limit 2").json(), all[..2]);
    assert!(list("--limit 2").stdout.contains("the first 2 lines"));
    assert!(list("--match nobody").stdout.contains("keeps nothing that matches"));

    // What a key that has nothing shows is where to look.
    let ran = folder.cli("state show burst-of-denied-calls nobody --store run.db").exits(1);
    assert!(ran.stdout.contains(": nothing") && ran.stdout.contains(&key(&all[0])), "{}", ran.stdout);
    let part = key(&all[2]).split_off(10);
    let ran = folder.cli(&format!("state show burst-of-denied-calls {part} --store run.db")).exits(1);
    let first = ran.stdout.lines().find(|line| line.contains("keys  ")).unwrap();
    assert!(first.contains(&key(&all[2])), "{}", ran.stdout);
    let line = folder.cli("state show burst-of-denied-calls nobody --store run.db --json").exits(1).json().remove(0);
    assert_eq!((&line["slots"], &line["timers"]), (&json!([]), &json!([])));
}

#[test]
fn a_rule_that_did_not_judge_is_refused_with_the_nearest() {
    let folder = waiting();
    for (rule, part) in [
        ("countersign/burst-of-denied-cals", "did you mean `countersign/burst-of-denied-calls`?"),
        ("burst-of-denied", "did you mean `burst-of-denied-calls`?"),
        ("zebra", FACTORS),
    ] {
        for words in [format!("state show {rule} x"), format!("state list {rule}")] {
            let ran = folder.cli(&format!("{words} --store run.db")).exits(2);
            assert!(ran.stderr.contains(part), "{words}: {}", ran.stderr);
        }
    }
    folder.write("run.audit", "{\"seq\":0}\n");
    let ran = folder.cli("state list burst-of-denied-calls --store run.audit").exits(2);
    assert!(ran.stderr.contains("expected a store at `run.audit`"), "{}", ran.stderr);
}
