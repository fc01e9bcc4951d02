//! The binary from outside: what it prints, and how it exits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod audit;
mod configuration;
mod context;
mod demo;
mod directory;
mod events;
mod export;
mod failing_disk;
mod generate;
mod kept;
mod killed;
mod loading;
mod network;
mod newcomer;
mod odd_records;
mod planned;
mod private;
mod recorded;
mod records;
mod replay;
mod repro;
mod rule_set;
mod rules;
mod served;
mod shown;
mod signed;
mod sources;
mod standing;
mod state;
mod support;
mod time;
mod tools;
mod usage;
