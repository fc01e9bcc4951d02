//! The event log of a directory of this project: `GET /v1/events?after=CURSOR`. Every answer says by `X-Next-Cursor` where the log
//! goes on, also when it has no event: that is the bookmark.

mod event_log;

pub use event_log::{CursorError, EventLog};
