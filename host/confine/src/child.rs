//! What a child process does to itself before it reads a byte.

use std::io;

use rlimit::Resource;

use crate::inherited;
use crate::limits::{ChildLimits, STACK};
use crate::system_calls::{self, Confinement};

/// Address space beyond the memory that may be written to: for the program itself, and for reservations.
const RESERVED: u64 = 2 << 30;

/// A limit can't be set.
#[derive(Debug, thiserror::Error)]
#[error("the limit of {resource} can't be set to {value}: {source}")]
pub struct ConfineError {
    /// What it limits.
    pub resource: &'static str,
    /// To what.
    pub value: u64,
    /// Why not.
    pub source: io::Error,
}

/// Limits this process permanently: memory and processor time as given, no files, no further processes, no core dump;
/// closes every inherited file except the standard ones; and gives up every system call that work on bytes in memory
/// doesn't need, where the kernel can take them away. Call it first, before there is a second thread. The elapsed time
/// is limited by the parent.
///
/// # Errors
/// When a limit can't be set. Then nothing must be read. A kernel that can't take system calls away is no error: the
/// result says so.
pub fn confine(limits: &ChildLimits) -> Result<Confinement, ConfineError> {
    if cfg!(target_os = "linux") {
        inherited::close_inherited().map_err(|source| ConfineError {
            resource: "inherited files",
            value: 3,
            source,
        })?;
    }
    let cpu = limits.cpu_seconds();
    for (resource, name, soft, hard) in [
        (Resource::CORE, "core dumps", 0, 0),
        (Resource::FSIZE, "bytes in a file", 0, 0),
        (Resource::NOFILE, "files", 3, 3),
        (Resource::STACK, "stack", STACK, STACK),
        // Memory that can be written to; and the address space as a backstop.
        (Resource::DATA, "memory", limits.memory, limits.memory),
        (Resource::AS, "address space", limits.memory.saturating_add(RESERVED), limits.memory.saturating_add(RESERVED)),
        // At the soft limit a signal shows why it ends; at the hard one it is killed.
        (Resource::CPU, "processor time", cpu, cpu.saturating_add(1)),
    ] {
        set(resource, soft, hard).map_err(|source| ConfineError { resource: name, value: soft, source })?;
    }
    // The kernel doesn't enforce it for root, and counts all of a user's processes otherwise: best effort.
    let _ = set(Resource::NPROC, 0, 0);
    Ok(system_calls::give_up())
}

/// Sets a limit, never above the inherited one, which can't be raised.
fn set(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let inherited = resource.get_hard()?;
    resource.set(soft.min(inherited), hard.min(inherited))
}
