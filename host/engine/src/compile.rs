//! Compiling: untrusted bytes make a compiler work, and can make it work for minutes and take gigabytes. So it works in a
//! process of its own, within limits. `child` is that process, `parent` starts it and says what became of it.

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
    /// In this process, without limits: only for bytes that are trusted, such as those that a test made.
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
