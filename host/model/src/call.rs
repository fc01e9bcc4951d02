//! A call of a detection rule as plain data: what goes in, what comes out. The shapes are those of `wit/detection.wit`,
//! where units and ranges stand; the engine turns them into its own and back, and evidence bundles hold them by value.

use countersign_vocabulary::{EvidenceRole, Keying, Severity, SubjectRole, text_ids};
use serde::{Deserialize, Serialize};

use crate::digest::hex_bytes;

/// The key index of a row without a key.
pub const NO_KEY: u32 = u32::MAX;

/// The arguments of a detection rule's call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectionCall {
    /// The rows to judge.
    pub batch: Batch,
    /// One a declared slot, in declared order.
    pub state: Vec<SlotState>,
    /// One a declared parameter, in declared order.
    pub parameters: Vec<Parameter>,
    /// What the rule was built with.
    #[serde(with = "hex_bytes")]
    pub data: Vec<u8>,
    /// One a declared context table, in declared order.
    pub context: Vec<ContextTable>,
}

/// Rows, column by column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// See [`schema_hash`].
    pub schema_hash: u64,
    /// The host's facts about each row.
    pub rows: Rows,
    /// One a declared field, in declared order.
    pub columns: Vec<Column>,
}

impl Batch {
    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.references.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.references.is_empty()
    }
}

/// The host's facts about each row: every list has one member a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// References.
    pub references: Vec<u64>,
    /// Event times, microseconds.
    pub event_times: Vec<i64>,
    /// Ingest times, microseconds.
    pub ingest_times: Vec<i64>,
    /// Watermarks, microseconds.
    pub watermarks: Vec<i64>,
    /// Key indices, [`NO_KEY`] for a row without a key.
    pub keys: Vec<u32>,
    /// Kinds; none where every row is an event in order.
    pub kinds: Option<Vec<RowKind>>,
}

/// What a row is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowKind {
    /// An event in order.
    Event,
    /// An event older than its source's watermark.
    Late,
    /// A timer, by its declared id.
    Timer(String),
    /// A finding of a rule subscribed to.
    Finding,
}

/// The values of one field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// One a row.
    pub values: Values,
    /// Which of them are present; none where all are.
    pub masks: Option<Masks>,
}

/// Values, one a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Values {
    /// Unsigned numbers.
    Unsigned(Vec<u64>),
    /// Signed numbers.
    Signed(Vec<i64>),
    /// Floating point numbers.
    Float(#[serde(with = "float_bits")] Vec<f64>),
    /// Booleans as bit words.
    Bits(Vec<u64>),
    /// Texts one after another.
    Text(TextArena),
    /// Distinct texts and an index a row.
    Dictionary {
        /// The distinct texts.
        entries: TextArena,
        /// Which of them each row has.
        indices: Vec<u32>,
    },
    /// Lists of texts.
    TextLists {
        /// All items one after another.
        items: TextArena,
        /// Where each row's items begin, counted in items; rows + 1 members.
        rows: Vec<u32>,
    },
    /// Microseconds since 1970-01-01T00:00:00Z.
    Timestamps(Vec<i64>),
    /// Two words an address, the more significant first; IPv4 mapped.
    Addresses(Vec<u64>),
    /// Bodies.
    Raw {
        /// Their kind.
        kind: RawKind,
        /// One after another.
        #[serde(with = "hex_bytes")]
        bytes: Vec<u8>,
        /// Byte offsets, rows + 1 members.
        offsets: Vec<u32>,
    },
}

text_ids! {
    /// How a raw body is written.
    pub enum RawKind {
        /// JSON text.
        Json = "json",
        /// Bytes of no stated form.
        Binary = "binary",
    }
}

/// Bit words over the rows of a column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Masks {
    /// Set where there is a value of the declared type.
    pub present: Vec<u64>,
    /// Set where there was a value of another type.
    pub wrong_type: Vec<u64>,
}

/// Texts one after another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextArena {
    /// All bytes.
    pub bytes: String,
    /// Byte offsets, texts + 1 members.
    pub offsets: Vec<u32>,
}

impl Default for TextArena {
    fn default() -> Self {
        TextArena { bytes: String::new(), offsets: vec![0] }
    }
}

impl TextArena {
    /// Adds a text and returns its index. Texts past 4 GiB in all are cut to nothing.
    pub fn push(&mut self, text: &str) -> u32 {
        if u32::try_from(self.bytes.len() + text.len()).is_ok() {
            self.bytes.push_str(text);
        }
        self.offsets.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
        u32::try_from(self.offsets.len() - 2).unwrap_or(u32::MAX)
    }
}

/// The state of one slot for the keys of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotState {
    /// Blobs one after another; empty for a key without state.
    #[serde(with = "hex_bytes")]
    pub blobs: Vec<u8>,
    /// Byte offsets, keys + 1 members.
    pub blob_offsets: Vec<u32>,
    /// Kept references.
    pub kept: Vec<u64>,
    /// Offsets in references, keys + 1 members.
    pub kept_offsets: Vec<u32>,
}

/// A parameter's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Parameter {
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Decimal(f64),
    /// Text.
    Text(String),
    /// A list of texts.
    TextList(Vec<String>),
    /// Microseconds, 0 or more.
    Duration(i64),
}

/// One declared context table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextTable {
    /// What its rows stand for.
    pub keying: Keying,
    /// The number of rows; 0 when the host has no such table.
    pub rows: u32,
    /// Whether its rows are available.
    pub availability: TableAvailability,
    /// The declared columns; none when the host has no such table.
    pub columns: Vec<Column>,
}

impl ContextTable {
    /// A table that the host doesn't have.
    #[must_use]
    pub fn missing(keying: Keying) -> ContextTable {
        let availability = TableAvailability::Whole(Availability::Missing);
        ContextTable { keying, rows: 0, availability, columns: Vec::new() }
    }
}

/// Whether the rows of a context table are available.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TableAvailability {
    /// The same for all rows.
    Whole(Availability),
    /// One a row.
    Each(Vec<Availability>),
}

impl TableAvailability {
    /// Of these rows, given once where they all agree.
    #[must_use]
    pub fn of(rows: Vec<Availability>) -> TableAvailability {
        match rows.split_first() {
            Some((first, rest)) if rest.iter().all(|one| one == first) => TableAvailability::Whole(*first),
            Some(_) => TableAvailability::Each(rows),
            None => TableAvailability::Whole(Availability::Missing),
        }
    }

    /// Whether every row is available and not too old.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        let fresh = |one: &Availability| matches!(one, Availability::Fresh(_));
        match self {
            TableAvailability::Whole(one) => fresh(one),
            TableAvailability::Each(rows) => rows.iter().all(fresh),
        }
    }
}

/// Whether something is available, and the time it is as of, microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Availability {
    /// Not available.
    Missing,
    /// Older than declared.
    Stale(i64),
    /// Not older than declared.
    Fresh(i64),
}

/// What a detection rule returned, after validation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectionAnswer {
    /// Findings, in the rule's order.
    pub findings: Vec<AnswerFinding>,
    /// Changed state, by slot.
    pub states: Vec<SlotChanges>,
    /// Timers set, moved or cancelled.
    pub timers: Vec<AnswerTimer>,
    /// For the author.
    pub diagnostics: Vec<Diagnostic>,
}

/// A finding as the rule gave it: ids are still text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerFinding {
    /// Row of the batch.
    pub row: u32,
    /// Signal class id.
    pub signal_class: String,
    /// As given; valid up to 100.
    pub confidence: u8,
    /// Severity.
    pub severity: Severity,
    /// Which party to the row's event it is about.
    pub subject: SubjectRole,
    /// References.
    pub evidence: Vec<u64>,
    /// ATT&CK ids.
    pub techniques: Vec<String>,
    /// For people.
    pub message: String,
    /// A weaker evidence role.
    pub evidence_role: Option<EvidenceRole>,
}

/// New state of some keys of a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotChanges {
    /// Slot in declared order.
    pub slot: u32,
    /// Changed keys, rising.
    pub keys: Vec<u32>,
    /// New blobs one after another; empty forgets.
    #[serde(with = "hex_bytes")]
    pub blobs: Vec<u8>,
    /// Byte offsets, changed keys + 1 members.
    pub blob_offsets: Vec<u32>,
    /// References to keep.
    pub kept: Vec<u64>,
    /// Offsets in references, changed keys + 1 members.
    pub kept_offsets: Vec<u32>,
}

/// A timer to set, move or cancel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerTimer {
    /// The row that sets it.
    pub row: u32,
    /// Declared id.
    pub id: String,
    /// When, microseconds; none cancels.
    pub at: Option<i64>,
}

/// Something for the rule's author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diagnostic {
    /// The row it is about.
    pub row: u32,
    /// Its severity.
    pub level: Level,
    /// The text.
    pub message: String,
}

text_ids! {
    /// The severity of a diagnostic.
    pub enum Level {
        /// For information.
        Information = "information",
        /// Unusual.
        Warning = "warning",
        /// Wrong.
        Error = "error",
    }
}

/// Why a call gave no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallFailure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// What happened, with the guest's panic message where there is one.
    pub message: String,
}

text_ids! {
    /// The kinds of failure of a call.
    pub enum FailureKind {
        /// The guest trapped; a panic does too.
        Trap = "trap",
        /// The declared fuel was used up.
        FuelExhausted = "fuel-exhausted",
        /// More memory was asked for than declared.
        MemoryExceeded = "memory-exceeded",
        /// More output than declared.
        OutputExceeded = "output-exceeded",
        /// The stack overflowed.
        StackOverflow = "stack-overflow",
        /// The call ran past the host's deadline.
        Deadline = "deadline",
        /// The answer broke the contract.
        InvalidAnswer = "invalid-answer",
        /// What it was given and answered is too large to be put on record.
        TooLarge = "too-large",
    }
}

/// Judges batches: the engine with a component, or the same code compiled natively.
pub trait Detector {
    /// Judges a batch. The answer is as the rule gave it; the caller checks whether it keeps the contract.
    ///
    /// # Errors
    /// When the call gave no answer.
    fn detect(&self, call: &DetectionCall) -> Result<DetectionAnswer, CallFailure>;

    /// Turns a state blob of an older version of a slot into one of the declared version.
    ///
    /// # Errors
    /// When the call gave no answer, or the rule can't.
    fn migrate(&self, slot: u32, from_version: u32, blob: &[u8]) -> Result<Vec<u8>, CallFailure>;
}

/// The schema hash of declared columns: the first eight bytes, big-endian, of SHA-256 over `path type\n` for each.
#[must_use]
pub fn schema_hash(fields: &[countersign_vocabulary::FieldId]) -> u64 {
    let text: String = fields.iter().map(|id| format!("{} {}\n", id.field().path, id.field().ty.id())).collect();
    crate::Digest::of(text.as_bytes()).prefix_u64()
}

/// Floating point numbers by their bits, so that every one survives JSON.
mod float_bits {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(|value| value.to_bits()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        Ok(Vec::<u64>::deserialize(deserializer)?.into_iter().map(f64::from_bits).collect())
    }
}
