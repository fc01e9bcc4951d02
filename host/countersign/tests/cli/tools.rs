//! `rule new`, `explain`, `bench` and `repro`: the tools of rule authors.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Folder, of_type, shipped};

/// The SDK of this project.
fn sdk() -> String {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest-sdk/sdk");
    sdk.to_str().unwrap().to_owned()
}

#[test]
fn new_rules_of_both_kinds_pass_their_cases_at_once() {
    let folder = Folder::new();
    let sdk = sdk();
    let made = folder.run(&["rule", "new", "first-sign-in", "--kind", "detection", "--sdk", &sdk]).exits(0);
    assert!(made.stdout.contains("countersign rule test first-sign-in"), "{}", made.stdout);
    // With a folder `rules` it lands there; with a publisher, under their name.
    std::fs::create_dir(folder.path("rules")).unwrap();
    folder.run(&["rule", "new", "acme/quiet-hours", "--kind", "response", "--sdk", &sdk]).exits(0);
    let ran = folder.cli("rule test first-sign-in rules/quiet-hours").exits(0);
    for part in [
        "passed  local/first-sign-in  a-user-stays-quiet",
        "passed  local/first-sign-in  root-signs-in",
        "passed  acme/quiet-hours  a-stolen-session",
        "passed  acme/quiet-hours  merely-named",
        "4 cases: 4 passed, 0 failed",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
}

/// Finds the first row of each call, whatever it is: what a call's memory is for one moment mustn't show.
const FIRST_OF_A_CALL: &str = "
use std::sync::atomic::{AtomicBool, Ordering};

use countersign_sdk::prelude::*;

countersign_sdk::rule!();

static SEEN: AtomicBool = AtomicBool::new(false);

#[detection]
fn detect(_: &Event, cx: &mut Context) {
    if !SEEN.swap(true, Ordering::Relaxed) {
        cx.report(Finding::new(class::SignIn, 75).severity(Severity::High).message(format!(\"the first\")));
    }
}
";

#[test]
fn test_names_the_batch_and_the_order_by_which_a_rule_finds_something_else() {
    let folder = Folder::new();
    folder.run(&["rule", "new", "first", "--kind", "detection", "--sdk", &sdk()]).exits(0);
    folder.write("first/src/lib.rs", FIRST_OF_A_CALL);
    let declared = folder.read("first/rule.toml");
    folder.write("first/rule.toml", format!("partition-key = \"actor\"\n{declared}"));
    for case in ["root-signs-in", "a-user-stays-quiet"] {
        std::fs::remove_dir_all(folder.path(&format!("first/cases/{case}"))).unwrap();
    }
    // The first event brings the first tick and stays where it is, so it is one that the rule doesn't want.
    let event = |number: u32, outcome: &str| {
        format!(
            r#"{{"eventVersion":"1.08","eventID":"e-{number}","eventTime":"2026-03-02T09:00:0{number}Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","recipientAccountId":"111122223333","userIdentity":{{"type":"IAMUser","principalId":"AIDAEXAMPLEEXAMPLE00{number}","accountId":"111122223333","arn":"arn:aws:iam::111122223333:user/u{number}"}},"responseElements":{{"ConsoleLogin":"{outcome}"}}}}"#
        )
    };
    let events = [event(1, "Failure"), event(2, "Success"), event(3, "Success")].join("\n");
    folder.write("first/cases/one/events.ndjson", events);
    let expected = "source = \"cloudtrail\"\n[[finding]]\nevent = \"e-2\"\nclass = \"sign-in\"\nrole = \"actor\"\n\
                    account = \"aws:111122223333:AIDAEXAMPLEEXAMPLE002\"\nconfidence = [75, 75]\n";
    folder.write("first/cases/one/expect.toml", expected);
    let ran = folder.cli("rule test first").exits(1);
    for part in [
        "failed  local/first  one",
        "in batches of 1, not of 256: only there: sign-in about the actor `aws:111122223333:AIDAEXAMPLEEXAMPLE003`",
        "with unrelated keys in another order (`e-3` before `e-2`, 2 events moved): missing: sign-in",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("in batches of 7"), "three rows are one call then as before: {}", ran.stdout);
}

#[test]
fn new_refuses_what_it_cannot_make_and_leaves_nothing_behind() {
    let folder = Folder::new();
    let sdk = sdk();
    for name in ["Upper", "with blank", "9first", "a/b/c", "../up", "", "x\u{1b}[2J", "a\" # "] {
        let ran = folder.run(&["rule", "new", name, "--kind", "detection", "--sdk", &sdk]).exits(2);
        assert!(ran.stderr.contains("can't be a rule's name"), "{name}: {}", ran.stderr);
    }
    let ran = folder.run(&["rule", "new", "mine", "--kind", "detection", "--sdk", "nowhere"]).exits(2);
    assert!(ran.stderr.contains("nowhere") && ran.stderr.contains("countersign-sdk"), "{}", ran.stderr);
    let ran = folder.cli("rule new mine --kind detection").exits(2);
    assert!(ran.stderr.contains("--sdk"), "{}", ran.stderr);
    folder.cli("rule new mine --kind alert").exits(2);
    assert_eq!(std::fs::read_dir(folder.path("")).unwrap().count(), 0);

    folder.write("mine/notes.txt", "kept");
    let ran = folder.run(&["rule", "new", "mine", "--kind", "response", "--sdk", &sdk]).exits(2);
    assert!(ran.stderr.contains("exists already"), "{}", ran.stderr);
    assert_eq!(folder.read("mine/notes.txt"), "kept");
    assert_eq!(std::fs::read_dir(folder.path("mine")).unwrap().count(), 1);
}

/// A rule's folder in this project.
fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules").join(name)
}

/// A case of a rule of this project.
fn case(rule: &str, case: &str) -> String {
    source(rule).join("cases").join(case).to_str().unwrap().to_owned()
}

const SIGN_IN: &str = "countersign/console-login-without-mfa";
const BURST: &str = "countersign/burst-of-denied-calls";

#[test]
fn explain_shows_why_an_event_was_found_or_not() {
    let folder = Folder::new();
    let case = case("console-login-without-mfa", "password-alone");
    let found =
        folder.run(&["rule", "explain", SIGN_IN, "086f3c44-7b04-4b39-a79f-10c9d82fbe75", "--case", &case]).exits(0);
    for part in [
        "on time",
        "authentication, which the rule wants",
        "yes  all of",
        "yes    is_mfa is false  ← false",
        "call for the event",
        "actor.user.type",
        "answered",
        "found: sign-in with confidence",
    ] {
        assert!(found.stdout.contains(part), "{part}: {}", found.stdout);
    }
    let failed =
        folder.run(&["rule", "explain", SIGN_IN, "9572d9e0-bf38-42f3-a4c4-aa982fa7e07a", "--case", &case]).exits(1);
    for part in [
        "no   all of",
        "yes    api.operation is `ConsoleLogin`",
        "no     status_id is 1  ← 2",
        "the rule's `where` doesn't match it",
    ] {
        assert!(failed.stdout.contains(part), "{part}: {}", failed.stdout);
    }
    assert!(!failed.stdout.contains("call for"), "{}", failed.stdout);
    let missing = folder.run(&["rule", "explain", SIGN_IN, "no-such-event", "--case", &case]).exits(2);
    assert!(missing.stderr.contains("expected the id of one of"), "{}", missing.stderr);
    folder.run(&["rule", "explain", "countersign/no-such-rule", "e", "--case", &case]).exits(2);
    folder.run(&["rule", "explain", SIGN_IN, "e"]).exits(2);
}

#[test]
fn explain_without_an_event_lists_those_it_has_and_the_wanted_first() {
    let folder = Folder::new();
    let case = case("console-login-without-mfa", "password-alone");
    let listed = folder.run(&["rule", "explain", SIGN_IN, "--case", &case, "--json"]).exits(0).json();
    assert!(listed.iter().all(|line| line["type"] == "listed-event"));
    let wanted = |line: &&Value| line["wanted"] == true;
    let (yes, no) = (listed.iter().filter(wanted).count(), listed.iter().filter(|line| !wanted(line)).count());
    assert!(yes > 0 && no > 0, "{listed:?}");

    let shown = folder.run(&["rule", "explain", SIGN_IN, "--case", &case]).exits(0).stdout;
    let rows: Vec<&str> = shown.lines().skip(2).take(yes + no).map(str::trim_end).collect();
    assert!(rows[..yes].iter().all(|row| row.ends_with("yes")), "{shown}");
    assert!(rows[yes..].iter().all(|row| row.ends_with("no")), "{shown}");
    assert!(shown.contains(&format!("{yes} events that it wants, {no} others")), "{shown}");
    for line in &listed {
        let (id, operation) = (line["event_id"].as_str().unwrap(), line["operation"].as_str().unwrap());
        assert!(rows.iter().any(|row| row.starts_with(id) && row.contains(operation)), "{line}");
    }

    let events = Path::new(&case).join("events.ndjson").to_str().unwrap().to_owned();
    let id = listed[0]["event_id"].as_str().unwrap();
    let part = &id[4..20];
    let one = folder.run(&["rule", "explain", SIGN_IN, "--match", part, "--json", "--events", &events]).exits(0).json();
    assert_eq!(one, &listed[..1]);
    let none = folder.run(&["rule", "explain", SIGN_IN, "--match", "nothing-like-it", "--case", &case]).exits(2);
    assert!(none.stderr.contains("got none that matches among"), "{}", none.stderr);
    let both = folder.run(&["rule", "explain", SIGN_IN, id, "--match", "x", "--case", &case]).exits(2);
    assert!(both.stderr.contains("cannot be used with"), "{}", both.stderr);
}

#[test]
fn explain_shows_state_as_it_was_and_the_ways_of_records_that_are_not_judged() {
    let folder = Folder::new();
    let case = case("burst-of-denied-calls", "sessions-of-one-role-together");
    let events = std::fs::read_to_string(Path::new(&case).join("events.ndjson")).unwrap();
    let first: Value = serde_json::from_str(events.lines().next().unwrap()).unwrap();
    let first_id = first["eventID"].as_str().unwrap();
    // The first record once more, and one that is no event.
    let copy = events.lines().next().unwrap();
    folder.write("logs.ndjson", format!("{events}{copy}\n{{\"eventID\":\"broken-1\",\"eventVersion\":\"1.08\"}}\n"));
    folder.write("rule.wasm", shipped("burst-of-denied-calls"));

    let id = "6e007913-3fd8-47b2-b33e-fa7540d8bd5f";
    let ran = folder.run(&["rule", "explain", "rule.wasm", id, "--events", "logs.ndjson", "--json"]).exits(0);
    let lines = ran.json();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((&line["type"], &line["rule"], &line["found"]), (&json!("rule-explain"), &json!(BURST), &json!(true)));
    let event = &line["sightings"][0];
    assert_eq!((&event["what"], &event["where_holds"], &event["late"]), (&json!("event"), &json!(true), &json!(false)));
    let call = &event["calls"][0];
    assert_ne!(call["state"][0]["blobs"], "", "nine denials went before");
    assert_ne!(call["answer"]["states"][0]["blobs"], call["state"][0]["blobs"]);
    assert!(call["fuel"].as_u64().unwrap() > 0 && call["memory"].as_u64().unwrap() > 0, "{call}");
    assert_eq!(call["shown"]["api.operation"].as_str().map(str::is_empty), Some(false));
    assert_eq!(event["calls"].as_array().unwrap().len(), 1, "the second call of a finding is the same");

    let again =
        folder.run(&["rule", "explain", BURST, first_id, "--events", "logs.ndjson", "--source", "cloudtrail"]).exits(1);
    assert!(again.stdout.contains("it was delivered before with the same content"), "{}", again.stdout);
    let broken = folder
        .run(&["rule", "explain", BURST, "broken-1", "--events", "logs.ndjson", "--source", "cloudtrail"])
        .exits(2);
    assert!(broken.stderr.contains("contains that text, and can't become an event"), "{}", broken.stderr);
}

#[test]
fn explain_follows_the_timers_that_an_event_set() {
    let folder = Folder::new();
    let explained = |name: &str| {
        let case = case("mfa-factor-reset-without-enrolment", name);
        let events = std::fs::read_to_string(Path::new(&case).join("events.ndjson")).unwrap();
        let reset = events.lines().find(|line| line.contains("user.mfa.factor.reset_all")).unwrap();
        let reset: Value = serde_json::from_str(reset).unwrap();
        let id = reset["uuid"].as_str().unwrap().to_owned();
        folder.run(&["rule", "explain", "countersign/mfa-factor-reset-without-enrolment", &id, "--case", &case])
    };
    let nobody = explained("reset-without-enrolment").exits(0).stdout;
    for part in [
        "timer                `nobody-enrolled` set for 2026-03-04T08:10:00Z",
        "call for the timer `nobody-enrolled` set for 2026-03-04T08:10:00Z",
        "so  found: credential with confidence",
    ] {
        assert!(nobody.contains(part), "{part}: {nobody}");
    }
    // Who enrolled in time cancelled it: the event set a timer, and it never came.
    let enrolled = explained("a-lost-phone").exits(1).stdout;
    assert!(enrolled.contains("`nobody-enrolled` set for") && !enrolled.contains("call for the timer"), "{enrolled}");
}

#[test]
fn bench_holds_what_calls_use_against_what_is_declared() {
    let folder = Folder::new();
    folder.write("rule.wasm", shipped("burst-of-denied-calls"));
    let events = case("burst-of-denied-calls", "stolen-key-amid-others") + "/events.ndjson";
    let arguments = ["rule", "bench", "rule.wasm", "--events", &events, "--rows", "64"];
    let ran = folder.run(&[&arguments[..], &["--json"]].concat()).exits(0);
    let lines = ran.json();
    let sizes = of_type(&lines, "rule-bench");
    assert_eq!(sizes.iter().map(|one| one["batch"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 16, 256, 1_024]);
    for size in &sizes {
        for figure in ["calls", "fuel_median", "fuel_most", "fuel_of_call", "memory", "output"] {
            assert!(size[figure].as_u64().unwrap() > 0, "{figure}: {size}");
        }
        assert!(size["fuel_median"].as_u64() <= size["fuel_most"].as_u64(), "{size}");
        assert!(size["state"][0].as_u64().unwrap() > 0, "{size}");
    }
    let fuel = |size: &Value| size["fuel_median"].as_u64().unwrap();
    assert!(fuel(sizes[2]) < fuel(sizes[0]), "a call's own cost is shared: {sizes:?}");
    // Another run says the same of all but time.
    let again = folder.run(&[&arguments[..], &["--json"]].concat()).exits(0).json();
    for (a, b) in sizes.iter().zip(of_type(&again, "rule-bench")) {
        for figure in ["calls", "fuel_median", "fuel_most", "memory", "output", "state", "failures"] {
            assert_eq!(a[figure], b[figure], "{figure}");
        }
    }
    let shown = folder.run(&arguments).exits(0).stdout;
    assert!(shown.contains("rows a call") && shown.contains("declared"), "{shown}");

    let response = case("graduated-containment", "");
    let ran = folder.run(&["rule", "bench", "countersign/graduated-containment", "--cases", &response]).exits(0);
    assert!(ran.stdout.contains("incidents repeated"), "{}", ran.stdout);
    // No cases beside a component, and no event that the rule wants.
    folder.cli("rule bench rule.wasm").exits(2);
    folder.write("none.ndjson", "");
    folder.cli("rule bench rule.wasm --events none.ndjson").exits(2);
}

/// A folder `rules/NAME` with a copy of a rule of this project that can be built there, without its cases.
pub(crate) fn copied(folder: &Folder, name: &str) {
    folder.write(&format!("rules/{name}/rule.toml"), std::fs::read(source(name).join("rule.toml")).unwrap());
    folder.copy(&format!("rules/{name}/src"), &format!("rules/{name}/src"));
    let manifest = std::fs::read_to_string(source(name).join("Cargo.toml")).unwrap();
    let package = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         countersign-sdk = {{ path = {:?} }}\n\n[workspace]\n",
        sdk()
    );
    assert!(manifest.contains("countersign-sdk"));
    folder.write(&format!("rules/{name}/Cargo.toml"), package);
}

/// Two findings of a row: their call is on record once, and each is made a case of.
#[test]
fn repro_makes_cases_of_findings_that_share_their_call() {
    let folder = Folder::new();
    copied(&folder, "console-login-without-mfa");
    // Nobody signed it.
    let declared = folder.read("rules/console-login-without-mfa/rule.toml");
    folder.write("rules/console-login-without-mfa/rule.toml", declared.replace("id = \"countersign/", "id = \"local/"));
    let path = "rules/console-login-without-mfa/src/lib.rs";
    let code = folder.read(path);
    let another = "cx.report(Finding::new(class::SignIn, 60).about(Role::Actor).message(\"a password alone\"))";
    let twice = code.replace("cx.report(finding);", &format!("cx.report(finding);\n    {another};"));
    folder.write(path, twice.replace("#[cfg(test)]\n#[path = \"../tests/unit/mod.rs\"]\nmod tests;\n", ""));
    folder.cli("rule build rules --out on").exits(0);
    let events =
        std::fs::read_to_string(case("console-login-without-mfa", "password-alone") + "/events.ndjson").unwrap();
    folder.write("logs.ndjson", events);
    folder.cli("replay --source cloudtrail --only-rules on --audit run.audit logs.ndjson").exits(0);
    let listed = folder.cli("audit list run.audit --type finding --json").exits(0).json();
    let [first, second, ..] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!(first["call"], second["call"]);
    assert_ne!(first["bundle"], second["bundle"]);
    for finding in [first, second] {
        let ran = folder.cli(&format!("rule repro run.audit {}", finding["seq"])).exits(0);
        assert!(ran.stdout.contains("the finding is reproduced"), "{}", ran.stdout);
    }
    let call = first["call"].as_str().unwrap();
    std::fs::remove_file(folder.path("run.audit.bundles").join(call)).unwrap();
    let ran = folder.cli(&format!("rule repro run.audit {} --name again", first["seq"])).exits(2);
    assert!(ran.stderr.contains(call), "{}", ran.stderr);
}

/// What in a case must not be there of the records that it was made of.
fn no_name_is_left(case: &str) {
    for secret in ["bela.bauer", "203.0.113.77", "AIDAM6IPTGQEDJEXAMPLE", "086f3c44", "2026-03-04T09", "Firefox"] {
        assert!(!case.contains(secret), "{secret}: {case}");
    }
}

#[test]
fn repro_makes_a_case_of_a_finding_by_its_bundle_or_by_records() {
    let folder = Folder::new();
    copied(&folder, "console-login-without-mfa");
    folder.write("on/sign-in.wasm", shipped("console-login-without-mfa"));
    // The address isn't one for documentation here, so that it can be part from what stands for it.
    let events =
        std::fs::read_to_string(case("console-login-without-mfa", "password-alone") + "/events.ndjson").unwrap();
    folder.write("logs.ndjson", events);
    folder.cli("replay --source cloudtrail --only-rules on --audit run.audit logs.ndjson").exits(0);
    let id = "086f3c44-7b04-4b39-a79f-10c9d82fbe75";

    let ran = folder.cli(&format!("rule repro run.audit {id} --name by-bundle")).exits(0);
    assert!(ran.stdout.contains("the finding is reproduced"), "{}", ran.stdout);
    let ran = folder
        .cli(&format!("rule repro run.audit {id} --name by-records --events logs.ndjson --source cloudtrail --json"))
        .exits(0);
    let lines = ran.json();
    assert_eq!((&lines[0]["type"], &lines[0]["reproduced"]), (&json!("rule-repro"), &json!(true)));
    // A store has findings too; a finding has a number there.
    folder.cli("replay --source cloudtrail --only-rules on --store run.db logs.ndjson").exits(0);
    let listed = folder.cli("audit list run.db --type finding --json").exits(0).json();
    let number = &listed[0]["seq"];
    folder.cli(&format!("rule repro run.db {number} --name by-number")).exits(0);
    for name in ["by-bundle", "by-records", "by-number"] {
        let file = |file: &str| folder.read(&format!("rules/console-login-without-mfa/cases/{name}/{file}"));
        no_name_is_left(&(file("events.ndjson") + &file("expect.toml")));
        assert!(file("expect.toml").contains("source = \"ocsf\""), "{}", file("expect.toml"));
    }
    let ran = folder.cli("rule test rules").exits(0);
    assert!(ran.stdout.contains("3 cases: 3 passed"), "{}", ran.stdout);

    // What is there stays, and what isn't a finding is part.
    let ran = folder.cli(&format!("rule repro run.audit {id} --name by-bundle")).exits(2);
    assert!(ran.stderr.contains("exists already"), "{}", ran.stderr);
    folder.cli("rule repro run.audit 1").exits(2);
    folder.cli("rule repro run.audit no-such-event").exits(2);
    folder.cli(&format!("rule repro run.audit {id} --name ../up")).exits(2);
    folder.cli(&format!("rule repro run.audit {id} --rule elsewhere")).exits(2);
    let changed = folder.read("run.audit").replace(id, "186f3c44-7b04-4b39-a79f-10c9d82fbe75");
    folder.write("run.audit", changed);
    let ran = folder.cli(&format!("rule repro run.audit {id}")).exits(1);
    assert!(ran.stderr.contains("isn't as it was written"), "{}", ran.stderr);
}

#[test]
fn repro_says_that_state_needs_the_records_themselves() {
    let folder = Folder::new();
    copied(&folder, "burst-of-denied-calls");
    folder.write("on/burst.wasm", shipped("burst-of-denied-calls"));
    let events = std::fs::read(case("burst-of-denied-calls", "stolen-key-amid-others") + "/events.ndjson").unwrap();
    folder.write("logs.ndjson", events);
    folder.cli("replay --source cloudtrail --only-rules on --audit run.audit logs.ndjson").exits(0);
    let id = "d98c2efc-06cc-4cd1-b9fb-8d3298296191";
    let ran = folder.cli(&format!("rule repro run.audit {id} --name alone")).exits(1);
    assert!(ran.stderr.contains("this case needs `--events FILE…`"), "{}", ran.stderr);
    assert!(ran.stdout.contains("the finding isn't reproduced"), "{}", ran.stdout);
    let ran = folder
        .cli(&format!("rule repro run.audit {id} --name whole --events logs.ndjson --source cloudtrail"))
        .exits(0);
    assert!(ran.stdout.contains("the finding is reproduced"), "{}", ran.stdout);
    let case = folder.read("rules/burst-of-denied-calls/cases/whole/events.ndjson");
    assert!(case.lines().count() >= 10, "{case}");
}

#[test]
fn a_new_rule_of_a_workspace_is_in_its_lock_file() {
    let folder = Folder::new();
    let crate_of = |name: &str| format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    folder.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"guest-sdk/sdk\", \"rules/*\"]\n");
    folder.write("guest-sdk/sdk/Cargo.toml", crate_of("countersign-sdk"));
    folder.write("guest-sdk/sdk/src/lib.rs", "");
    let lock = "version = 4\n\n[[package]]\nname = \"countersign-sdk\"\nversion = \"0.1.0\"\n";
    folder.write("Cargo.lock", lock);
    std::fs::create_dir(folder.path("rules")).unwrap();
    let ran = folder.cli("rule new mine --kind detection").exits(0);
    assert!(ran.stdout.contains("entered into the workspace's Cargo.lock"), "{} {}", ran.stdout, ran.stderr);
    assert!(folder.read("Cargo.lock").contains("name = \"mine\""), "{}", folder.read("Cargo.lock"));
    // Without a lock file there is nothing to enter it into.
    std::fs::remove_file(folder.path("Cargo.lock")).unwrap();
    let ran = folder.cli("rule new other --kind detection").exits(0);
    assert!(!ran.stdout.contains("Cargo.lock") && ran.stderr.is_empty(), "{} {}", ran.stdout, ran.stderr);
}
