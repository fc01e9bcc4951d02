//! The HTTP interface of a host that runs, on a Unix socket and over TLS: senders' records come in, and what the host knows
//! and did goes out. Errors are problem details (RFC 9457).
//!
//! At the socket a caller is who the kernel says it is: the user that the host runs as, root, or a person of the directory.
//! Over the network it has a token, which lets it send records of one source or look, and nothing more.

mod activity;
mod caller;
mod certificate;
mod change;
mod client;
mod follow;
mod health;
mod ingest;
mod issue;
mod metrics;
mod network;
mod openapi;
mod plan;
mod read;
mod register;
mod restart;
mod server;
mod socket;
mod standing;
mod token;
mod tokens;

pub use certificate::{Certificate, CertificateError};
pub use client::{Client, ClientError};
pub use countersign_serving::Limits;
pub use issue::{IssuedToken, ListedToken};
pub use metrics::Requests;
pub use network::{Listening, Network};
pub use restart::{ChangedKey, Compare, NeedsRestart};
pub use server::{Door, Files, ServeError, Server, Service};
pub use socket::Socket;
pub use token::{NewToken, Scope, Token};
pub use tokens::{DEFAULT, LONGEST, SHORTEST, Tokens, TokensError};

#[cfg(test)]
#[path = "../tests/unit/hostile.rs"]
mod hostile;
#[cfg(test)]
#[path = "../tests/unit/network.rs"]
mod hostile_network;
#[cfg(test)]
#[path = "../tests/unit/support.rs"]
mod support;
