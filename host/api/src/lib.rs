//! The HTTP interface of a host that runs, on a Unix socket: senders' records come in, and what the host knows and did goes
//! out. Errors are problem details (RFC 9457).
//!
//! A caller is who the kernel says it is: the process at the other end of the socket. So far only the user that the host runs
//! as, and root, are let in.

mod activity;
mod caller;
mod change;
mod client;
mod connections;
mod follow;
mod given;
mod health;
mod ingest;
mod metrics;
mod plan;
mod problem;
mod read;
mod server;
mod socket;
mod standing;

pub use client::{Client, ClientError};
pub use connections::Limits;
pub use server::{Files, ServeError, Server};
pub use socket::Socket;

#[cfg(test)]
#[path = "../tests/unit/hostile.rs"]
mod hostile;
#[cfg(test)]
#[path = "../tests/unit/support.rs"]
mod support;
