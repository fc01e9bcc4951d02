//! `expect.toml`: what a case expects of its rule.

use countersign_document::Table;
use countersign_model::vocabulary::{Action, SignalClass, SubjectRole};
use countersign_model::{Account, Timestamp};

use super::incident::action;

/// What a detection's case expects.
#[derive(Debug)]
pub(super) struct DetectionExpectation {
    /// The telemetry source of the events.
    pub(super) source: String,
    /// After the last event, time passes up to here, so that timers due by then fire.
    pub(super) until: Option<Timestamp>,
    /// Every finding; none if the rule must stay quiet.
    pub(super) findings: Vec<ExpectedFinding>,
}

/// One `[[finding]]`.
#[derive(Debug)]
pub(super) struct ExpectedFinding {
    pub(super) event: String,
    pub(super) class: SignalClass,
    pub(super) role: SubjectRole,
    /// Left out when the subject is unresolved.
    pub(super) account: Option<Account>,
    /// The lowest and highest confidence, 0–100.
    pub(super) confidence: [u8; 2],
}

/// One `[[proposal]]` of a response rule's case.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ExpectedProposal {
    pub(super) action: Action,
    /// Index into the incident's subjects.
    pub(super) subject: usize,
    /// Seconds.
    pub(super) lease: Option<u32>,
}

/// Reads the root of a detection's file.
pub(super) fn detection(table: &Table<'_>) -> Option<DetectionExpectation> {
    let source = table.read("source", "the telemetry source, such as `cloudtrail`", |item| item.text());
    let until = table.optional("until", |item| item.parsed("a time such as `2024-05-01T08:30:00Z`"));
    let mut findings = Vec::new();
    for item in table.tables("finding") {
        let Some(table) = item.table() else { continue };
        findings.push(finding(&table));
        table.finish();
    }
    Some(DetectionExpectation {
        source: source?.to_owned(),
        until: until?,
        findings: findings.into_iter().collect::<Option<_>>()?,
    })
}

fn finding(table: &Table<'_>) -> Option<ExpectedFinding> {
    let event = table.read("event", "the id of the event", |item| item.any_text(usize::MAX));
    let class = table.read("class", "a signal class", |item| item.word::<SignalClass>("a signal class"));
    let role = table.read("role", "a role", |item| item.word::<SubjectRole>("a role"));
    let account = table.optional("account", |item| item.parsed("an account `provider:tenant:subject`"));
    let confidence = table.read("confidence", "the lowest and highest confidence, such as `[70, 80]`", |item| {
        item.list((2, 2), |item| item.percent()).and_then(|ends| <[u8; 2]>::try_from(ends).ok())
    });
    Some(ExpectedFinding {
        event: event?.to_owned(),
        class: class?,
        role: role?,
        account: account?,
        confidence: confidence?,
    })
}

/// Reads the root of a response rule's file: every proposal, in order.
pub(super) fn response(table: &Table<'_>) -> Option<Vec<ExpectedProposal>> {
    let mut proposals = Vec::new();
    for item in table.tables("proposal") {
        let Some(table) = item.table() else { continue };
        let action = action(&table);
        let subject = table.read("subject", "an index into `subjects`", |item| item.integer(0, i64::from(u32::MAX)));
        let lease = table.optional("lease", |item| item.integer(0, i64::from(u32::MAX)));
        table.finish();
        proposals.push(action.zip(subject).zip(lease).map(|((action, subject), lease)| ExpectedProposal {
            action,
            subject,
            lease,
        }));
    }
    proposals.into_iter().collect()
}
