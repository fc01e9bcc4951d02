//! What can be recorded. Every type here is part of the file's format: fields are written in the order they have here,
//! and a change of any is a new format, but for a member that is left out where it has the value that files without it
//! mean.

use countersign_model::call::{FailureKind, Level};
use countersign_model::vocabulary::{EvidenceRole, RuleKind, Severity, SignalClass, SubjectRole, text_ids};
use countersign_model::{
    Account, ContextState, Decision, Digest, DigestKey, Evidence, Finding, HeldRows, HoldEnd, Occasion, RuleId,
    RuleIdentity, SourceId, Timestamp, TokenNote, Unwell,
};
use countersign_signing::Proof;
use serde::{Deserialize, Serialize};

/// The format number that this version writes. Format 3 added the records `time` and `migration`, format 4 `parked`,
/// `readmitted`, `source` and `token`, the sources of `quarantine` and `rule-stopped`, and `call` of findings.
pub const FORMAT: u32 = 4;

/// The oldest format that this version reads.
pub const OLDEST_FORMAT: u32 = 2;

/// One record of an audit file. `type` is the variant's name in kebab case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Record {
    /// What wrote the file: the first record, and only that.
    Header(Header),
    /// A generation takes effect.
    Generation(Generation),
    /// A rule did something for the first time.
    Component(Component),
    /// A detection found something.
    Finding(FindingRecord),
    /// The gate decided.
    Decision(Box<DecisionRecord>),
    /// A row was set aside for one rule.
    SetAside(SetAside),
    /// A rule failed on so many accounts of a source that it isn't called with its rows for a while.
    Quarantine(Quarantine),
    /// Rows on which a rule failed cost so much that it isn't called with a part of its source's rows for a while.
    Parked(Parked),
    /// A rule is called again with rows with which it wasn't for a while.
    Readmitted(Readmitted),
    /// A rule gave different answers to the same call.
    NotDeterministic(NotDeterministic),
    /// A rule ran past the deadline of a call twice and is stopped for a source for a while. An input: recomputing takes it
    /// from here.
    RuleStopped(RuleStopped),
    /// A rule's diagnostic, for its author.
    Diagnostic(DiagnosticRecord),
    /// A telemetry record couldn't be used.
    DeadLetter(DeadLetter),
    /// A finding of the host about itself.
    HostFinding(HostFinding),
    /// Time passed without events.
    Time(TimePassed),
    /// A source isn't well any more, or is again.
    Source(SourceStood),
    /// A token was made or revoked.
    Token(TokenChanged),
    /// A rule's state was turned into that of a newer version of a slot.
    Migration(Migration),
    /// An input was processed to its end.
    Input(Input),
    /// The file is finished: the last record, and only that. Written by [`crate::ChainWriter::seal`] alone.
    Seal(Seal),
}

/// What wrote the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`FORMAT`].
    pub format: u32,
    /// `countersign`.
    pub product: String,
    /// The product's semantic version.
    pub version: String,
    /// Fingerprint of the key of the file's keyed digests ([`DigestKey::fingerprint`]).
    pub digest_key: Digest,
    /// Whether that key is the operator's. If not, it is the documented one, and content can be guessed from digests.
    pub private: bool,
}

impl Header {
    /// For this product at a version, under a key.
    #[must_use]
    pub fn new(version: &str, key: &DigestKey) -> Header {
        Header {
            format: FORMAT,
            product: "countersign".to_owned(),
            version: version.to_owned(),
            digest_key: key.fingerprint(),
            private: !key.is_public(),
        }
    }
}

/// One immutable configuration, from a position on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generation {
    /// Its number, from 1. One that another version goes on with is on record again under its number.
    pub number: u64,
    /// The position of the first event that it judges.
    pub position: u64,
    /// Its rules, by id.
    pub rules: Vec<GenerationRule>,
    /// Names the blob of the text that says whose rules are believed; left out by versions in which nothing had to be
    /// proved and the policy held the grants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<Digest>,
    /// Names the blob of the policy's text.
    pub policy: Digest,
    /// Names the blob of the text that says what sources are bound to; left out where none says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<Digest>,
    /// Names the blob of the directory's text; none without a directory.
    pub identities: Option<Digest>,
    /// Names the blob of the capability tables.
    pub capabilities: Digest,
    /// The files that context tables are made of, by table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<ContextFile>,
    /// The engine that ran the rules, with its version, such as `wasmtime 48.0.0`.
    pub engine: String,
    /// The package of the rules' interfaces, such as `countersign:rules@0.1.0`.
    pub interface: String,
    /// The version of the gate that decided; left out for version 1, which wrote none.
    #[serde(default = "first_gate", skip_serializing_if = "is_first_gate")]
    pub gate: u32,
}

const fn first_gate() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_first_gate(gate: &u32) -> bool {
    *gate == first_gate()
}

/// A file that a context table is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextFile {
    /// The table.
    pub table: String,
    /// The digest of the file's bytes.
    pub content: Digest,
    /// Whether a blob of that name has them: of a database of addresses only what was looked up is kept, by value, in
    /// the findings' bundles.
    pub kept: bool,
}

/// A rule of a generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenerationRule {
    /// Exactly which rule.
    pub identity: RuleIdentity,
    /// Its kind.
    pub kind: RuleKind,
    /// What proves it to be its publisher's; left out by versions that asked for no proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// Names the bytes of a rule, before the first record of what it did, so that this can be recomputed. Of a rule without
/// any such record only the generation's digests are kept. Every response rule has one: proposing nothing affects
/// decisions too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Position at which the rule did something for the first time.
    pub position: u64,
    /// The rule.
    pub rule: RuleId,
    /// Names the blob of the component's bytes, sections included.
    pub component: Digest,
}

/// A finding, with its evidence by reference. Its message is in the bundle, what its rule was given and answered in the
/// call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingRecord {
    /// The generation that judged.
    pub generation: u64,
    /// Position of the row.
    pub position: u64,
    /// The rule.
    pub rule: RuleId,
    /// Place among the rule's findings at that position, from 0.
    pub index: u32,
    /// Why the row came to the rule; left out for an event.
    #[serde(default, skip_serializing_if = "Occasion::is_event")]
    pub occasion: Occasion,
    /// The row's event.
    pub event_id: String,
    /// That event's time.
    pub event_time: Timestamp,
    /// Signal class.
    pub signal_class: SignalClass,
    /// As the rule gave it, 0–100.
    pub confidence: u8,
    /// Severity.
    pub severity: Severity,
    /// Which party to the event it is about.
    pub role: SubjectRole,
    /// The subject's account; none when unresolved.
    pub account: Option<Account>,
    /// How the subject is tied to the evidence.
    pub evidence_role: EvidenceRole,
    /// The events that show it; the row's own first.
    pub evidence: Vec<EvidenceRecord>,
    /// ATT&CK ids.
    pub techniques: Vec<String>,
    /// Whether the rule lacked context.
    pub context: ContextState,
    /// Names the blob of the evidence bundle.
    pub bundle: Digest,
    /// Names the blob of the call that made it, which the findings of one call share; left out by versions that put the
    /// call into each bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Digest>,
}

/// One event that shows a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceRecord {
    /// The event's id.
    pub event_id: String,
    /// The event's time.
    pub event_time: Timestamp,
    /// Keyed digest of the 32 bytes of the raw record's SHA-256.
    pub raw: Digest,
}

impl EvidenceRecord {
    /// From evidence, under the file's key.
    #[must_use]
    pub fn new(evidence: &Evidence, key: &DigestKey) -> EvidenceRecord {
        EvidenceRecord {
            event_id: evidence.event_id.clone(),
            event_time: evidence.event_time,
            raw: key.digest(&evidence.raw.0),
        }
    }
}

impl FindingRecord {
    /// From a finding of a generation, with the account of its resolved subject and the names of its bundle and call.
    #[must_use]
    pub fn new(
        generation: u64,
        finding: &Finding,
        account: Option<Account>,
        (bundle, call): (Digest, Option<Digest>),
        key: &DigestKey,
    ) -> FindingRecord {
        FindingRecord {
            generation,
            position: finding.position,
            rule: finding.rule.clone(),
            index: finding.index,
            occasion: finding.occasion.clone(),
            event_id: finding.event_id.clone(),
            event_time: finding.event_time,
            signal_class: finding.signal_class,
            confidence: finding.confidence,
            severity: finding.severity,
            role: finding.role,
            account,
            evidence_role: finding.evidence_role,
            evidence: finding.evidence.iter().map(|evidence| EvidenceRecord::new(evidence, key)).collect(),
            techniques: finding.techniques.clone(),
            context: finding.context,
            bundle,
            call,
        }
    }
}

/// Identifies a finding by its place in the stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingReference {
    /// Position of its row.
    pub position: u64,
    /// Its rule.
    pub rule: RuleId,
    /// Place among the rule's findings at that position, from 0.
    pub index: u32,
}

impl From<&Finding> for FindingReference {
    fn from(finding: &Finding) -> Self {
        FindingReference { position: finding.position, rule: finding.rule.clone(), index: finding.index }
    }
}

/// A decision, with what it is based on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionRecord {
    /// The generation that decided.
    pub generation: u64,
    /// The incident's findings, in the stream's order.
    pub incident: Vec<FindingReference>,
    /// The event of the anchor finding's row.
    pub event_id: String,
    /// That event's time.
    pub event_time: Timestamp,
    /// The anchor finding's rule.
    pub rule: RuleIdentity,
    /// The response rules called, in order: the one that proposed, or all of them where none proposed anything.
    pub responses: Vec<ResponseReference>,
    /// What was decided, with every reason.
    pub decision: Decision,
    /// Names the blob of the gate's inputs.
    pub inputs: Digest,
}

/// A response rule that was called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseReference {
    /// Exactly which rule.
    pub rule: RuleIdentity,
    /// Names the blob of its call and answer.
    pub bundle: Digest,
}

/// A row set aside for one rule, because the rule failed on it alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetAside {
    /// Position of the row.
    pub position: u64,
    /// The rule.
    pub rule: RuleId,
    /// Why the row came to the rule; left out for an event.
    #[serde(default, skip_serializing_if = "Occasion::is_event")]
    pub occasion: Occasion,
    /// The row's event.
    pub event_id: String,
    /// What failed.
    pub failure: FailureKind,
    /// What happened, with the rule's panic message where there is one.
    pub message: String,
}

/// A rule that isn't called with a source's rows from a position on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// Position of the failure that reached the threshold.
    pub position: u64,
    /// The rule.
    pub rule: RuleId,
    /// Distinct accounts that authenticated a row on which it failed, within an hour of event time.
    pub failing_accounts: u64,
    /// Distinct accounts that authenticated a row that it was called with, within an hour.
    pub accounts: u64,
    /// The threshold's share, percent.
    pub share: u8,
    /// The threshold's minimum of failing accounts.
    pub least: u64,
    /// The source. Left out of files of format 3 and earlier: there it was for all sources, within any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceId>,
    /// The clock at which it ends. Left out of these: there it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A rule that isn't called with a part of a source's rows from a position on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parked {
    /// Position of the failure that reached the bound.
    pub position: u64,
    /// The rule.
    pub rule: RuleId,
    /// The source.
    pub source: SourceId,
    /// Which of its rows.
    pub rows: HeldRows,
    /// The account, network or name to which these belong; left out where it is about all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<String>,
    /// So many times its fuel rows on which it failed have cost within an hour of event time.
    pub calls: u64,
    /// The clock at which it ends.
    pub until: Timestamp,
}

/// A rule that is called again with rows that were held, from a position on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Readmitted {
    /// Position of the first row.
    pub position: u64,
    /// The rule.
    pub rule: RuleId,
    /// The source.
    pub source: SourceId,
    /// Which of its rows; `all` where it was in quarantine or stopped.
    pub rows: HeldRows,
    /// The account, network or name to which these belong; left out where it is about all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<String>,
    /// Why.
    pub end: HoldEnd,
}

/// A rule that gave different answers to the same call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotDeterministic {
    /// Position of the first row on which they differ.
    pub position: u64,
    /// The rule.
    pub rule: RuleId,
    /// Why the row came to the rule; left out for an event.
    #[serde(default, skip_serializing_if = "Occasion::is_event")]
    pub occasion: Occasion,
    /// How they differ.
    pub message: String,
}

/// A rule stopped for a source because it ran past the deadline of a call with a row of it, or of a call about a finding in
/// such a row: it isn't called about this source's rows from a position on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleStopped {
    /// Position of the row with which it ran past the deadline alone.
    pub position: u64,
    /// The rule.
    pub rule: RuleId,
    /// Why the row came to the rule; left out for an event.
    #[serde(default, skip_serializing_if = "Occasion::is_event")]
    pub occasion: Occasion,
    /// The row's event.
    pub event_id: String,
    /// What happened.
    pub message: String,
    /// The source. Left out of files of format 3 and earlier: there it was for all sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceId>,
    /// The clock at which it ends. Left out of these: there only other code ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A rule's diagnostic, for its author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiagnosticRecord {
    /// Position of the row.
    pub position: u64,
    /// The rule.
    pub rule: RuleId,
    /// Why the row came to the rule; left out for an event.
    #[serde(default, skip_serializing_if = "Occasion::is_event")]
    pub occasion: Occasion,
    /// Place among the rule's diagnostics on that row, from 0.
    pub index: u32,
    /// Its severity.
    pub level: Level,
    /// The text.
    pub message: String,
}

/// A telemetry record that couldn't be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetter {
    /// Which input, from 0.
    pub input: u32,
    /// Its place among the input's records, from 0.
    pub ordinal: u64,
    /// Byte offset after decompression.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
    /// Stable code of the reason.
    pub code: String,
    /// The reason as text.
    pub reason: String,
}

/// A finding of the host about itself. It has no subject, and is of class evasion, because a disabled rule helps the
/// attacker who disabled it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostFinding {
    /// Position at which it was made.
    pub position: u64,
    /// What it is.
    pub kind: HostFindingKind,
    /// Always evasion today.
    pub signal_class: SignalClass,
    /// Severity.
    pub severity: Severity,
    /// The rule that it is about.
    pub rule: Option<RuleId>,
    /// The source that it is about; left out where it is about a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceId>,
    /// For people.
    pub message: String,
}

text_ids! {
    /// What the host can find about itself.
    pub enum HostFindingKind {
        /// A rule went into quarantine for a source.
        RuleQuarantined = "rule-quarantined",
        /// A rule was parked for a part of a source's rows.
        RuleParked = "rule-parked",
        /// A rule was stopped for a source because it ran past the deadline.
        RuleStopped = "rule-stopped",
        /// A rule isn't deterministic.
        RuleNotDeterministic = "rule-not-deterministic",
        /// A source is silent, lags, or tells far less than usual.
        SourceUnwell = "source-unwell",
        /// The log or its checkpoints aren't as the host signed them.
        LogNotAsSigned = "log-not-as-signed",
    }
}

/// Time passed by the host's own clock, while no event said so. An input: recomputing takes it from here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimePassed {
    /// The position of the next event.
    pub position: u64,
    /// What the host's clock showed.
    pub at: Timestamp,
}

/// A source stands otherwise, as the host sees it by its own clock. An input: recomputing takes it from here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceStood {
    /// The position of the next event.
    pub position: u64,
    /// The source.
    pub source: SourceId,
    /// All that is wrong with it from here on; nothing where it is well.
    pub unwell: Vec<Unwell>,
}

/// What became of a token for the API over the network. An input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenChanged {
    /// The position of the next event.
    pub position: u64,
    /// What became of it: nothing by which it could be used.
    pub token: TokenNote,
}

/// What became of the state that an older version of a slot had written, when a generation took effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// The position of the first event that the generation judges.
    pub position: u64,
    /// The rule.
    pub rule: RuleId,
    /// The slot.
    pub slot: String,
    /// Keys whose state the rule turned into that of the new version.
    pub migrated: u64,
    /// Keys that begin anew, because it couldn't.
    pub failed: u64,
}

/// An input that was processed to its end: its content, without its path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Which, from 0.
    pub input: u32,
    /// Its records, dead letters and duplicates included.
    pub records: u64,
    /// Records that say what an earlier one says, however they are spelled, or are copies of an act that another recipient's
    /// record is of; they were not judged again.
    pub duplicates: u64,
    /// Bytes of its records after decompression, without what separates them.
    pub bytes: u64,
    /// Whether its records were read from the last to the first, as it was newest first; left out if not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub turned: bool,
    /// Keyed digest of the 32 bytes of a running SHA-256 over the records that became events: it begins with zeros, and
    /// each record makes it the SHA-256 of itself followed by the raw record's SHA-256.
    pub content: Digest,
}

/// The end of a finished file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// The records before this one.
    pub records: u64,
    /// SHA-256 of this line's bytes before this digest's first digit.
    pub seal: Digest,
}

impl Record {
    /// The record's type as the file has it.
    #[must_use]
    pub const fn type_id(&self) -> &'static str {
        match self {
            Record::Header(_) => "header",
            Record::Generation(_) => "generation",
            Record::Component(_) => "component",
            Record::Finding(_) => "finding",
            Record::Decision(_) => "decision",
            Record::SetAside(_) => "set-aside",
            Record::Quarantine(_) => "quarantine",
            Record::Parked(_) => "parked",
            Record::Readmitted(_) => "readmitted",
            Record::NotDeterministic(_) => "not-deterministic",
            Record::RuleStopped(_) => "rule-stopped",
            Record::Diagnostic(_) => "diagnostic",
            Record::DeadLetter(_) => "dead-letter",
            Record::HostFinding(_) => "host-finding",
            Record::Time(_) => "time",
            Record::Source(_) => "source",
            Record::Token(_) => "token",
            Record::Migration(_) => "migration",
            Record::Input(_) => "input",
            Record::Seal(_) => "seal",
        }
    }

    /// The blobs that it names, in the order in which it names them.
    #[must_use]
    pub fn blobs(&self) -> Vec<Digest> {
        match self {
            Record::Generation(generation) => {
                let files = generation.context.iter().filter(|file| file.kept).map(|file| file.content);
                let (policy, capabilities) = ([generation.policy], [generation.capabilities]);
                let texts = generation.trust.into_iter().chain(policy).chain(generation.sources);
                let texts = texts.chain(generation.identities);
                texts.chain(capabilities).chain(files).collect()
            }
            Record::Component(component) => vec![component.component],
            Record::Finding(finding) => [finding.bundle].into_iter().chain(finding.call).collect(),
            Record::Decision(decision) => {
                decision.responses.iter().map(|response| response.bundle).chain([decision.inputs]).collect()
            }
            _ => Vec::new(),
        }
    }
}
