//! The compiler process, once it is confined: compiles one component, replies, and exits.

use std::io::{self, Read, Write};

use countersign_confine::{FrameError, read, write};

use super::{COMPILED, COMPONENT, OUT_OF_MEMORY, REFUSED};
use crate::config;

/// Maximum bytes of a component; admission has refused larger ones before.
const MAX_COMPONENT: u64 = 1 << 30;

/// Maximum bytes of a reported reason.
const MAX_REASON: usize = 4 << 10;

/// Why nothing was compiled and no reply written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
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

/// Reads a component, compiles it as every engine of this build would, and writes the reply: the code, or why there is
/// none.
///
/// # Errors
/// When the input has no component, or the reply can't be written.
pub fn serve(input: impl Read, output: impl Write) -> Result<(), ServeError> {
    let request = read(input, MAX_COMPONENT)?.filter(|frame| frame.kind == COMPONENT).ok_or(FrameError::Form)?;
    let engine =
        wasmtime::Engine::new(&config::compiler_config()).map_err(|error| ServeError::Setup(format!("{error:#}")))?;
    let (kind, reply) = match engine.precompile_component(&request.bytes) {
        Ok(compiled) => (COMPILED, compiled),
        Err(error) if is_out_of_memory(&error) => (OUT_OF_MEMORY, Vec::new()),
        Err(error) => {
            let mut reason = format!("{error:#}");
            reason.truncate(reason.floor_char_boundary(MAX_REASON));
            (REFUSED, reason.into_bytes())
        }
    };
    write(output, kind, &reply).map_err(ServeError::Reply)
}

/// The compiler mostly aborts without memory; where it calls the kernel itself, it gets an error.
fn is_out_of_memory(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::OutOfMemory)
            || cause.downcast_ref::<rustix::io::Errno>() == Some(&rustix::io::Errno::NOMEM)
    })
}
