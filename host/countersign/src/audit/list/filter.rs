//! Which records are listed.

use clap::Args;
use countersign_audit::Record;
use countersign_model::vocabulary::Action;
use countersign_model::{Account, DecisionKind, RuleId, Timestamp};

use crate::pattern::Pattern;

/// Which records are listed. A record without what is asked for isn't.
#[derive(Debug, Args)]
pub(super) struct Filter {
    /// List only decisions about these identities: a part of the id in any case, `*` for anything between
    #[arg(long, value_name = "PATTERN")]
    identity: Option<Pattern>,
    /// List only what is about these accounts: a part of `provider:tenant:subject`
    #[arg(long, value_name = "PATTERN")]
    account: Option<Pattern>,
    /// List only what came of these rules: a part of `publisher/name`
    #[arg(long, value_name = "PATTERN")]
    rule: Option<Pattern>,
    /// List only these decisions, separated by commas: execute, await-approval, downgrade, suppress, deny
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    decision: Vec<DecisionKind>,
    /// List only decisions about these actions, requested or granted, separated by commas
    #[arg(long, value_name = "ACTIONS", value_delimiter = ',')]
    action: Vec<Action>,
    /// List only what is about events at or after this time, such as `2026-03-02T09:00:00Z`
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// List only what is about events before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

impl Filter {
    /// Whether a record is listed, as far as the record itself tells.
    pub(super) fn takes(&self, record: &Record) -> bool {
        let (rule, account, time) = about(record);
        let matches = |pattern: &Option<Pattern>, text: Option<&str>| match pattern {
            Some(pattern) => text.is_some_and(|text| pattern.is_in(text)),
            None => true,
        };
        matches(&self.rule, rule.map(RuleId::as_str))
            && (self.account.is_none() || matches(&self.account, account.map(ToString::to_string).as_deref()))
            && self.since.is_none_or(|since| time.is_some_and(|time| time >= since))
            && self.until.is_none_or(|until| time.is_some_and(|time| time < until))
            && self.takes_decision(record)
    }

    fn takes_decision(&self, record: &Record) -> bool {
        if self.decision.is_empty() && self.action.is_empty() {
            return true;
        }
        let Record::Decision(record) = record else { return false };
        let decision = &record.decision;
        let mut actions = decision.requested_action.into_iter().chain(decision.action);
        (self.decision.is_empty() || self.decision.contains(&decision.kind))
            && (self.action.is_empty() || actions.any(|action| self.action.contains(&action)))
    }

    /// Whether identities matter.
    pub(super) fn has_identity(&self) -> bool {
        self.identity.is_some()
    }

    /// Whether what is about an identity is listed.
    pub(super) fn takes_identity(&self, identity: Option<&str>) -> bool {
        match &self.identity {
            Some(pattern) => identity.is_some_and(|identity| pattern.is_in(identity)),
            None => true,
        }
    }
}

/// The rule, the account and the time of the event that a record is about.
fn about(record: &Record) -> (Option<&RuleId>, Option<&Account>, Option<Timestamp>) {
    match record {
        Record::Finding(finding) => (Some(&finding.rule), finding.account.as_ref(), Some(finding.event_time)),
        Record::Decision(decision) => {
            (Some(&decision.rule.id), decision.decision.account.as_ref(), Some(decision.event_time))
        }
        record => (rule(record), None, None),
    }
}

/// The rule that a record is about.
pub(super) fn rule(record: &Record) -> Option<&RuleId> {
    match record {
        Record::Component(component) => Some(&component.rule),
        Record::Finding(finding) => Some(&finding.rule),
        Record::Decision(decision) => Some(&decision.rule.id),
        Record::SetAside(row) => Some(&row.rule),
        Record::Quarantine(quarantine) => Some(&quarantine.rule),
        Record::Parked(parked) => Some(&parked.rule),
        Record::Readmitted(readmitted) => Some(&readmitted.rule),
        Record::NotDeterministic(found) => Some(&found.rule),
        Record::RuleStopped(stopped) => Some(&stopped.rule),
        Record::Diagnostic(diagnostic) => Some(&diagnostic.rule),
        Record::HostFinding(finding) => finding.rule.as_ref(),
        Record::Migration(migration) => Some(&migration.rule),
        Record::Header(_)
        | Record::Generation(_)
        | Record::DeadLetter(_)
        | Record::Time(_)
        | Record::Source(_)
        | Record::Token(_)
        | Record::Input(_)
        | Record::Seal(_) => None,
    }
}
