//! What can be recorded. Every type here is part of the file's format: fields are written in the order they have here,
//! and a change of any is a new format.

use countersign_model::call::{FailureKind, Level};
use countersign_model::vocabulary::{EvidenceRole, RuleKind, Severity, SignalClass, SubjectRole};
use countersign_model::{
    Account, ContextState, Decision, Digest, DigestKey, Evidence, Finding, Occasion, RuleId, RuleIdentity, Timestamp,
};
use serde::{Deserialize, Serialize};

/// The number of the format that this version writes and reads.
pub const FORMAT: u32 = 2;

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
    /// A rule failed on so many accounts that it is no longer heard.
    Quarantine(Quarantine),
    /// A rule gave two answers to one question.
    NotDeterministic(NotDeterministic),
    /// A rule ran past the wall-clock backstop twice and was stopped. An input: recomputing takes it from here.
    RuleStopped(RuleStopped),
    /// A rule said something to its author.
    Diagnostic(DiagnosticRecord),
    /// A telemetry record couldn't be used.
    DeadLetter(DeadLetter),
    /// The host found something about itself.
    HostFinding(HostFinding),
    /// An input was worked off to its end.
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
    /// Of this product at a version, under a key.
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
    /// Its number, from 1.
    pub number: u64,
    /// The position of the first event that it judges.
    pub position: u64,
    /// Its rules, by id.
    pub rules: Vec<GenerationRule>,
    /// Names the blob of the policy's text.
    pub policy: Digest,
    /// Names the blob of the directory facts' text; none without any.
    pub identities: Option<Digest>,
    /// Names the blob of the capability tables.
    pub capabilities: Digest,
    /// The files that context tables are made of, by table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<ContextFile>,
    /// What ran the rules, with its version, such as `wasmtime 48.0.0`.
    pub engine: String,
    /// The package of the rules' interfaces, such as `countersign:rules@0.1.0`.
    pub interface: String,
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
}

/// Where the bytes of a rule lie, before the first record of what it did: with them that can be made again. Of rules that
/// nothing came of, the generation's digests are all that is kept. Every response rule has one, as it has a say in what
/// is decided even where it says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Where in the stream the rule did something for the first time.
    pub position: u64,
    /// The rule.
    pub rule: RuleId,
    /// Names the blob of the component's bytes, sections included.
    pub component: Digest,
}

/// A finding: enough to find it by and to see what it rests on. Its message is in the bundle.
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
    /// What brought the row about; left out for an event.
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
    /// Whom it is about.
    pub role: SubjectRole,
    /// The subject's account; none when unresolved.
    pub account: Option<Account>,
    /// How the subject is tied to the evidence.
    pub evidence_role: EvidenceRole,
    /// The events that show it; the row's own first.
    pub evidence: Vec<EvidenceRecord>,
    /// ATT&CK ids.
    pub techniques: Vec<String>,
    /// What context the rule lacked.
    pub context: ContextState,
    /// Names the blob of the evidence bundle.
    pub bundle: Digest,
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
    /// The same under the file's key.
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
    /// Of a finding of a generation, with the account that its subject resolved to and the name of its bundle.
    #[must_use]
    pub fn new(
        generation: u64,
        finding: &Finding,
        account: Option<Account>,
        bundle: Digest,
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
        }
    }
}

/// A finding by its place in the stream.
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

/// A decision with what it rests on.
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
    /// The response rules asked, in order: the one that proposed, or all of them where nobody proposed anything.
    pub responses: Vec<ResponseReference>,
    /// What was decided, with every reason.
    pub decision: Decision,
    /// Names the blob of the gate's inputs.
    pub inputs: Digest,
}

/// A response rule that was asked.
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
    /// What brought the row about; left out for an event.
    #[serde(default, skip_serializing_if = "Occasion::is_event")]
    pub occasion: Occasion,
    /// The row's event.
    pub event_id: String,
    /// What failed.
    pub failure: FailureKind,
    /// What happened, with the rule's own panic message where it left one.
    pub message: String,
}

/// A rule that is no longer heard from a position on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// Position of the failure that reached the threshold.
    pub position: u64,
    /// The rule.
    pub rule: RuleId,
    /// The distinct accounts that authenticated a row on which it failed.
    pub failing_accounts: u64,
    /// The distinct accounts that authenticated a row which it was shown.
    pub accounts: u64,
    /// The threshold's share, percent.
    pub share: u8,
    /// The threshold's least number of failing accounts.
    pub least: u64,
}

/// A rule that gave two answers to one question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotDeterministic {
    /// Position of the first row on which they differ.
    pub position: u64,
    /// The rule.
    pub rule: RuleId,
    /// What brought the row about; left out for an event.
    #[serde(default, skip_serializing_if = "Occasion::is_event")]
    pub occasion: Occasion,
    /// How they differ.
    pub message: String,
}

/// A rule stopped by the wall-clock backstop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleStopped {
    /// Position of the row on which it ran over alone; it is shown no later row.
    pub position: u64,
    /// The rule.
    pub rule: RuleId,
    /// What brought the row about; left out for an event.
    #[serde(default, skip_serializing_if = "Occasion::is_event")]
    pub occasion: Occasion,
    /// The row's event.
    pub event_id: String,
    /// What happened.
    pub message: String,
}

/// What a rule said to its author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiagnosticRecord {
    /// Position of the row.
    pub position: u64,
    /// The rule.
    pub rule: RuleId,
    /// What brought the row about; left out for an event.
    #[serde(default, skip_serializing_if = "Occasion::is_event")]
    pub occasion: Occasion,
    /// Place among the rule's diagnostics on that row, from 0.
    pub index: u32,
    /// How grave.
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
    /// The reason in words.
    pub reason: String,
}

/// Something that the host found about itself: no subject, and class evasion, because a blind rule serves whoever
/// blinded it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostFinding {
    /// Position at which it holds.
    pub position: u64,
    /// What it is.
    pub kind: HostFindingKind,
    /// Always evasion today.
    pub signal_class: SignalClass,
    /// Severity.
    pub severity: Severity,
    /// The rule that it is about.
    pub rule: Option<RuleId>,
    /// For people.
    pub message: String,
}

/// What the host can find about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostFindingKind {
    /// A rule went into quarantine.
    RuleQuarantined,
    /// A rule was stopped by the wall-clock backstop.
    RuleStopped,
    /// A rule isn't deterministic.
    RuleNotDeterministic,
}

/// An input worked off to its end: what was judged, without saying where it lay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Which, from 0.
    pub input: u32,
    /// Its records, dead letters and duplicates included.
    pub records: u64,
    /// The records that came before, byte for byte or in all but their time of receipt, and so were judged no second time.
    pub duplicates: u64,
    /// The bytes of its records after decompression; what stands between them isn't counted.
    pub bytes: u64,
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
            Record::NotDeterministic(_) => "not-deterministic",
            Record::RuleStopped(_) => "rule-stopped",
            Record::Diagnostic(_) => "diagnostic",
            Record::DeadLetter(_) => "dead-letter",
            Record::HostFinding(_) => "host-finding",
            Record::Input(_) => "input",
            Record::Seal(_) => "seal",
        }
    }

    /// The blobs that it names, in the order in which it names them.
    #[must_use]
    pub fn blobs(&self) -> Vec<Digest> {
        match self {
            Record::Generation(generation) => {
                [generation.policy].into_iter().chain(generation.identities).chain([generation.capabilities]).collect()
            }
            Record::Component(component) => vec![component.component],
            Record::Finding(finding) => vec![finding.bundle],
            Record::Decision(decision) => {
                decision.responses.iter().map(|response| response.bundle).chain([decision.inputs]).collect()
            }
            _ => Vec::new(),
        }
    }
}
