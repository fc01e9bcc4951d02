//! Compiled rules, kept from one start to the next: a directory of this user's alone, whose entries carry a MAC under a
//! key that lies beside them. Bytes in, and a checked open file out, which the engine maps. Knows no wasmtime.
//!
//! What is compiled is native code, and it is run as it lies there. So nothing is handed out that wasn't written by a
//! process with the key, for exactly the name that it is asked for by:
//!
//! - The directory is opened once, and must belong to this user and be closed to all others. Everything in it is reached
//!   through that open directory, so that another one can't be put in its place.
//! - An entry is opened once, without following a link; it must be a plain file of this user's. It is read and its MAC
//!   checked through the open file, and the same open file is mapped.
//! - An entry is never written in place: a new one is written beside it and renamed. After mapping, the file is looked at
//!   again; one that was changed meanwhile isn't used.
//!
//! Against somebody who can act as this user nothing here helps: they could read the key, or write to this process.

mod cache;
mod directory;
mod entry;
mod eviction;
mod secret;

pub use cache::{Cache, Found, Name};
pub use directory::CacheError;
pub use entry::Entry;
