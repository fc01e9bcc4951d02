//! The JSON Schemas of cases' files, held against the readers. `UPDATE_EXPECT=1` writes them anew.

use std::fs;
use std::path::Path;

use countersign_document::Diagnostic;
use countersign_model::response::StepResult;
use countersign_model::vocabulary::{
    Action, ActionClass, EvidenceRole, IdentityType, Reversibility, Severity, SignalClass, SubjectRole, Tier, Usage,
};
use serde_json::{Value, json};

use self::schema::{Form, Schema, described, document, table, tables, text, words};
use super::files::document as read;
use super::{expectation, incident};

#[path = "../../../document/tests/support/schema.rs"]
mod schema;

const EXACT: u64 = (1 << 53) - 1;

fn percent() -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": 100 })
}

fn index() -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX })
}

fn time() -> Value {
    json!({
        "type": "integer", "minimum": -(EXACT as i64), "maximum": EXACT, "description": "Microseconds since 1970, UTC",
    })
}

fn any_text() -> Value {
    json!({ "type": "string" })
}

fn flag() -> Value {
    json!({ "type": "boolean" })
}

fn account() -> Value {
    described(text(), "`provider:tenant:subject`, `:` and `%` inside a part percent-encoded")
}

fn actions() -> Value {
    words(Action::IDS.iter().copied())
}

fn detection_expectation() -> Value {
    let confidence = json!({ "type": "array", "items": percent(), "minItems": 2, "maxItems": 2 });
    let finding = table(
        &["event", "class", "role", "confidence"],
        json!({
            "event": described(any_text(), "The id of the event"),
            "class": words(SignalClass::IDS.iter().copied()),
            "role": words(SubjectRole::IDS.iter().copied()),
            "account": described(account(), "The subject's account; left out where it is unresolved"),
            "confidence": described(confidence, "The lowest and highest confidence"),
        }),
    );
    table(
        &["source"],
        json!({
            "source": described(text(), "The telemetry source of the events, such as `cloudtrail`"),
            "until": described(text(), "After the last event, time passes up to here, so that timers fire"),
            "finding": described(tables(finding), "Every finding; none if the rule must stay quiet"),
        }),
    )
}

fn response_expectation() -> Value {
    let proposal = table(
        &["action", "subject"],
        json!({
            "action": actions(),
            "subject": described(index(), "Index into the incident's subjects"),
            "lease": described(index(), "Seconds"),
        }),
    );
    table(&[], json!({ "proposal": described(tables(proposal), "Every proposal, in order") }))
}

fn incident_schema() -> Value {
    let finding = table(
        &["rule", "signal-class", "confidence", "severity", "subject", "techniques", "event-time", "message"],
        json!({
            "rule": described(any_text(), "`publisher/name`"),
            "signal-class": words(SignalClass::IDS.iter().copied()),
            "confidence": percent(),
            "severity": words(Severity::IDS.iter().copied()),
            "subject": described(index(), "Index into the subjects"),
            "techniques": { "type": "array", "items": any_text() },
            "event-time": time(),
            "message": any_text(),
        }),
    );
    let identity = table(
        &["account", "identity-type", "tier"],
        json!({
            "account": account(),
            "directory-id": any_text(),
            "identity-type": words(IdentityType::IDS.iter().copied()),
            "tier": words(Tier::IDS.iter().copied()),
            "environment": any_text(),
            "owner": any_text(),
            "protected": flag(),
            "break-glass": flag(),
        }),
    );
    let subject = table(
        &["identity", "role", "evidence-role", "usage", "has-session", "has-token", "has-grant"],
        json!({
            "identity": described(index(), "Index into the identities"),
            "role": words(SubjectRole::IDS.iter().copied()),
            "evidence-role": words(EvidenceRole::IDS.iter().copied()),
            "usage": words(Usage::IDS.iter().copied()),
            "has-session": flag(),
            "has-token": flag(),
            "has-grant": flag(),
        }),
    );
    let available = table(
        &["action", "subject", "rung", "class", "reversibility"],
        json!({
            "action": actions(),
            "subject": described(index(), "Index into the subjects"),
            "rung": described(index(), "The action's place in the order of rungs"),
            "class": words(ActionClass::IDS.iter().copied()),
            "reversibility": words(Reversibility::IDS.iter().copied()),
        }),
    );
    let lease = table(
        &["action", "subject", "since", "until"],
        json!({ "action": actions(), "subject": index(), "since": time(), "until": time() }),
    );
    let outcome = table(
        &["action", "subject", "at", "result"],
        json!({
            "action": actions(),
            "subject": index(),
            "at": time(),
            "result": words(StepResult::IDS.iter().copied()),
        }),
    );
    table(
        &["now", "findings", "combined-confidence", "identities", "subjects", "actions"],
        json!({
            "now": described(time(), "The gate's clock, microseconds since 1970, UTC"),
            "findings": tables(finding),
            "combined-confidence": percent(),
            "identities": tables(identity),
            "subjects": described(tables(subject), "Whom proposals may name"),
            "actions": described(tables(available), "What is available, by subject, weak to strong"),
            "leases": described(tables(lease), "Containment in force"),
            "outcomes": described(tables(outcome), "What became of earlier steps, oldest first"),
        }),
    )
}

/// The files with this name in the cases of the shipped rules and the templates.
fn files(name: &str) -> Vec<(String, String)> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut rest = vec![repository.join("rules"), repository.join("host/countersign/templates")];
    let mut files = Vec::new();
    while let Some(path) = rest.pop() {
        if path.is_dir() {
            rest.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.file_name().is_some_and(|file| file == name) {
            files.push((path.display().to_string(), fs::read_to_string(path).unwrap()));
        }
    }
    files
}

const DETECTION: &str = r#"
source = "cloudtrail"
until = "2024-05-01T08:30:00Z"

[[finding]]
event = "e-1"
class = "sign-in"
role = "actor"
account = "aws:111122223333:AIDAEXAMPLE"
confidence = [70, 80]
"#;

const RESPONSE: &str = "[[proposal]]\naction = \"notify\"\nsubject = 0\nlease = 3600\n";

#[test]
fn expectations() {
    let detection = |text: &str| read(text, expectation::detection).map(drop);
    let response = |text: &str| read(text, expectation::response).map(drop);
    let both = json!({ "anyOf": [detection_expectation(), response_expectation()] });
    let whole = Schema::check_file("expect", document("expect", "Countersign's expect.toml", both));
    let either = |text: &str| detection(text).or_else(|faults| response(text).map_err(|_| faults));
    let whole = Form::new(&whole, &either);
    for (name, text) in files("expect.toml") {
        whole.accepts(&text, &name);
    }
    // The forms one by one, whose keys differ.
    for (schema, text, read) in [
        (detection_expectation(), DETECTION, &detection as &dyn Fn(&str) -> Result<(), Vec<Diagnostic>>),
        (response_expectation(), RESPONSE, &response),
    ] {
        let schema = Schema::new(schema);
        let form = Form::new(&schema, read);
        form.check(text, &[]);
        form.covers(&[text]);
    }
}

#[test]
fn incidents() {
    let whole = document("incident", "Countersign's incident.toml", incident_schema());
    let schema = Schema::check_file("incident", whole);
    let form = Form::new(&schema, &|text| read(text, incident::incident).map(drop));
    let complete = include_str!("cases_schemas/incident.toml");
    form.check(complete, &[]);
    form.covers(&[complete]);
    let files = files("incident.toml");
    assert!(files.len() > 10);
    for (name, text) in files {
        form.accepts(&text, &name);
    }
}
