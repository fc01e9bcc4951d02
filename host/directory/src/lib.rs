//! A small identity provider of its own, a process beside a host: for the demo, for tests, and to try Countersign with nothing
//! else installed. It keeps accounts, groups, credentials, sessions and refresh tokens in one file, signs people and services
//! in, is administered over HTTP, and has an event log that a host reads as a source.
//!
//! It behaves as providers in production do, also where that is inconvenient: names are reused and ids aren't, an access token
//! is valid until it expires whatever became of its session, a reply may be lost after its change was made.
//!
//! **Knows nothing of rules, policy or decisions. A change and its events are one transaction, on the disk before the reply.
//! Meant for trying out, not for production.**

mod access;
mod account;
mod capabilities;
mod change;
mod console;
mod credential;
mod error;
mod event;
mod group;
mod http;
mod id;
mod network;
mod page;
mod password;
mod principal;
mod seed;
mod session;
mod sign_in;
mod store;
mod token;
mod totp;
mod words;

pub use account::NewAccount;
pub use console::{Beginning, Begun};
pub use error::Error;
pub use group::NewGroup;
pub use http::{Listening, ServeError, Server, Serving};
pub use password::Secret;
pub use principal::NewPrincipal;
pub use seed::{MAX_SEED_BYTES, Seed};
pub use store::{Clock, Directory, Lifetimes};
pub use words::{AccountKind, EventKind, Factor, Reason, Scope};
