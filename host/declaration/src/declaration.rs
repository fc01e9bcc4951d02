//! The parsed declaration: every default written out, every word a known one.

use countersign_model::call::Parameter;
use countersign_model::vocabulary::{
    Action, ContextTable, EventClass, FieldId, IdentityType, Keying, PartitionKey, RuleKind, SignalClass, text_ids,
};
use countersign_model::{Digest, RuleId};

use crate::network::Network;
use crate::range::Range;

/// What a rule declares. Made only by the parsers of this crate, so every invariant of its grammar holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// `publisher/name`.
    pub id: RuleId,
    /// Semantic version.
    pub version: semver::Version,
    /// Detection or response.
    pub kind: RuleKind,
    /// What it does, for people; not blank.
    pub description: String,
    /// Links, for people.
    pub references: Vec<String>,
    /// Known false positives, for people.
    pub false_positives: Vec<String>,
    /// The identity types it is for; at least one.
    pub identity_types: Vec<IdentityType>,
    /// 0–100: a finding (detection) or an incident (response) below it leads to observe actions only.
    pub confidence_floor: u8,
    /// The actions it may lead to (detection) or ask for (response); none of class remediate.
    pub actions: Vec<Action>,
    /// The signal classes that a detection emits, or that a response answers; at least one.
    pub signal_classes: Vec<SignalClass>,
    /// ATT&CK technique ids.
    pub techniques: Vec<String>,
    /// Detection: the event classes it wants; at least one, unless it only subscribes.
    pub event_classes: Vec<EventClass>,
    /// Detection: the fields it sees, in the order of the columns.
    pub fields: Vec<FieldId>,
    /// Detection: which events it wants.
    pub filter: Filter,
    /// Detection: what its state is kept by.
    pub partition_key: PartitionKey,
    /// Detection: its state slots.
    pub slots: Vec<Slot>,
    /// Detection: its timers.
    pub timers: Option<Timers>,
    /// Detection: the findings of other rules that it wants.
    pub subscribes: Vec<Subscription>,
    /// Detection: the context tables it wants.
    pub context: Vec<ContextWanted>,
    /// Its parameters, in the order in which they are passed.
    pub parameters: Vec<ParameterDeclaration>,
    /// What a call may use.
    pub limits: Limits,
    /// SHA-256 of the data section, if the rule has one; `rule build` sets it.
    pub data: Option<Digest>,
}

/// Which events a rule wants. A test on a field without a value of the declared type is false; `not` is plain negation.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Every event of the declared classes.
    Always,
    /// All of these.
    And(Vec<Filter>),
    /// Any of these.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// A test on one field.
    Test {
        /// The field; it need not be among the declared columns.
        field: FieldId,
        /// The test.
        test: Test,
        /// Whether text is compared without regard to case: only beside `eq`, `in`, `prefix`, `suffix` and `contains` on
        /// text and text lists. Then the test's own text is folded, see [`fold_case`](crate::fold_case).
        ignore_case: bool,
    },
}

/// A test on a field's value. On a text list it holds if it holds for any item; addresses compare by their
/// canonical text.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Equal to this.
    Eq(Literal),
    /// Equal to any of these; at least one.
    In(Vec<Literal>),
    /// Text that begins so.
    Prefix(String),
    /// Text that ends so.
    Suffix(String),
    /// Text that has this within.
    Contains(String),
    /// A number or time between two ends; not empty.
    Range(Range),
    /// An address in one of these networks; at least one.
    Cidr(Vec<Network>),
    /// Whether there is a value of the declared type.
    Exists(bool),
}

/// A literal of a filter; its variant agrees with the field's type.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// For text, text lists and addresses.
    Text(String),
    /// For unsigned, signed and timestamp (microseconds) fields.
    Integer(i64),
    /// For float fields; finite.
    Float(f64),
    /// For booleans.
    Boolean(bool),
}

/// A state slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its name; unique in the rule.
    pub name: String,
    /// Version of the blob's layout, from 1.
    pub version: u32,
    /// Most bytes of a key's blob, 1–65,536.
    pub max_bytes: u32,
    /// Most keys, 1–10,000,000.
    pub max_keys: u32,
    /// Most references kept with a key, 0–1,024.
    pub kept_references: u32,
    /// How long a key's state lives after its last change, microseconds of event time.
    pub ttl: i64,
    /// What happens past `max_keys`.
    pub when_full: WhenFull,
}

text_ids! {
    /// What happens at the next tick when a slot has more keys than it may.
    pub enum WhenFull {
        /// The keys changed longest ago are forgotten.
        EvictOldest = "evict-oldest",
        /// The keys first seen since the last tick are forgotten.
        Refuse = "refuse",
    }
}

/// The timers of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Their ids.
    pub ids: Vec<String>,
    /// Most that a key may have at once, 1–1,024.
    pub most_per_key: u32,
    /// How far ahead one may be set, microseconds of event time.
    pub longest: i64,
}

/// Findings of another rule that a rule wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The other rule.
    pub rule: RuleId,
    /// Of these classes; at least one.
    pub classes: Vec<SignalClass>,
}

/// A context table that a rule wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextWanted {
    /// Which.
    pub table: &'static ContextTable,
    /// What its rows stand for.
    pub keying: Keying,
    /// The columns, as places in the table's own list, in declared order.
    pub columns: Vec<usize>,
    /// Greatest age, microseconds.
    pub max_age: i64,
}

/// A parameter that the operator may set.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterDeclaration {
    /// Its name; unique in the rule.
    pub name: String,
    /// What it does, for people; not blank.
    pub meaning: String,
    /// Its value where the operator sets none; its variant is the type.
    pub default: Parameter,
    /// What values it may have.
    pub range: ParameterRange,
}

/// What values a parameter may have, ends included.
#[derive(Clone, Debug, PartialEq)]
pub enum ParameterRange {
    /// True or false.
    Boolean,
    /// Whole numbers.
    Integer {
        /// The minimum.
        min: i64,
        /// The maximum.
        max: i64,
    },
    /// Numbers.
    Decimal {
        /// The minimum.
        min: f64,
        /// The maximum.
        max: f64,
    },
    /// Text.
    Text {
        /// Most bytes.
        max_bytes: u32,
    },
    /// A list of texts.
    TextList {
        /// Most items.
        max_items: u32,
    },
    /// Microseconds.
    Duration {
        /// The minimum.
        min: i64,
        /// The maximum.
        max: i64,
    },
}

/// What a call may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of linear memory and tables.
    pub memory: u64,
    /// Fuel that one row alone may use, base included.
    pub fuel: u64,
    /// Bytes of the answer in canonical form.
    pub output: u32,
}

impl Limits {
    /// What a rule gets that declares nothing.
    pub const DEFAULT: Limits = Limits { memory: 16 << 20, fuel: 5_000_000, output: 1 << 20 };
}
