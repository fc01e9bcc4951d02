//! Storage. One trait commits log, blobs, findings, intents, state, timers and memory *together*: after a crash a commit
//! is either complete or absent. What was committed is read back in pages, by another trait.

// The tests' helpers name the crate as its users do.
#[cfg(test)]
extern crate self as countersign_store;

mod beginning;
pub mod bundles;
#[cfg(test)]
#[path = "../tests/outside/common.rs"]
mod common;
#[cfg(test)]
#[path = "../tests/unit/crash.rs"]
mod crash;
mod disk;
pub mod error;
mod evidence;
pub mod existing;
pub mod export;
pub mod file;
mod fold;
mod fork;
pub mod head;
mod journal;
pub mod log;
pub mod memory;
mod prepare;
pub mod sqlite;
pub mod store;

pub use beginning::{Beginning, LogPart};
pub use bundles::BundleReader;
pub use countersign_audit::{Blob, ChainWriter, Head};
pub use countersign_database::{BESIDE, DatabaseError, beside};
pub use countersign_private::FileError;
pub use error::{Overtaken, StoreError};
pub use existing::{Existing, ExistingRun, belongs_to, existing};
pub use export::{ExportOptions, Exported, export};
pub use file::{Durability, FileStore, Recovered};
pub use fork::{ForkStore, Snapshot};
pub use head::HeadStore;
pub use log::{AuditLog, VerifiedLog};
pub use memory::MemoryStore;
pub use sqlite::{Kept, LogKeeper, SqliteReader, SqliteStore, StoredCheckpoint};
pub use store::{Commit, KeyValue, MemoryChange, StateKey, Store, Stored, TimerKey, for_each_entry};
