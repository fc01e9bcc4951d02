//! The System Log of an Okta organisation, asked for its records again and again: `GET /api/v1/logs` as Okta documents it for
//! polling. Every answer says by `Link: <…>; rel="next"` where the log goes on, also when it has no record: that is the
//! bookmark.
//!
//! [`SystemLog`] knows where the log goes on, makes a [`Request`], and takes its answer. What is taken counts once the caller
//! has recorded it with its bookmark, and says so. Nothing here waits but a request, which has a time-out, nor starts a thread.
//!
//! The only crate that speaks to an identity provider to read from it. The token goes to the organisation's own address alone:
//! redirects aren't followed, and a link that leads elsewhere is refused.

mod answer;
mod bookmark;
mod link;
mod pause;
mod records;
mod request;
mod system_log;

pub use answer::{Answer, RequestError};
pub use bookmark::BookmarkError;
pub use pause::Pauses;
pub use request::{Connections, ConnectionsError, Request, Token, TokenError};
pub use system_log::{LogError, Page, SystemLog};

#[cfg(test)]
#[path = "../tests/unit/fake.rs"]
mod fake;
