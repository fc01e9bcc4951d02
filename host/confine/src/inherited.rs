//! Closes what a process has inherited: the only unsafe code of this crate, since such descriptors have no owner.
#![expect(unsafe_code, reason = "descriptors that were handed down have no owner")]

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
