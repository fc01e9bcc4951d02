//! Tests of a rule without a host: rows from field values, state carried from one call to the next. Native only.
//!
//! A detection is fed rows, in a [`Harness`] or by the functions of this module; a response rule is given incidents, by
//! [`incident`] and [`ResponseHarness`].
//!
//! ```
//! use countersign_sdk::prelude::*;
//! use countersign_sdk::testing::{Harness, Row, check, only_finding, row};
//!
//! # countersign_sdk::rule!("tests/rules/denied.toml");
//! # #[cfg(any())]
//! countersign_sdk::rule!();
//!
//! #[derive(State)]
//! #[state(slot = "denied")]
//! struct Denied {
//!     count: u32,
//! }
//!
//! #[detection]
//! fn detect(event: &Event, denied: &mut Slot<Denied>, cx: &mut Context) {
//!     denied.count += 1;
//!     if i64::from(denied.count) == cx.parameters().threshold {
//!         cx.report(Finding::new(class::Token, 70).evidence_all(denied.kept()));
//!     }
//!     denied.keep(event.reference());
//! }
//!
//! fn call(seconds: i64) -> Row {
//!     row().key("alice").at("2026-03-04T08:00:00Z").plus_secs(seconds).api_operation("ListBuckets")
//! }
//!
//! # fn main() {
//! let rows = [call(0), call(1), call(2), call(3)];
//! // The row and the confidence of each finding.
//! check::<Rule>(&rows, &[(2, 70)]);
//! assert_eq!(only_finding::<Rule>(&rows).evidence, [0, 1]);
//! Harness::<Rule>::new().set("threshold", 5).check(&rows, &[]);
//! # }
//! ```
//!
//! Timers fire when a test lets time pass: [`Harness::advance_to`]. A finding of another rule is a row made with
//! [`Row::finding`] and its `finding_…` setters.
//!
//! The harness doesn't apply `where` or compute keys, and its slots neither expire nor fill up: cases, run by
//! `countersign rule test`, have all of the host.

mod columns;
mod harness;
mod incident;
mod row;
mod settings;
mod tables;

pub use harness::{Harness, Reported};
pub use incident::{IncidentBuilder, Proposed, ResponseHarness, incident};
pub use row::{Row, Value, address, row, time};

use crate::rule::Detection;

/// The findings of the rule with its default parameters: [`Harness::feed`] in a new harness.
///
/// # Panics
/// As [`Harness::feed`] does.
#[must_use]
pub fn findings<R: Detection>(rows: &[Row]) -> Vec<Reported> {
    Harness::<R>::new().feed(rows)
}

/// The finding of the rule with its default parameters.
///
/// # Panics
/// When there is none or more than one, and as [`Harness::feed`] does.
#[must_use]
#[track_caller]
#[expect(clippy::panic, reason = "for tests")]
pub fn only_finding<R: Detection>(rows: &[Row]) -> Reported {
    match <[Reported; 1]>::try_from(findings::<R>(rows)) {
        Ok([finding]) => finding,
        Err(findings) => panic!("expected one finding, got {findings:#?}"),
    }
}

/// Expects exactly these findings of the rule with its default parameters: the row and the confidence of each.
///
/// # Panics
/// When the findings are others, and as [`Harness::feed`] does.
#[track_caller]
pub fn check<R: Detection>(rows: &[Row], expected: &[(usize, u8)]) {
    Harness::<R>::new().check(rows, expected);
}

/// Expects that the rows leave state of this many bytes for a key in the first slot. State outlives the rule's code:
/// another size or order of its parts needs another version of the slot, and a migration.
///
/// # Panics
/// When the state is of another size or there is none, and as [`Harness::feed`] does.
#[track_caller]
pub fn check_state_size<R: Detection>(rows: &[Row], key: &str, expected: usize) {
    let mut harness = Harness::<R>::new();
    harness.feed(rows);
    assert_eq!(harness.state_bytes(0, key).map(<[u8]>::len), Some(expected), "state of `{key}`");
}
