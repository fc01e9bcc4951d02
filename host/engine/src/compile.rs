//! Compiling. Untrusted bytes can make a compiler take minutes and gigabytes, so it runs in a process of its own, within
//! limits. `child` is what that process does once it is confined; `parent` asks it.

mod child;
mod parent;

use std::path::PathBuf;
use std::time::Duration;

use countersign_confine::ChildLimits;

pub use child::{ServeError, serve};
pub(crate) use parent::{CompileError, compile, remedy};

/// The command of a compiler process.
const COMMAND: &str = "compile";

/// The kinds of frames, which `countersign compile --help` lists.
const COMPONENT: u8 = b'w';
const COMPILED: u8 = b'c';
const REFUSED: u8 = b'r';
const OUT_OF_MEMORY: u8 = b'm';

/// The limits of compiling one rule where nobody sets others: several times what a rule in JavaScript needs, and a
/// hundred times what a Rust rule needs.
pub const COMPILE_LIMITS: ChildLimits =
    ChildLimits { memory: 1 << 30, cpu: Duration::from_secs(60), elapsed: Duration::from_secs(120) };

/// Where rules are compiled.
#[derive(Clone, Debug)]
pub enum Compiler {
    /// In this process, without limits: only for trusted bytes, such as those made by a test.
    InProcess,
    /// In a process for each rule.
    Child {
        /// A program that calls [`countersign_confine::confine`] and then [`serve`] when it is started as
        /// `PROGRAM compile --memory BYTES --cpu SECONDS`: the `countersign` binary.
        program: PathBuf,
        /// What the process may use.
        limits: ChildLimits,
    },
}
