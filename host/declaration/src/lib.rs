//! What a rule declares. `rule.toml` becomes a [`Declaration`]; a declaration becomes the bytes of the section
//! `countersign-declaration`; admission reads them back. All faults are reported at once.
//!
//! `docs/reference/rule.md` is the reference of `rule.toml` for authors of rules.

mod ceilings;
mod content;
pub mod declaration;
mod filter;
mod fold;
mod network;
mod parameters;
mod parse;
mod parts;
mod permissions;
mod range;
mod reader;
pub mod reasons;
mod section;

pub use countersign_document::quoted;

pub use ceilings::{Ceilings, Kept, check_ceilings, check_peek_ceilings};
pub use declaration::{
    ContextWanted, Declaration, Filter, Limits, Literal, ParameterDeclaration, ParameterRange, Slot, Subscription,
    Test, Timers, WhenFull,
};
pub use fold::{fold_case, fold_char};
pub use network::{Network, NetworkFault};
pub use parameters::{parameters_digest, resolve_nodes, resolve_parameters};
pub use parse::{MAX_BYTES, Peek, parse_section, parse_toml, peek};
pub use permissions::Permissions;
pub use range::{Bound, Range, Span, float_key};
pub use reasons::{Refusal, RefusalCode};
pub use section::{FORMAT, to_section};
