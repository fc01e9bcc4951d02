//! The stores as their callers see them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, which clippy takes for other code")]

mod common;
mod export;
mod files;
mod kept;
mod killed;
mod log;
mod private;
mod speed;
mod sqlite;
mod suite;

/// Cases of a property: few by default, because each writes stores.
pub(crate) fn cases(default: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(default)
}
