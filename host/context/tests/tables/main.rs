//! What tables say: by row, by key and by batch, how old they are, and what is missing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod accounts;
mod databases;
mod places;
mod support;
mod writer;
