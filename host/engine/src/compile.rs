//! Compiling. Untrusted bytes can make a compiler take minutes and gigabytes, so it runs in a process of its own, within
//! limits. `child` is that process; `parent` starts it and interprets how it ended.

mod child;
mod limits;
mod parent;
mod protocol;

use std::path::PathBuf;

pub use child::{ServeError, confine, serve};
pub use limits::{CompileLimit, CompileLimits};
pub(crate) use parent::{ChildError, compile};

/// Where rules are compiled.
#[derive(Clone, Debug)]
pub enum Compiler {
    /// In this process, without limits: only for trusted bytes, such as those made by a test.
    InProcess,
    /// In a process for each rule.
    Child {
        /// A program that calls [`confine`] and then [`serve`] when it is started as
        /// `PROGRAM compile --memory BYTES --cpu SECONDS`: the `countersign` binary.
        program: PathBuf,
        /// What the process may use.
        limits: CompileLimits,
    },
}
