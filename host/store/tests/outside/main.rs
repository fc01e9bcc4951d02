//! The stores as their callers see them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, which clippy takes for other code")]

mod common;
mod export;
mod files;
mod killed;
mod log;
mod speed;
mod sqlite;
mod suite;
