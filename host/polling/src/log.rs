//! What all logs have in common.

use std::time::Duration;

use countersign_model::Timestamp;

use crate::answer::{Answer, RequestError};
use crate::request::{Connections, Request, Token};

/// An event log of a provider.
pub trait Log {
    /// The request for what follows.
    fn request(&self, connections: &Connections, token: &Token) -> Request;

    /// Takes the answer to a request. A page counts once it is [recorded](Self::recorded).
    ///
    /// # Errors
    /// When it has no page, with how long to wait.
    fn take(&mut self, answer: Result<Answer, RequestError>) -> Result<Page, LogError>;

    /// A page, and its bookmark, are on record: the log goes on after it.
    fn recorded(&mut self, page: Page);
}

/// Records of a log, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// They as JSON, as they came: a list, or one a line; nothing if there is none.
    pub body: Vec<u8>,
    /// How many there are.
    pub records: usize,
    /// When the last one was published; none of an empty page.
    pub published: Option<Timestamp>,
    /// Where the log goes on, to be recorded with them.
    pub bookmark: String,
    /// How long to wait before the next request; nothing where more is there.
    pub pause: Duration,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct LogError {
    /// What was expected and what came.
    pub why: String,
    /// How long to wait before the next request.
    pub pause: Duration,
}
