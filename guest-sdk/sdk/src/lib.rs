//! The SDK for Countersign rules.
//!
//! A rule is a crate with a `rule.toml` beside its `Cargo.toml` and one function. The guide
//! `docs/guides/writing-a-rule.md` takes one from an empty folder to reviewed cases; this page shows the parts.
//!
//! # A detection
//!
//! ```
//! # fn main() {}
//! use countersign_sdk::prelude::*;
//!
//! # countersign_sdk::rule!("tests/rules/denied.toml");
//! # #[cfg(any())]
//! countersign_sdk::rule!();
//!
//! #[derive(State)]
//! #[state(slot = "denied")]
//! struct Denied {
//!     count: SlidingCount<10>,
//! }
//!
//! #[detection]
//! fn detect(event: &Event, denied: &mut Slot<Denied>, cx: &mut Context) {
//!     let parameters = cx.parameters();
//!     denied.keep(event.reference());
//!     let count = denied.count.add(event.time(), parameters.window);
//!     if count as i64 == parameters.threshold {
//!         let operation = event.api_operation().unwrap_or("an unnamed operation");
//!         let finding = Finding::new(class::Token, 70)
//!             .severity(Severity::High)
//!             .evidence_all(denied.kept())
//!             .message(format!("{count} denied calls, the last of {operation}"));
//!         cx.report(finding);
//!     }
//! }
//! ```
//!
//! - [`rule!`] reads `rule.toml` at compile time. It generates the marker `Rule`, the types `Event`, `Context`,
//!   `Finding` and `Parameters` (for a response rule `Incident`, `Context`, `Proposal` and `Parameters`), and the modules
//!   `technique`, `timer` and `tables`. A field, signal class, action, technique or timer that isn't declared doesn't
//!   compile.
//! - [`macro@detection`] makes the function the rule's entry point. It takes a [`Slot`] for each state slot that it uses.
//! - [`derive(State)`](macro@State) gives state a fixed layout; see [`state`]. The windows [`SlidingCount`],
//!   [`SlidingDistinct`], [`DistinctCount`] and [`RecentTimes`] can be part of it.
//! - [`Context`] has the parameters and tables, and takes findings, timers and diagnostics.
//!
//! # Timers
//!
//! A timer fires as a row of its own, so that a rule can act on what doesn't happen.
//!
//! ```
//! # fn main() {}
//! # use countersign_sdk::prelude::*;
//! # countersign_sdk::rule!("tests/rules/denied.toml");
//! #[detection]
//! fn detect(event: &Event, cx: &mut Context) {
//!     if event.is_timer(&timer::QUIET) {
//!         cx.report(Finding::new(class::Token, 50).message("one denied call, then silence"));
//!     } else {
//!         cx.set_timer(timer::QUIET, event.time() + cx.parameters().window);
//!     }
//! }
//! ```
//!
//! # Tables and other rules' findings
//!
//! Context tables are the operator's facts. The findings of rules that `subscribes` names are rows too.
//!
//! ```
//! # fn main() {}
//! # use countersign_sdk::prelude::*;
//! # countersign_sdk::rule!("tests/rules/denied.toml");
//! #[detection]
//! fn detect(event: &Event, cx: &mut Context) {
//!     let egress = cx.tables().egress().for_row();
//!     let network = egress.and_then(|egress| egress.name()).unwrap_or("an unknown network");
//!     if event.is_finding() {
//!         cx.report(Finding::new(class::Token, 60).message(format!("another rule's finding, from {network}")));
//!     }
//! }
//! ```
//!
//! # A response rule
//!
//! ```
//! # fn main() {}
//! use countersign_sdk::prelude::*;
//!
//! # countersign_sdk::rule!("tests/rules/answers.toml");
//! # #[cfg(any())]
//! countersign_sdk::rule!();
//!
//! #[response]
//! fn respond(incident: &Incident, cx: &mut Context) {
//!     for subject in incident.subjects() {
//!         let strongest = incident.actions_for(subject).rev().find(|one| one.class() == ActionClass::Contain);
//!         if let Some(available) = strongest {
//!             cx.propose(Proposal::of(&available).lease(Duration::from_secs(3_600)).reason("the strongest action"));
//!         }
//!     }
//! }
//! ```
//!
//! # Tests
//!
//! On `wasm32` the crate exports its world. Natively nothing is exported, so that any number of rules link into one
//! binary; the same entry point is the function `evaluate` (of a response rule, `propose`), and [`testing`] feeds it
//! rows.

mod accessors;
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
mod window;

#[cfg(target_arch = "wasm32")]
mod allocator;

pub use accessors::{action, actions, class, classes, fields};
pub use column::Texts;
pub use context::Context;
pub use countersign_sdk_macros::{State, detection, response, rule};
pub use countersign_vocabulary as vocabulary;
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
pub use window::{DistinctCount, RecentTimes, SlidingCount, SlidingDistinct};

/// The version of the WIT that this SDK implements.
pub const API_VERSION: &str = "0.1.0";

/// The names that nearly every rule needs.
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
