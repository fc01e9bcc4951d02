//! The closed word lists that rules, host and SDK share. Ids travel as text, so that a list can grow without
//! breaking a rule that was compiled before; the types here are the lists as this version knows them.
//!
//! No dependencies but, for the host, serde: the SDK's guests are compiled with this crate too.

mod actions;
mod context;
mod fields;
mod text_ids;
mod words;

pub use actions::{ActionParameter, ActionParameterType};
pub use context::{ContextColumn, ContextSubject, ContextTable};
pub use fields::{FIELDS, Field, FieldId, FieldType};
pub use text_ids::{TextId, UnknownId};
pub use words::{
    Action, ActionClass, DomainRole, EgressKind, EventClass, EvidenceRole, IdentityType, Keying, PartitionKey,
    Reversibility, RuleKind, Severity, SignalClass, SubjectRole, TargetLevel, Tier, Usage,
};

#[cfg(feature = "serde")]
#[doc(hidden)]
pub use serde as __serde;
