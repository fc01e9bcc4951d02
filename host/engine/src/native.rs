//! The only unsafe code of this crate: native code is loaded. Each function states what its callers ensure.
#![expect(unsafe_code, reason = "wasmtime can't check native code")]

use countersign_artefacts::Entry;
use wasmtime::component::Component;

/// Maps the code of a cache entry. Its pages are backed by the file: loaded on use, and evicted when memory is short.
///
/// [`Entry`] proves that a process with the cache's key wrote the file, for this code and compiler. The file is mapped
/// through the descriptor on which that was checked, and checked for changes afterwards: None if it was changed. Entries
/// are never written in place, so only a process that acts as this user can change it later.
pub(crate) fn map(engine: &wasmtime::Engine, entry: &Entry) -> wasmtime::Result<Option<Component>> {
    // SAFETY: the file holds what `compile` made with an engine of the same version and configuration, as its MAC proves,
    // and none of it runs before the second check below.
    let component = unsafe { Component::deserialize_file(engine, entry.path())? };
    Ok(entry.is_unchanged().then_some(component))
}

/// Loads code that a compiler process has just returned.
pub(crate) fn adopt(engine: &wasmtime::Engine, compiled: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `compile::parent` got it over a pipe from this same program, which compiled it with the same configuration.
    // Every user of wasmtime trusts that the compiler is correct, in any process.
    unsafe { Component::deserialize(engine, compiled) }
}
