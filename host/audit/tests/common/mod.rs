//! One record of every type, and a file of them.

use countersign_audit::record::*;
use countersign_audit::{ChainWriter, Head, Record};
use countersign_model::call::{FailureKind, Level};
use countersign_model::vocabulary::{Action, EvidenceRole, RuleKind, Severity, SignalClass, SubjectRole};
use countersign_model::{
    Account, ContextState, Decision, DecisionKind, Digest, DigestKey, Effect, Evidence, Finding, HeldRows, HoldEnd,
    Line, Occasion, Reason, ReasonCode, RuleId, RuleIdentity, Timestamp,
};
use countersign_signing::Proof;

pub(crate) fn key() -> DigestKey {
    DigestKey::public()
}

pub(crate) fn header() -> Record {
    Record::Header(Header::new("0.1.0", &key()))
}

fn rule_id(name: &str) -> RuleId {
    format!("countersign/{name}").parse().unwrap()
}

fn identity(name: &str) -> RuleIdentity {
    RuleIdentity {
        id: rule_id(name),
        version: "1.2.3".to_owned(),
        code: Digest::of(b"code"),
        declaration: Digest::of(b"declaration"),
        data: None,
        parameters: Digest::of(b"{}"),
    }
}

pub(crate) fn finding() -> Finding {
    Finding {
        rule: rule_id("console-login-without-mfa"),
        position: 17,
        index: 0,
        occasion: Occasion::Event,
        event_id: "c5e1-\u{fc}\"\\".to_owned(),
        event_time: Timestamp(1_688_989_338_000_000),
        signal_class: SignalClass::SignIn,
        confidence: 70,
        severity: Severity::High,
        role: SubjectRole::Actor,
        evidence_role: EvidenceRole::AuthenticatedAs,
        evidence: vec![Evidence {
            reference: 7,
            event_id: "c5e1".to_owned(),
            event_time: Timestamp(1_688_989_338_000_000),
            raw: Digest::of(b"raw"),
        }],
        techniques: vec!["T1078.004".to_owned()],
        message: "signed in without MFA".to_owned(),
        context: ContextState::Complete,
        line: Line::STRONGEST,
    }
}

/// One of every type but the seal, the header first.
pub(crate) fn records() -> Vec<Record> {
    let key = key();
    let finding = finding();
    let account = Account::new("aws", "123456789012", "AIDAEXAMPLE");
    let evidence = (key.digest(b"bundle"), Some(key.digest(b"call")));
    vec![
        header(),
        Record::Generation(Generation {
            number: 1,
            position: 0,
            rules: vec![GenerationRule {
                identity: identity("console-login-without-mfa"),
                kind: RuleKind::Detection,
                proof: Some(Proof::Shipped),
            }],
            trust: Some(key.digest(b"trust")),
            sources: Some(key.digest(b"sources")),
            policy: key.digest(b"policy"),
            identities: None,
            capabilities: key.digest(b"capabilities"),
            context: vec![ContextFile { table: "egress".to_owned(), content: key.digest(b"egress"), kept: true }],
            engine: "wasmtime 48.0.0".to_owned(),
            interface: "countersign:rules@0.1.0".to_owned(),
            gate: 2,
        }),
        Record::Component(Component {
            position: 17,
            rule: rule_id("console-login-without-mfa"),
            component: key.digest(b"component"),
        }),
        Record::Finding(FindingRecord::new(1, &finding, Some(account.clone()), evidence, &key)),
        Record::Decision(Box::new(DecisionRecord {
            generation: 1,
            incident: vec![FindingReference::from(&finding)],
            event_id: finding.event_id.clone(),
            event_time: finding.event_time,
            rule: identity("console-login-without-mfa"),
            responses: vec![ResponseReference {
                rule: identity("graduated-containment"),
                bundle: key.digest(b"response"),
            }],
            decision: Decision {
                kind: DecisionKind::AwaitApproval,
                response_rule: Some(rule_id("graduated-containment")),
                requested_action: Some(Action::RevokeSessions),
                action: Some(Action::RevokeSessions),
                subject: 0,
                account: Some(account),
                lease: Some(3_600),
                confidence: 70,
                floor: 60,
                anchor: 0,
                reasons: vec![Reason {
                    code: ReasonCode::PolicyUnset,
                    action: Action::RevokeSessions,
                    effect: Effect::Approval,
                    detail: "no cell".to_owned(),
                }],
            },
            inputs: key.digest(b"inputs"),
        })),
        Record::SetAside(SetAside {
            position: 18,
            rule: rule_id("console-login-without-mfa"),
            occasion: Occasion::Timer { id: "silence".to_owned(), at: Timestamp(1_688_989_338_000_000) },
            event_id: "c5e2".to_owned(),
            failure: FailureKind::Trap,
            message: "panicked\nat line 3".to_owned(),
        }),
        Record::Quarantine(Quarantine {
            position: 19,
            rule: rule_id("console-login-without-mfa"),
            failing_accounts: 5,
            accounts: 20,
            share: 10,
            least: 5,
            source: None,
            until: None,
        }),
        Record::NotDeterministic(NotDeterministic {
            position: 20,
            rule: rule_id("console-login-without-mfa"),
            occasion: Occasion::Event,
            message: "another state".to_owned(),
        }),
        Record::RuleStopped(RuleStopped {
            position: 21,
            rule: rule_id("console-login-without-mfa"),
            occasion: Occasion::Finding { rule: rule_id("burst-of-denied-calls"), index: 1 },
            event_id: "c5e3".to_owned(),
            message: "2 s".to_owned(),
            source: None,
            until: None,
        }),
        Record::Diagnostic(DiagnosticRecord {
            position: 22,
            rule: rule_id("console-login-without-mfa"),
            occasion: Occasion::Event,
            index: 0,
            level: Level::Warning,
            message: "odd".to_owned(),
        }),
        Record::DeadLetter(DeadLetter {
            input: 0,
            ordinal: 23,
            offset: 4_096,
            length: 12,
            code: "not-json".to_owned(),
            reason: "expected a value".to_owned(),
        }),
        Record::HostFinding(HostFinding {
            position: 24,
            kind: HostFindingKind::RuleQuarantined,
            signal_class: SignalClass::Evasion,
            severity: Severity::High,
            rule: Some(rule_id("console-login-without-mfa")),
            source: None,
            message: "not heard any more".to_owned(),
        }),
        Record::Quarantine(Quarantine {
            position: 25,
            rule: rule_id("burst-of-denied-calls"),
            failing_accounts: 6,
            accounts: 20,
            share: 20,
            least: 5,
            source: Some("cloudtrail".into()),
            until: Some(Timestamp(1_688_989_338_000_000)),
        }),
        Record::Parked(Parked {
            position: 25,
            rule: rule_id("burst-of-denied-calls"),
            source: "okta".into(),
            rows: HeldRows::Outsiders,
            party: Some("203.0.113.0/24".to_owned()),
            calls: 8,
            until: Timestamp(1_688_989_338_000_000),
        }),
        Record::Readmitted(Readmitted {
            position: 26,
            rule: rule_id("burst-of-denied-calls"),
            source: "okta".into(),
            rows: HeldRows::Authenticated,
            party: None,
            end: HoldEnd::Time,
        }),
        Record::RuleStopped(RuleStopped {
            position: 26,
            rule: rule_id("graduated-containment"),
            occasion: Occasion::Event,
            event_id: "c5e4".to_owned(),
            message: "10 s".to_owned(),
            source: Some("okta".into()),
            until: Some(Timestamp(1_688_989_338_000_000)),
        }),
        Record::Input(Input {
            input: 0,
            records: 25,
            duplicates: 2,
            bytes: 9_999,
            turned: false,
            content: key.digest(b"input"),
        }),
    ]
}

/// The file of some records, sealed.
pub(crate) fn file(records: &[Record]) -> (Vec<u8>, Head) {
    let (mut chain, mut bytes) = (ChainWriter::new(), Vec::new());
    for record in records {
        chain.append(record, &mut bytes).unwrap();
    }
    let head = chain.seal(&mut bytes).unwrap();
    (bytes, head)
}
