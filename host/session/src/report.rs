//! The output of a session: lines for findings, decisions, dead letters and notices, each with the number of its audit
//! record, and a summary at the end. The shapes of `--json`.

use std::collections::BTreeMap;

use countersign_audit::Head;
use countersign_formats::DeadLetter;
use countersign_model::call::Level;
use countersign_model::vocabulary::{
    Action, ActionClass, EvidenceRole, IdentityType, Severity, SignalClass, SubjectRole, Tier, Usage,
};
use countersign_model::{
    Account, Decision, DecisionKind, Finding, HeldRows, Incident, Occasion, Reason, RuleId, SourceId, Subject,
    Timestamp,
};
use countersign_stream::Forgotten;
use countersign_text::quoted;
use serde::{Deserialize, Serialize};

/// One finding. In JSON the members stand in this order after `"type":"finding"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "finding")]
pub struct FindingLine {
    /// The event of the finding's row.
    pub event_id: String,
    /// That event's time, RFC 3339.
    pub event_time: Timestamp,
    /// The rule that made it.
    pub rule: RuleId,
    /// The subject: the directory's id, else the account's text, else null.
    pub identity: Option<String>,
    /// Its class.
    pub signal_class: SignalClass,
    /// As the rule gave it, 0–100.
    pub confidence: u8,
    /// Its severity.
    pub severity: Severity,
    /// ATT&CK ids.
    pub techniques: Vec<String>,
    /// Ids of the events that show it, the row's own first.
    pub evidence: Vec<String>,
    /// The finding in words.
    pub message: String,
}

impl FindingLine {
    /// Of a finding about a subject.
    #[must_use]
    pub fn new(finding: &Finding, subject: &Subject) -> FindingLine {
        FindingLine {
            event_id: finding.event_id.clone(),
            event_time: finding.event_time,
            rule: finding.rule.clone(),
            identity: identity(subject),
            signal_class: finding.signal_class,
            confidence: finding.confidence,
            severity: finding.severity,
            techniques: finding.techniques.clone(),
            evidence: evidence(finding),
            message: finding.message.clone(),
        }
    }
}

/// The subject by the directory's id, else its account's text.
fn identity(subject: &Subject) -> Option<String> {
    subject.identity.directory_id.clone().or_else(|| subject.account.as_ref().map(ToString::to_string))
}

fn evidence(finding: &Finding) -> Vec<String> {
    finding.evidence.iter().map(|evidence| evidence.event_id.clone()).collect()
}

/// One decision. In JSON the members stand in this order after `"type":"decision"`; those that aren't known are null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "decision")]
pub struct DecisionLine {
    /// The event of the anchor finding's row.
    pub event_id: String,
    /// That event's time, RFC 3339.
    pub event_time: Timestamp,
    /// The anchor finding's rule.
    pub rule: RuleId,
    /// That rule's version.
    pub rule_version: String,
    /// The subject: the directory's id, else the account's text, else null.
    pub identity: Option<String>,
    /// The subject's account.
    pub account: Option<Account>,
    /// The subject's type.
    pub identity_type: IdentityType,
    /// The subject's tier.
    pub tier: Tier,
    /// How the subject was used in the event.
    pub usage: Option<Usage>,
    /// The subject's role in the event.
    pub role: SubjectRole,
    /// How the subject is tied to the evidence.
    pub evidence_role: EvidenceRole,
    /// The anchor finding's class.
    pub signal_class: SignalClass,
    /// The anchor finding's severity.
    pub severity: Severity,
    /// The confidence that was held against the floors, 0–100.
    pub confidence: u8,
    /// The floor that applied, 0–100.
    pub floor: u8,
    /// The response rule that asked; null for the host's own.
    pub response_rule: Option<RuleId>,
    /// What it asked for.
    pub requested_action: Option<Action>,
    /// What is granted, or would be once approved.
    pub action: Option<Action>,
    /// How long, seconds.
    pub lease: Option<u32>,
    /// What was decided.
    pub decision: DecisionKind,
    /// Every reason; never empty.
    pub reasons: Vec<Reason>,
    /// The anchor finding in words.
    pub message: String,
    /// ATT&CK ids of the anchor finding.
    pub techniques: Vec<String>,
    /// Ids of the events that show it, the row's own first.
    pub evidence: Vec<String>,
    /// The generation that decided.
    pub generation: u64,
}

impl DecisionLine {
    /// Whether an observing action is executed: it informs people and changes nothing.
    #[must_use]
    pub fn observes(&self) -> bool {
        self.decision == DecisionKind::Execute
            && self.action.is_some_and(|action| action.class() == ActionClass::Observe)
    }

    /// The line of a decision of a generation on an incident, whose anchor finding's rule has this version; none if the
    /// incident doesn't have the decision's finding or subject.
    #[must_use]
    pub fn new(generation: u64, rule_version: &str, incident: &Incident, decision: &Decision) -> Option<DecisionLine> {
        let anchor = &incident.findings.get(decision.anchor)?.finding;
        let subject = incident.subjects.get(decision.subject)?;
        Some(DecisionLine {
            event_id: anchor.event_id.clone(),
            event_time: anchor.event_time,
            rule: anchor.rule.clone(),
            rule_version: rule_version.to_owned(),
            identity: identity(subject),
            account: subject.account.clone(),
            identity_type: subject.identity.identity_type,
            tier: subject.identity.tier,
            usage: subject.usage,
            role: subject.role,
            evidence_role: subject.evidence_role,
            signal_class: anchor.signal_class,
            severity: anchor.severity,
            confidence: decision.confidence,
            floor: decision.floor,
            response_rule: decision.response_rule.clone(),
            requested_action: decision.requested_action,
            action: decision.action,
            lease: decision.lease,
            decision: decision.kind,
            reasons: decision.reasons.clone(),
            message: anchor.message.clone(),
            techniques: anchor.techniques.clone(),
            evidence: evidence(anchor),
            generation,
        })
    }
}

/// An event of a run, other than a decision, that people should know of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Notice {
    /// A row was set aside for one rule, because the rule failed on it alone.
    RowSetAside {
        /// The rule.
        rule: RuleId,
        /// Why the row came; left out for an event.
        #[serde(default, skip_serializing_if = "Occasion::is_event")]
        occasion: Occasion,
        /// The row's event.
        event_id: String,
        /// What failed.
        failure: countersign_model::call::FailureKind,
        /// What happened.
        message: String,
    },
    /// A finding of the host: a rule was put into quarantine, stopped or parked for rows of a source, or contradicted
    /// itself; or that such rows reach it again.
    Host {
        /// The rule.
        rule: RuleId,
        /// In words.
        message: String,
    },
    /// A finding of the host about a source: it is silent, lags or tells far less than usual; or that it is well again.
    Source {
        /// The source.
        source: SourceId,
        /// In words.
        message: String,
    },
    /// A finding of the host about its log: it isn't as it was signed.
    Log {
        /// In words.
        message: String,
    },
    /// A rule's diagnostic for its author.
    Diagnostic {
        /// The rule.
        rule: RuleId,
        /// Why the row came; left out for an event.
        #[serde(default, skip_serializing_if = "Occasion::is_event")]
        occasion: Occasion,
        /// The row's event.
        event_id: String,
        /// The severity.
        level: Level,
        /// The text.
        message: String,
    },
}

/// Describes a row: its event, and why it came if that isn't the event itself.
#[must_use]
pub fn describe_row(occasion: &Occasion, event_id: &str) -> String {
    if occasion.is_event() { format!("event `{event_id}`") } else { format!("{occasion}, on event `{event_id}`") }
}

/// Describes rows of a source that are held from a rule, of one party or of all.
#[must_use]
pub fn describe_held(source: &SourceId, rows: HeldRows, party: Option<&str>) -> String {
    let party = party.map_or_else(String::new, |party| format!(" of {}", quoted(party)));
    let proved = match rows {
        HeldRows::All => "",
        HeldRows::Authenticated => " that authenticated",
        HeldRows::Outsiders => " that nobody authenticated",
    };
    format!("rows{party} of {}{proved}", quoted(source))
}

/// A line of the output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// A finding, before the decisions about it.
    Finding(FindingLine),
    /// A decision.
    Decision(Box<DecisionLine>),
    /// A dead letter.
    DeadLetter(DeadLetter),
    /// A notice.
    Notice(Notice),
}

/// Receives the output of a session, each line after the commit that put it on record, in the order of the records. `seq`
/// is the number of the line's audit record; after an interruption lines may come again, under the same numbers. An error
/// ends the session: what is on record stays.
pub trait Observer {
    /// Receives a finding, before the decisions about it.
    ///
    /// # Errors
    /// When it can't be passed on.
    fn finding(&mut self, _seq: u64, _line: &FindingLine) -> std::io::Result<()> {
        Ok(())
    }

    /// Receives a decision.
    ///
    /// # Errors
    /// When it can't be passed on.
    fn decision(&mut self, seq: u64, line: &DecisionLine) -> std::io::Result<()>;

    /// Receives a dead letter.
    ///
    /// # Errors
    /// When it can't be passed on.
    fn dead_letter(&mut self, seq: u64, letter: &DeadLetter) -> std::io::Result<()>;

    /// Receives a notice.
    ///
    /// # Errors
    /// When it can't be passed on.
    fn notice(&mut self, seq: u64, notice: &Notice) -> std::io::Result<()>;

    /// All lines of a commit were passed: what was received must not be lost any more, as it won't come again.
    ///
    /// # Errors
    /// When it can't be kept.
    fn received(&mut self) -> std::io::Result<()> {
        Ok(())
    }

    /// Receives the number of records processed so far, after each commit.
    ///
    /// # Errors
    /// When the session is to end here.
    fn progress(&mut self, _records: u64) -> std::io::Result<()> {
        Ok(())
    }
}

impl Line {
    /// Passes it to an observer.
    pub(crate) fn pass(&self, seq: u64, observer: &mut dyn Observer) -> std::io::Result<()> {
        match self {
            Line::Finding(line) => observer.finding(seq, line),
            Line::Decision(line) => observer.decision(seq, line),
            Line::DeadLetter(letter) => observer.dead_letter(seq, letter),
            Line::Notice(notice) => observer.notice(seq, notice),
        }
    }
}

/// Ignores the output.
impl Observer for () {
    fn decision(&mut self, _: u64, _: &DecisionLine) -> std::io::Result<()> {
        Ok(())
    }

    fn dead_letter(&mut self, _: u64, _: &DeadLetter) -> std::io::Result<()> {
        Ok(())
    }

    fn notice(&mut self, _: u64, _: &Notice) -> std::io::Result<()> {
        Ok(())
    }
}

/// The end of a run. In JSON the members stand in this order after `"type":"summary"`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(tag = "type", rename = "summary")]
pub struct Summary {
    /// Events judged.
    pub events: u64,
    /// Records that became dead letters.
    pub set_aside: u64,
    /// Events that came before, or copies of an act that came before: no rule sees them again.
    pub duplicates: u64,
    /// Events with the id of an earlier one and other content. They are judged, and included in `events`.
    pub id_reused: u64,
    /// Inputs that were read from their end, as newest came first, by ordinal; left out without any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub turned: Vec<u32>,
    /// Rows set aside, by the rule that failed on them.
    pub rows_set_aside: BTreeMap<RuleId, u64>,
    /// Findings.
    pub findings: u64,
    /// Findings by rule.
    pub findings_by_rule: BTreeMap<RuleId, u64>,
    /// Decisions by kind; every kind is there.
    pub decisions: BTreeMap<&'static str, u64>,
    /// Of the executed ones, those of an action that only informs people.
    #[serde(skip)]
    pub observing: u64,
    /// Rows that rules were called with, by rule; every detection rule is there.
    pub delivered: BTreeMap<RuleId, u64>,
    /// Keys forgotten at ticks, by rule and slot; only slots with any.
    pub forgotten: BTreeMap<RuleId, BTreeMap<String, Forgotten>>,
    /// Timers pending at the end, by rule; rules without any are left out.
    pub pending_timers: BTreeMap<RuleId, u64>,
    /// Timers dropped because the rule had too many, by rule; rules without any are left out.
    pub dropped_timers: BTreeMap<RuleId, u64>,
    /// Findings that weren't delivered to subscribers because their rule had too many about one event, by rule; rules
    /// without any are left out. Otherwise they are findings like any other.
    pub withheld_findings: BTreeMap<RuleId, u64>,
    /// Keys whose state was turned into that of a newer version of their slot, by rule; rules without any are left out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub migrated_keys: BTreeMap<RuleId, u64>,
    /// Keys that began anew because their state couldn't be, by rule; rules without any are left out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub lost_keys: BTreeMap<RuleId, u64>,
    /// How often a rule was put into quarantine, stopped or parked, by rule; rules without are left out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub holds: BTreeMap<RuleId, u64>,
    /// Rows that reached no rule therefore, by rule; rules without any are left out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub held_rows: BTreeMap<RuleId, u64>,
    /// Rules that are in quarantine or stopped for a source, in order of their ids.
    pub silenced: Vec<RuleId>,
    /// Elapsed seconds. The only member that differs between runs over the same input.
    pub seconds: f64,
}

/// The result of a session.
#[derive(Clone, Debug)]
pub struct Report {
    /// The figures.
    pub summary: Summary,
    /// The head that the audit file has once it is sealed.
    pub head: Head,
    /// How much work it was to route events to rules.
    pub tally: countersign_stream::Tally,
}
