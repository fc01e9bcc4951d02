//! What a rule declares. `rule.toml` becomes a [`Declaration`]; a declaration becomes the bytes of the section
//! `countersign-declaration`; admission reads them back. All faults are reported at once.

pub mod declaration;
pub mod reasons;

pub use declaration::{
    ContextWanted, Declaration, Filter, Limits, Literal, ParameterDeclaration, ParameterRange, Slot, Subscription,
    Test, Timers, WhenFull,
};
pub use reasons::{Refusal, RefusalCode};
