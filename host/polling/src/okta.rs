//! The System Log of an Okta organisation: `GET /api/v1/logs` as Okta documents it for polling. Every answer says by
//! `Link: <…>; rel="next"` where the log goes on, also when it has no record: that is the bookmark. Redirects aren't followed, and a
//! link that leads elsewhere is refused.

mod bookmark;
mod link;
mod records;
mod system_log;

pub use bookmark::BookmarkError;
pub use system_log::SystemLog;
