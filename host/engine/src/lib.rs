//! The only crate that knows wasmtime: loads admitted rules and calls them. Plain data in and plain data out, so that
//! the engine can move into another process; no wasmtime type leaves it. Rules are compiled in a process of their own,
//! and the code is kept in a cache.

mod bindings;
mod call;
mod canary;
mod compilation;
mod compile;
mod config;
mod failure;
mod lift;
mod limiter;
mod lower;
mod meter;
mod native;
mod rule;
mod slots;
mod ticker;

pub use call::Usage;
pub use compilation::{Compilation, LoadObserver};
pub use compile::{COMPILE_LIMITS, Compiler, ServeError, serve};
pub use config::EngineConfig;
pub use countersign_artefacts::{Cache, CacheError};
pub use countersign_confine::{ChildLimit, ChildLimits, Confinement, confine, confinement};
pub use meter::Metered;
pub use rule::{Engine, LoadError, LoadedRule};

/// The engine's name and version, as in evidence bundles: another version may meter fuel differently.
pub const ENGINE_VERSION: &str = "wasmtime 48";

/// The package of the interfaces that rules export, as `wit/` names it.
pub const INTERFACE: &str = "countersign:rules@0.1.0";
