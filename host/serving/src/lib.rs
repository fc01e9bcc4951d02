//! What HTTP servers of this project share: connections with their limits, what callers give and how much of it is held, and
//! errors as problem details (RFC 9457). A server has its own routes, and its own idea of who calls.
//!
//! **Knows nothing of what is served. Whatever is sent, time and memory are bounded.**

mod addresses;
mod connections;
pub mod given;
mod problem;

pub use connections::{Configured, Cut, Limits, Listener, Peer, Remote, Served, open, serve};
pub use problem::Problem;
