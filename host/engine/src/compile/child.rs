//! The compiler process: sets its own limits before it reads a byte, compiles one component, replies, and exits.

use std::io::{self, Read, Write};

use rlimit::Resource;

use super::limits::{CompileLimits, STACK};
use super::protocol::{self, FrameError, FrameKind};
use crate::config;
use crate::native;

/// Address space beyond the memory that may be written to: for the program itself, and for reservations.
const RESERVED: u64 = 2 << 30;

/// Maximum bytes of a component; admission has refused larger ones before.
const MAX_COMPONENT: u64 = 1 << 30;

/// Maximum bytes of a reported reason.
const MAX_REASON: usize = 4 << 10;

/// Why nothing was compiled and no reply written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// A limit can't be set.
    #[error("the limit of {resource} can't be set to {value}: {source}")]
    Confine {
        /// What it limits.
        resource: &'static str,
        /// To what.
        value: u64,
        /// Why not.
        source: io::Error,
    },
    /// The input isn't a component in a frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The reply can't be written.
    #[error("the reply can't be written: {0}")]
    Reply(io::Error),
    /// The compiler can't be set up.
    #[error("the compiler can't be set up: {0}")]
    Setup(String),
}

/// Limits this process permanently: memory and processor time as given, no files, no further processes, no core dump;
/// and closes every inherited file except the standard ones. Call it first, before there is a second thread. The elapsed
/// time is limited by the parent.
///
/// # Errors
/// When a limit can't be set. Then nothing must be compiled.
pub fn confine(limits: &CompileLimits) -> Result<(), ServeError> {
    let unlisted = |source| ServeError::Confine { resource: "inherited files", value: 3, source };
    if cfg!(target_os = "linux") {
        native::close_inherited().map_err(unlisted)?;
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
        set(resource, soft, hard).map_err(|source| ServeError::Confine { resource: name, value: soft, source })?;
    }
    // The kernel doesn't enforce it for root, and counts all of a user's processes otherwise: best effort.
    let _ = set(Resource::NPROC, 0, 0);
    Ok(())
}

/// Sets a limit, never above the inherited one, which can't be raised.
fn set(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let inherited = resource.get_hard()?;
    resource.set(soft.min(inherited), hard.min(inherited))
}

/// Reads a component, compiles it as every engine of this build would, and writes the reply: the code, or why there is
/// none.
///
/// # Errors
/// When the input has no component, or the reply can't be written.
pub fn serve(input: impl Read, output: impl Write) -> Result<(), ServeError> {
    let (kind, component) = protocol::read(input, MAX_COMPONENT)?;
    if kind != FrameKind::Component {
        return Err(FrameError::Form.into());
    }
    let engine =
        wasmtime::Engine::new(&config::compiler_config()).map_err(|error| ServeError::Setup(format!("{error:#}")))?;
    let (kind, reply) = match engine.precompile_component(&component) {
        Ok(compiled) => (FrameKind::Compiled, compiled),
        Err(error) if is_out_of_memory(&error) => (FrameKind::OutOfMemory, Vec::new()),
        Err(error) => {
            let mut reason = format!("{error:#}");
            reason.truncate(reason.floor_char_boundary(MAX_REASON));
            (FrameKind::Refused, reason.into_bytes())
        }
    };
    protocol::write(output, kind, &reply).map_err(ServeError::Reply)
}

/// The compiler mostly aborts without memory; where it calls the kernel itself, it gets an error.
fn is_out_of_memory(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::OutOfMemory)
            || cause.downcast_ref::<rustix::io::Errno>() == Some(&rustix::io::Errno::NOMEM)
    })
}
