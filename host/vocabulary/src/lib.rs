//! The closed word lists that rules, host and SDK share. Ids travel as text, so that a list can grow without
//! breaking a rule that was compiled before; the types here are the lists as this version knows them.
//!
//! No dependencies: the SDK's guests are compiled with this crate too.

mod actions;
mod context;
mod fields;
mod words;

pub use actions::{ActionParameter, ActionParameterType};
pub use context::{ContextColumn, ContextSubject, ContextTable};
pub use fields::{FIELDS, Field, FieldId, FieldType};
pub use words::{
    Action, ActionClass, DomainRole, EgressKind, EventClass, EvidenceRole, IdentityType, Keying, PartitionKey,
    Reversibility, RuleKind, Severity, SignalClass, SubjectRole, TargetLevel, Tier, Usage,
};
