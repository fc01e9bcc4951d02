//! The only unsafe code of the host: native code is taken on trust here, and file descriptors that nobody owns are
//! closed. Each function says what its caller has seen to; nothing else in this crate can call what they call.
#![expect(
    unsafe_code,
    reason = "wasmtime can't check native code, and descriptors that were handed down have no owner"
)]

use countersign_artefacts::Entry;
use wasmtime::component::Component;

/// Maps the code of a cache entry. Its pages stay the file's: they come when they are used, and go when memory is short.
///
/// [`Entry`] is the proof that a process with the cache's key wrote the file, for this code and compiler. The file is
/// mapped through the descriptor over which that was checked, and looked at again afterwards: None if it was changed.
/// Entries are never written in place, so nobody but somebody acting as this user can change it later.
pub(crate) fn map(engine: &wasmtime::Engine, entry: &Entry) -> wasmtime::Result<Option<Component>> {
    // SAFETY: the file holds what `compile` made with an engine of the same version and configuration, as its MAC says,
    // and nothing of it was run before the second look below.
    let component = unsafe { Component::deserialize_file(engine, entry.path())? };
    Ok(entry.is_unchanged().then_some(component))
}

/// Takes code that a compiler process of ours has just answered with.
pub(crate) fn adopt(engine: &wasmtime::Engine, compiled: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `compile::parent` got it over a pipe from this very program, which compiled it with the same configuration.
    // That the compiler is correct is what every user of wasmtime trusts in, in whichever process it runs.
    unsafe { Component::deserialize(engine, compiled) }
}

/// Closes every descriptor but the three standard ones. Only for a process that has just begun: what is open then was
/// handed down by whoever started it, and nothing in here owns it.
pub(crate) fn close_inherited() -> std::io::Result<()> {
    let open: Vec<i32> = std::fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|descriptor| *descriptor > 2)
        .collect();
    for descriptor in open {
        // The one by which the list was read is in the list, and closed by now.
        if std::fs::symlink_metadata(format!("/proc/self/fd/{descriptor}")).is_ok() {
            // SAFETY: it is open, the process has one thread, and no value in it owns a descriptor above 2.
            unsafe { rustix::io::close(descriptor) };
        }
    }
    Ok(())
}
