//! From outside: what a hostile rule may try, damaged files, and files of older versions. One binary, because each links
//! the engine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod admission;
mod cases;
mod context;
mod determinism;
mod evidence;
mod fed;
mod fixtures;
mod flooded;
mod garbage;
mod guests;
mod handmade;
mod hostile;
mod numbered;
mod permissive;
mod planned;
mod polled;
mod quarantine;
mod raw;
mod real;
mod recomputed;
mod reloaded;
mod resumed;
mod rolled;
mod segments;
mod served;
mod sessions;
mod sharing;
mod stopped;
mod support;
mod swapped;
mod unwell;
mod weaponising;
