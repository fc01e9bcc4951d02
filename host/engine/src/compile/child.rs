//! The compiler process: takes its limits upon itself before it reads a byte, compiles one component, answers, and ends.

use std::io::{self, Read, Write};

use rlimit::Resource;

use super::limits::{CompileLimits, STACK};
use super::protocol::{self, FrameError, Kind};
use crate::config;
use crate::native;

/// Address space beyond the memory that may be written to: the program itself, and what is only reserved.
const RESERVED: u64 = 2 << 30;

/// The largest component that is read; admission has refused larger ones long before.
const MAX_COMPONENT: u64 = 1 << 30;

/// Longest reason that is told, bytes.
const MAX_REASON: usize = 4 << 10;

/// Why nothing was compiled and nothing answered.
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
    /// What came isn't a component in a frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The answer can't be written.
    #[error("the answer can't be written: {0}")]
    Answer(io::Error),
    /// The compiler can't be set up.
    #[error("the compiler can't be set up: {0}")]
    Setup(String),
}

/// Takes limits upon this process for good: memory and processor time as given, no files, no further processes, no core
/// dump; and closes every file that was handed down, but for the standard ones. To be called first thing, before there is
/// a second thread. Its time on the wall is its parent's to watch.
///
/// # Errors
/// When a limit can't be set: then nothing must be compiled.
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
        // Memory that can be written to, which is what is used up; and the address space as a backstop.
        (Resource::DATA, "memory", limits.memory, limits.memory),
        (Resource::AS, "address space", limits.memory.saturating_add(RESERVED), limits.memory.saturating_add(RESERVED)),
        // The soft limit ends it by a signal that tells why, the hard one by force.
        (Resource::CPU, "processor time", cpu, cpu.saturating_add(1)),
    ] {
        set(resource, soft, hard).map_err(|source| ServeError::Confine { resource: name, value: soft, source })?;
    }
    // Not a kernel's promise for root, and counted over all of a user's processes elsewhere: a help, no limit of ours.
    let _ = set(Resource::NPROC, 0, 0);
    Ok(())
}

/// Never above what was handed down, which can't be raised.
fn set(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let inherited = resource.get_hard()?;
    resource.set(soft.min(inherited), hard.min(inherited))
}

/// Reads a component, compiles it as every engine of this build would, and writes the answer: the code, or why there is
/// none.
///
/// # Errors
/// When there is nothing to compile, or nobody to answer.
pub fn serve(input: impl Read, output: impl Write) -> Result<(), ServeError> {
    let (kind, component) = protocol::read(input, MAX_COMPONENT)?;
    if kind != Kind::Component {
        return Err(FrameError::Form.into());
    }
    let engine =
        wasmtime::Engine::new(&config::compiler_config()).map_err(|error| ServeError::Setup(format!("{error:#}")))?;
    let (kind, answer) = match engine.precompile_component(&component) {
        Ok(compiled) => (Kind::Compiled, compiled),
        Err(error) if is_out_of_memory(&error) => (Kind::OutOfMemory, Vec::new()),
        Err(error) => {
            let mut reason = format!("{error:#}");
            reason.truncate(reason.floor_char_boundary(MAX_REASON));
            (Kind::Refused, reason.into_bytes())
        }
    };
    protocol::write(output, kind, &answer).map_err(ServeError::Answer)
}

/// The compiler mostly takes memory or dies; where it asks the kernel itself, it is told.
fn is_out_of_memory(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::OutOfMemory)
            || cause.downcast_ref::<rustix::io::Errno>() == Some(&rustix::io::Errno::NOMEM)
    })
}
