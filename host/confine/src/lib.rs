//! Child processes for work on untrusted bytes, which can make a parser or a compiler take minutes and gigabytes, or
//! crash. `child` is what such a process does to itself before it reads a byte; `parent` starts it, sends it requests,
//! reads its replies, and interprets how it ended. Compiling and admission use both; neither knows what the frames hold.

mod child;
mod frame;
mod inherited;
mod limits;
mod parent;
mod system_calls;

pub use child::{ConfineError, confine};
pub use frame::{Frame, FrameError, read, write};
pub use limits::{ChildLimit, ChildLimits};
pub use parent::{End, Request, converse};
pub use system_calls::{Confinement, confinement};
