//! The cases, natively: every `incident.toml` is the host's own incident, and the rule proposes what `expect.toml` lists.

use std::fs;
use std::path::Path;

use countersign_model::response::{IncidentView, StepResult as Became};
use countersign_sdk::bindings::respond;
use countersign_sdk::testing::ResponseHarness;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expectation {
    #[serde(default)]
    proposal: Vec<Expected>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    action: String,
    subject: u32,
    lease: Option<u32>,
}

fn read<T: DeserializeOwned>(path: &Path) -> T {
    let text = fs::read_to_string(path).unwrap();
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_cases_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut count = 0;
    for case in fs::read_dir(folder).unwrap() {
        let case = case.unwrap().path();
        let incident = lowered(&read(&case.join("incident.toml")));
        let expected: Expectation = read(&case.join("expect.toml"));
        let got: Vec<Expected> = ResponseHarness::<Rule>::new()
            .proposals(&incident.into())
            .into_iter()
            .map(|one| Expected { action: one.action.id().to_owned(), subject: one.subject, lease: one.lease })
            .collect();
        assert_eq!(got, expected.proposal, "{}", case.display());
        count += 1;
    }
    assert!(count >= 4, "only {count} cases");
}

/// Converts the host's incident into the rule's.
fn lowered(view: &IncidentView) -> respond::Incident {
    respond::Incident {
        now: view.now,
        combined_confidence: view.combined_confidence,
        findings: view
            .findings
            .iter()
            .map(|one| respond::Finding {
                rule: one.rule.to_string(),
                signal_class: one.signal_class.id().to_owned(),
                confidence: one.confidence,
                severity: match one.severity.severity_id() {
                    1 => respond::Severity::Informational,
                    2 => respond::Severity::Low,
                    3 => respond::Severity::Medium,
                    4 => respond::Severity::High,
                    5 => respond::Severity::Critical,
                    _ => respond::Severity::Fatal,
                },
                subject: one.subject,
                techniques: one.techniques.clone(),
                event_time: one.event_time,
                message: one.message.clone(),
            })
            .collect(),
        identities: view
            .identities
            .iter()
            .map(|one| respond::Identity {
                account: one.account.to_string(),
                directory_id: one.directory_id.clone(),
                identity_type: one.identity_type.id().to_owned(),
                tier: one.tier.id().to_owned(),
                environment: one.environment.clone(),
                owner: one.owner.clone(),
                protected: one.protected,
                break_glass: one.break_glass,
            })
            .collect(),
        subjects: view
            .subjects
            .iter()
            .map(|one| respond::Subject {
                identity: one.identity,
                role: match one.role.id() {
                    "actor" => respond::SubjectRole::Actor,
                    "target" => respond::SubjectRole::Target,
                    "owner" => respond::SubjectRole::Owner,
                    _ => respond::SubjectRole::Source,
                },
                evidence_role: match one.evidence_role.id() {
                    "authenticated-as" => respond::EvidenceRole::AuthenticatedAs,
                    _ => respond::EvidenceRole::MerelyNames,
                },
                usage: match one.usage.id() {
                    "interactive" => respond::Usage::Interactive,
                    "programmatic" => respond::Usage::Programmatic,
                    _ => respond::Usage::Delegated,
                },
                has_session: one.has_session,
                has_token: one.has_token,
                has_grant: one.has_grant,
            })
            .collect(),
        actions: view
            .actions
            .iter()
            .map(|one| respond::AvailableAction {
                action: one.action.id().to_owned(),
                subject: one.subject,
                rung: one.rung,
                class: match one.class.id() {
                    "observe" => respond::ActionClass::Observe,
                    "challenge" => respond::ActionClass::Challenge,
                    _ => respond::ActionClass::Contain,
                },
                reversibility: match one.reversibility.id() {
                    "reversible" => respond::Reversibility::Reversible,
                    "self-healing" => respond::Reversibility::SelfHealing,
                    _ => respond::Reversibility::Irreversible,
                },
            })
            .collect(),
        leases: view
            .leases
            .iter()
            .map(|one| respond::Lease {
                action: one.action.id().to_owned(),
                subject: one.subject,
                since: one.since,
                until: one.until,
            })
            .collect(),
        outcomes: view
            .outcomes
            .iter()
            .map(|one| respond::Outcome {
                action: one.action.id().to_owned(),
                subject: one.subject,
                at: one.at,
                result: match one.result {
                    Became::Done => respond::StepResult::Done,
                    Became::Failed => respond::StepResult::Failed,
                    Became::Refused => respond::StepResult::Refused,
                    Became::Undone => respond::StepResult::Undone,
                    Became::Waiting => respond::StepResult::Waiting,
                },
            })
            .collect(),
    }
}
