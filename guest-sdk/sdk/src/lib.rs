//! What the author of a Countersign rule writes against.
//!
//! A rule is a crate with a `rule.toml` beside its `Cargo.toml` and one function:
//!
//! ```ignore
//! use countersign_sdk::prelude::*;
//!
//! countersign_sdk::rule!();
//!
//! #[derive(State)]
//! #[state(slot = "window")]
//! struct Window {
//!     denied: SlidingCount<12>,
//! }
//!
//! #[detection]
//! fn detect(event: &Event, window: &mut Slot<Window>, cx: &mut Context) {
//!     let parameters = cx.parameters();
//!     if window.denied.add(event.time(), parameters.window) >= 10 {
//!         cx.find(Finding::new(class::Token, 70).message("ten denied calls"));
//!     }
//! }
//! ```
//!
//! [`rule!`] reads `rule.toml` while compiling, and makes of it the marker `Rule`, the names `Event`, `Context`,
//! `Finding` and `Parameters` (for a response rule `Incident`, `Context`, `Proposal` and `Parameters`), and the modules
//! `technique`, `timer` and `tables`. A field, signal class, action, technique or timer that isn't declared doesn't
//! compile.
//!
//! On `wasm32` the crate exports its world. Natively nothing is exported, so that any number of rules link into one
//! binary; the same entry is the function `evaluate` (of a response rule, `propose`), and [`testing`] feeds it rows.

pub mod bindings;
pub mod cloudtrail;
pub mod collections;
mod column;
mod context;
mod detection;
mod event;
mod finding;
mod incident;
pub mod json;
mod panic;
pub mod parameters;
mod proposal;
mod response;
pub mod rule;
pub mod sign_in;
mod slot;
pub mod state;
pub mod tables;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod time;
mod vocabulary;
mod window;

#[cfg(target_arch = "wasm32")]
mod allocator;

pub use column::Texts;
pub use context::Context;
pub use countersign_sdk_macros::{State, detection, response, rule};
pub use countersign_vocabulary as words;
#[doc(hidden)]
pub use detection::for_each_row as __for_each_row;
pub use detection::{evaluate, migrate};
pub use event::{Event, Kind, Reference};
pub use finding::Finding;
pub use incident::{Available, Identity, Incident, IncidentFinding, Lease, Outcome, StepResult, Subject};
pub use json::Json;
pub use panic::{PANIC_MAGIC, PANIC_TEXT_BYTES, install_panic_hook};
pub use proposal::Proposal;
pub use response::{ResponseContext, propose};
pub use rule::{Technique, Timer};
pub use slot::Slot;
#[doc(hidden)]
pub use slot::{SlotTable, in_declared_order as __in_declared_order, migrate_slot as __migrate_slot};
pub use time::{Duration, Timestamp};
pub use vocabulary::{action, actions, class, classes, fields};
pub use window::{DistinctCount, RecentTimes, SlidingCount, SlidingDistinct};

/// The version of the WIT that this SDK speaks.
pub const API_VERSION: &str = "0.1.0";

/// What nearly every rule needs.
pub mod prelude {
    pub use countersign_vocabulary::{
        Action, ActionClass, EvidenceRole, IdentityType, Reversibility, Severity, SignalClass, SubjectRole as Role,
        Tier, Usage,
    };

    pub use crate::{
        Available, DistinctCount, Duration, Json, Kind, RecentTimes, Reference, SlidingCount, SlidingDistinct, Slot,
        State, StepResult, Subject, Timestamp, action, class, detection, response,
    };
}
