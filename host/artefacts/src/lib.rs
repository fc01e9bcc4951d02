//! Compiled rules, kept from one start to the next: a private directory of this user, whose entries carry a MAC under a
//! key that is stored beside them. Bytes in, and a checked open file out, which the engine maps. Knows no wasmtime.
//!
//! Entries are native code, which runs as it is. So a lookup returns nothing that wasn't written by a process with the
//! key, for exactly the name that is looked up:
//!
//! - The directory is opened once, and must belong to this user and be closed to all others. Everything in it is reached
//!   through that open directory, so that it can't be exchanged for another.
//! - An entry is opened once, without following a link; it must be a regular file of this user. It is read and its MAC
//!   checked through the open file, and the same open file is mapped.
//! - An entry is never written in place: a new one is written beside it and renamed. After mapping, the file is checked
//!   for changes; one that was changed isn't used.
//!
//! This doesn't protect against an attacker who can act as this user: they could read the key, or write to this process.

mod cache;
mod directory;
mod entry;
mod eviction;
mod secret;

pub use cache::{Cache, Lookup, Name};
pub use directory::CacheError;
pub use entry::Entry;
