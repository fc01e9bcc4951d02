//! Attempts on the whole path: on other rules, on the gate, and on quarantine.

use countersign_admission::sections;
use countersign_declaration::Permissions;
use countersign_generation::{LoadFault, statement};
use countersign_model::ReasonCode;
use countersign_model::vocabulary::Action;
use countersign_signing::{Envelope, SecretKey};
use countersign_stream::QuarantineThreshold;

use super::{Attempt, Defence, attempt};
use crate::determinism::judge;
use crate::fed::{load, load_under, record, telemetry};
use crate::handmade::{DECLARATION, FINDING, HONEST, Parts, component, module};
use crate::support::{NEVER, admitted, bytes, shipped};

pub(super) fn attempts() -> Vec<Attempt> {
    vec![
        attempt(
            "poison-by-invented-names",
            "failed sign-ins of invented names switch the rule off",
            Defence::OnlyWhoAuthenticated,
            invented_names,
        ),
        attempt(
            "subscription-loop",
            "two rules feed each other",
            Defence::AtLoad("subscribes in a circle".to_owned()),
            subscription_loop,
        ),
        attempt(
            "findings-that-multiply",
            "three rules each find 16 times on the findings of the one before",
            Defence::Bounded,
            findings_that_multiply,
        ),
        attempt("another-rules-name", "has a shipped rule's id, to take its place", unproved(), another_rules_id),
        attempt("first-to-claim-a-name", "has a shipped rule's id, and comes before it", unproved(), first_to_claim),
        attempt(
            "signed-by-another-publisher",
            "has a shipped rule's id, and the signature of a publisher that is trusted",
            unproved(),
            signed_by_another_publisher,
        ),
        attempt(
            "signature-moved-over",
            "has a trusted publisher's signature, taken from another rule of theirs",
            unproved(),
            signature_moved_over,
        ),
        attempt(
            "declaration-changed-after-signing",
            "declares more than the publisher signed",
            unproved(),
            declaration_changed_after_signing,
        ),
        attempt(
            "older-version-beside-the-new",
            "brings a publisher's older version, signed and with a known hole, beside the new one",
            Defence::AtLoad("duplicate-rule".to_owned()),
            older_version,
        ),
        attempt(
            "broader-than-accepted",
            "a trusted publisher's update declares more than the operator accepted",
            Defence::AtLoad("+ actions: revoke-sessions".to_owned()),
            broader_than_accepted,
        ),
        attempt(
            "grants-itself",
            "a rule that nobody signed finds what would end sessions",
            Defence::ByTheGate(ReasonCode::DetectionActionNotGranted),
            grants_itself,
        ),
        attempt(
            "feeders-authority",
            "declares for a timid rule's findings what that rule may not ask for",
            Defence::ByTheGate(ReasonCode::DetectionActionUndeclared),
            feeders_authority,
        ),
        attempt(
            "undeclared-type",
            "finds against an identity of a type that it didn't declare",
            Defence::ByTheGate(ReasonCode::DetectionTypeUndeclared),
            || found_by(&DECLARATION.replace("\"human\"", "\"workload\""), ReasonCode::DetectionTypeUndeclared),
        ),
        attempt(
            "undeclared-action-of-a-detection",
            "leads a response rule to what it didn't declare itself",
            Defence::ByTheGate(ReasonCode::DetectionActionUndeclared),
            || {
                let declared = DECLARATION.replace("\"human\"", "\"human\", \"unknown\"");
                found_by(&declared, ReasonCode::DetectionActionUndeclared)
            },
        ),
    ]
}

/// Checks the decisions on the rule's findings: this reason is among those given, and granted actions only observe.
fn check_decisions(output: &[String], rule: &str, reason: ReasonCode) -> Defence {
    const OBSERVE: [&str; 4] = ["enrich-alert", "raise-risk-score", "notify", "require-review"];
    let decisions: Vec<serde_json::Value> = output
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &serde_json::Value| line["type"] == "decision" && line["rule"] == rule)
        .collect();
    let acts = |line: &&serde_json::Value| line["action"].as_str().is_some_and(|action| !OBSERVE.contains(&action));
    if let Some(acting) = decisions.iter().find(acts) {
        return Defence::None(acting.to_string());
    }
    let given = |line: &serde_json::Value| {
        line["reasons"].as_array().is_some_and(|all| all.iter().any(|one| one["code"] == reason.id()))
    };
    match decisions.iter().any(given) {
        true => Defence::ByTheGate(reason),
        false => Defence::None(decisions.first().map(ToString::to_string).unwrap_or_default()),
    }
}

/// A handmade rule with a confident finding on every event, and a response rule that proposes containment.
fn found_by(declared: &str, reason: ReasonCode) -> Defence {
    found_by_rule("hostile/raw", declared, reason)
}

fn found_by_rule(id: &str, declared: &str, reason: ReasonCode) -> Defence {
    let sure = format!(r#"{FINDING} (data (i32.const 268) "\5f\04")"#);
    let rule = component(module(Parts { evaluate: "i32.const 128", more: &sure, ..HONEST }), declared);
    let response = shipped("graduated-containment");
    let (generation, faults) = load(&[("raw.wasm", rule.as_slice()), ("response.wasm", response)], "");
    assert!(faults.is_empty(), "{faults:?}");
    let telemetry: Vec<String> = (0..3).map(|second| record(second, 7, "clock") + "\n").collect();
    check_decisions(&judge(telemetry.concat().as_bytes(), &generation, 1, 1, NEVER).output, id, reason)
}

/// A rule that declares revoke-sessions is fed by one that doesn't.
fn feeders_authority() -> Defence {
    let rules = [
        ("findings.wasm", bytes("uses-findings")),
        ("timer.wasm", bytes("uses-a-timer")),
        ("burst.wasm", shipped("burst-of-denied-calls")),
        ("response.wasm", shipped("graduated-containment")),
    ];
    let (generation, faults) = load(&rules, "");
    assert!(faults.is_empty(), "{faults:?}");
    let results = judge(&telemetry(), &generation, 256, 1, NEVER);
    check_decisions(&results.output, "example/uses-findings", ReasonCode::DetectionActionUndeclared)
}

/// Sixty names that fail to sign in, each making the rule fail, don't count; six accounts that did sign in do.
fn invented_names() -> Defence {
    let policy = "\n[rule.\"hostile/panics\"]\nparameters = { on = [\"ConsoleLogin\"] }\n";
    let (generation, faults) = load(&[("panics.wasm", bytes("panics"))], policy);
    assert!(faults.is_empty(), "{faults:?}");
    let judged = |users: u32, what: &str| {
        let records: Vec<String> = (1..=users).map(|user| record(i64::from(user), user, what) + "\n").collect();
        judge(records.concat().as_bytes(), &generation, 7, 1, QuarantineThreshold::default())
    };
    let count = |output: &[String], what: &str| output.iter().filter(|line| line.contains(what)).count();
    let (invented, real) = (judged(60, "Failure"), judged(6, "Success"));
    let active = count(&invented.output, "in quarantine") == 0 && count(&invented.output, "\"failure\":\"trap\"") == 60;
    match active && count(&real.output, "in quarantine") == 1 {
        true => Defence::OnlyWhoAuthenticated,
        false => Defence::None(format!("{:?} {:?}", invented.summary, real.summary)),
    }
}

/// Rules that subscribe to each other, and an honest one, which is loaded.
fn subscription_loop() -> Defence {
    let feeding = |own: &str, other: &str| {
        let fed = format!("subscribes = [{{ rule = \"hostile/{other}\", classes = [\"privilege\"] }}]\nfields =");
        component(module(HONEST), &DECLARATION.replace("hostile/raw", own).replace("fields =", &fed))
    };
    let (one, other) = (feeding("hostile/one", "other"), feeding("hostile/other", "one"));
    at_load(&[("one", &one), ("other", &other), ("honest", bytes("panics"))], "hostile/panics")
}

/// Each event would lead to 16, 256 and 4,096 findings: in any batch, at most 16 of a rule's findings feed the next.
fn findings_that_multiply() -> Defence {
    // Sixteen copies of the finding at 256 for each row.
    let body = "
        (local $row i32) (local $rows i32) (local $copy i32) (local $to i32)
        (local.set $rows (i32.load offset=12 (local.get 0)))
        (local.set $to (i32.const 0x20000))
        (loop $next
            (i32.store (i32.const 256) (local.get $row))
            (local.set $copy (i32.const 0))
            (loop $copies
                (memory.copy (local.get $to) (i32.const 256) (i32.const 44))
                (local.set $to (i32.add (local.get $to) (i32.const 44)))
                (local.set $copy (i32.add (local.get $copy) (i32.const 1)))
                (br_if $copies (i32.lt_u (local.get $copy) (i32.const 16))))
            (local.set $row (i32.add (local.get $row) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $row) (local.get $rows))))
        (i32.store (i32.const 128) (i32.const 0x20000))
        (i32.store (i32.const 132) (i32.mul (local.get $rows) (i32.const 16)))
        i32.const 128";
    let rule = |number: usize| {
        let mut declared = DECLARATION.replace("hostile/raw", &format!("hostile/chain-{number}"));
        if let Some(before) = number.checked_sub(1) {
            let fed = format!("subscribes = [{{ rule = \"hostile/chain-{before}\", classes = [\"privilege\"] }}]");
            declared = declared.replace("event-classes = [\"api-activity\"]", &fed);
        }
        component(module(Parts { evaluate: body, more: FINDING, ..HONEST }), &declared)
    };
    let rules: Vec<Vec<u8>> = (0..3).map(rule).collect();
    let rules: Vec<(&str, &[u8])> = rules.iter().map(|bytes| ("chain", bytes.as_slice())).collect();
    let (generation, faults) = load(&rules, "");
    assert!(faults.is_empty(), "{faults:?}");
    let telemetry = [record(0, 7, "clock"), record(1, 7, "clock")].map(|record| record + "\n").concat();
    let results = [1, 7, 256].map(|batch| judge(telemetry.as_bytes(), &generation, batch, 1, NEVER));
    let summary: serde_json::Value = serde_json::from_str(&results[0].summary).unwrap();
    let counts = |what: &str| -> Vec<u64> {
        (0..3).map(|number| summary[what][format!("hostile/chain-{number}")].as_u64().unwrap_or_default()).collect()
    };
    let same = results.iter().all(|other| *other == results[0]);
    match (counts("delivered").as_slice(), counts("withheld_findings").as_slice()) {
        ([2, 32, 32], [0, 480, 0]) if same => Defence::Bounded,
        _ => Defence::None(format!("{same} {}", results[0].summary)),
    }
}

fn unproved() -> Defence {
    Defence::AtLoad("publisher-unproved".to_owned())
}

const BURST: &str = "countersign/burst-of-denied-calls";

/// A rule by hand under another id.
fn named(id: &str) -> Vec<u8> {
    component(module(HONEST), &DECLARATION.replace("hostile/raw", id))
}

fn signed(rule: &[u8], key: &SecretKey) -> Vec<u8> {
    let envelope = Envelope::sign(statement(&admitted(rule)), key);
    sections::attach_signature(rule, &envelope.to_bytes()).unwrap()
}

/// Trust in publisher `acme` by a key.
fn acme(key: &SecretKey, more: &str) -> String {
    format!("[publisher.acme]\nkeys = [\"{}\"]\n{more}", key.public())
}

/// Checks that only the honest rule is loaded under a `trust.toml`.
fn at_load_under(trust: &str, rules: &[(&str, &[u8])], honest: &[&str]) -> Defence {
    let (generation, faults) = load_under(trust, rules, "");
    let loaded: Vec<&str> = generation.detections.iter().map(|rule| rule.identity.id.as_str()).collect();
    if loaded != honest {
        return Defence::None(format!("{loaded:?}"));
    }
    Defence::AtLoad(faults.iter().map(LoadFault::to_string).collect::<Vec<_>>().join("; "))
}

fn first_to_claim() -> Defence {
    at_load(&[(BURST, &named(BURST)), ("later.wasm", shipped("burst-of-denied-calls"))], BURST)
}

fn signed_by_another_publisher() -> Defence {
    let key = SecretKey::generate().unwrap();
    let forged = signed(&named(BURST), &key);
    at_load_under(&acme(&key, ""), &[("forged", &forged), (BURST, shipped("burst-of-denied-calls"))], &[BURST])
}

fn signature_moved_over() -> Defence {
    let key = SecretKey::generate().unwrap();
    let honest = signed(&named("acme/honest"), &key);
    let forged = sections::attach_signature(&named("acme/forged"), admitted(&honest).signature().unwrap()).unwrap();
    at_load_under(&acme(&key, ""), &[("forged", &forged), ("honest", &honest)], &["acme/honest"])
}

/// The rule of an honest publisher with another action.
fn broadened(rule: &[u8]) -> Vec<u8> {
    let rule = admitted(rule);
    let mut declaration = rule.declaration().clone();
    declaration.actions.push(Action::RevokeSessions);
    sections::attach(rule.component(), &declaration, rule.data()).unwrap()
}

fn declaration_changed_after_signing() -> Defence {
    let key = SecretKey::generate().unwrap();
    let honest = signed(&named("acme/honest"), &key);
    let forged = sections::attach_signature(&broadened(&honest), admitted(&honest).signature().unwrap()).unwrap();
    at_load_under(&acme(&key, ""), &[("forged", &forged)], &[])
}

fn older_version() -> Defence {
    let key = SecretKey::generate().unwrap();
    let declared = DECLARATION.replace("hostile/raw", "acme/honest");
    let newer = component(module(HONEST), &declared.replace("0.1.0", "0.2.0"));
    let (older, newer) = (signed(&component(module(HONEST), &declared), &key), signed(&newer, &key));
    let other = signed(&named("acme/other"), &key);
    at_load_under(&acme(&key, ""), &[("older", &older), ("newer", &newer), ("other", &other)], &["acme/other"])
}

fn broader_than_accepted() -> Defence {
    let key = SecretKey::generate().unwrap();
    let accepted = signed(&named("acme/honest"), &key);
    let digest = admitted(&accepted).declaration_digest();
    let permits = Permissions::of(admitted(&accepted).declaration());
    let line = format!("[[accepted]]\nrule = \"acme/honest\"\ndeclaration = \"{digest}\"\npermits = {permits}\n");
    let trust = acme(&key, &format!("accept = \"listed\"\n\n{line}"));
    let update = signed(&broadened(&accepted), &key);
    match at_load_under(&trust, &[("accepted", &accepted)], &["acme/honest"]) {
        Defence::AtLoad(faults) if faults.is_empty() => at_load_under(&trust, &[("update", &update)], &[]),
        other => other,
    }
}

/// A rule of publisher `local` with a confident finding on every event.
fn grants_itself() -> Defence {
    let declared = DECLARATION.replace("hostile/raw", "local/raw");
    let declared = declared.replace("\"human\"", "\"human\", \"unknown\"");
    let declared = declared.replace("\"notify\"", "\"notify\", \"revoke-sessions\"");
    found_by_rule("local/raw", &declared, ReasonCode::DetectionActionNotGranted)
}

fn another_rules_id() -> Defence {
    let name = "countersign/burst-of-denied-calls";
    let forged = component(module(HONEST), &DECLARATION.replace("hostile/raw", name));
    at_load(&[("shipped", shipped("burst-of-denied-calls")), ("forged", &forged)], name)
}

/// Checks that only the honest rule is loaded.
fn at_load(rules: &[(&str, &[u8])], honest: &str) -> Defence {
    let (generation, faults) = load(rules, "");
    let loaded: Vec<&str> = generation.detections.iter().map(|rule| rule.identity.id.as_str()).collect();
    if loaded != [honest] {
        return Defence::None(format!("{loaded:?}"));
    }
    Defence::AtLoad(faults.iter().map(LoadFault::to_string).collect::<Vec<_>>().join("; "))
}
