//! The only unsafe code of the host: native code is loaded, and file descriptors without an owner are closed. Each
//! function states what its callers ensure.
#![expect(
    unsafe_code,
    reason = "wasmtime can't check native code, and descriptors that were handed down have no owner"
)]

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

/// Closes every descriptor except the three standard ones. Only for a process that has just started: what is open then
/// was inherited, and nothing in the process owns it.
pub(crate) fn close_inherited() -> std::io::Result<()> {
    let open: Vec<i32> = std::fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|descriptor| *descriptor > 2)
        .collect();
    for descriptor in open {
        // The descriptor with which the list was read is in the list too, and already closed.
        if std::fs::symlink_metadata(format!("/proc/self/fd/{descriptor}")).is_ok() {
            // SAFETY: it is open, the process has one thread, and no value in it owns a descriptor above 2.
            unsafe { rustix::io::close(descriptor) };
        }
    }
    Ok(())
}
