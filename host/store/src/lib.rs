//! Storage. One trait commits audit records, blobs, findings, state changes and the position in the stream *together*:
//! after a crash a commit is either complete or absent.

pub mod bundles;
#[cfg(test)]
#[path = "../tests/unit/crash.rs"]
mod crash;
mod disk;
pub mod error;
pub mod file;
mod journal;
pub mod memory;
pub mod store;

pub use bundles::BundleReader;
pub use countersign_audit::{Blob, Head};
pub use error::StoreError;
pub use file::{Durability, Existing, FileStore, Recovered};
pub use memory::{HeadStore, MemoryStore};
pub use store::{Commit, Snapshot, Store};
