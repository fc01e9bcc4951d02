//! The event logs of identity providers, asked for their records again and again.
//!
//! A [`Log`] knows where it goes on, makes a [`Request`], and takes its answer. What is taken counts once the caller has
//! recorded it with its bookmark, and says so. Nothing here waits but a request, which has a time-out, nor starts a thread. One module a
//! provider.
//!
//! The only crate that speaks to identity providers to read from them. A token goes to one address alone: redirects aren't
//! followed, and nothing that an answer says leads it elsewhere.

mod answer;
mod directory;
mod log;
mod okta;
mod pause;
mod request;

pub use answer::{Answer, RequestError};
pub use directory::{CursorError, EventLog};
pub use log::{Log, LogError, Page};
pub use okta::{BookmarkError, SystemLog};
pub use pause::Pauses;
pub use request::{Connections, ConnectionsError, Request, Token, TokenError};

#[cfg(test)]
#[path = "../tests/unit/fake.rs"]
mod fake;
