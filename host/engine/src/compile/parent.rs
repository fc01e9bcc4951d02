//! Asks a compiler process for the code of a component.

use std::path::Path;

use countersign_confine::{ChildLimit, ChildLimits, End, FrameError, Request, converse};

use super::{COMMAND, COMPILED, COMPONENT, OUT_OF_MEMORY, REFUSED};

/// Maximum bytes of code that are read back: a rule of the largest size needs a sixth of it.
const MAX_COMPILED: u64 = 512 << 20;

/// Why there is no code.
#[derive(Debug)]
pub(crate) enum CompileError {
    /// The process hit a limit.
    Limit(ChildLimit),
    /// The compiler refused the component, with its message.
    Refused(String),
    /// The process couldn't be started, or ended without a reply.
    Failed(String),
}

/// Compiles a component in a process of its own.
pub(crate) fn compile(program: &Path, limits: &ChildLimits, component: &[u8]) -> Result<Vec<u8>, CompileError> {
    let mut reply = None;
    let request = Request { kind: COMPONENT, bytes: component };
    let ended = converse(program, COMMAND, limits, &[request], (1, MAX_COMPILED), |frame| reply = Some(frame));
    match (reply, ended) {
        (Some(reply), _) => match reply.kind {
            COMPILED => Ok(reply.bytes),
            REFUSED => Err(CompileError::Refused(String::from_utf8_lossy(&reply.bytes).into_owned())),
            OUT_OF_MEMORY => Err(CompileError::Limit(ChildLimit::Memory)),
            _ => Err(CompileError::Failed(FrameError::Form.to_string())),
        },
        (None, Err(End::Limit(limit))) => Err(CompileError::Limit(limit)),
        (None, Err(End::Failed(why))) => Err(CompileError::Failed(why)),
        (None, Ok(())) => Err(CompileError::Failed(FrameError::Form.to_string())),
    }
}

/// What to do where compiling hit a limit.
pub(crate) fn remedy(limit: ChildLimit) -> &'static str {
    match limit {
        ChildLimit::Elapsed => "on a busy machine try again, or raise the limit; otherwise give it smaller functions",
        ChildLimit::Stack => "give it functions that are nested less deeply",
        _ => "if you trust its author, raise the limit; otherwise give it smaller functions, or fewer",
    }
}
