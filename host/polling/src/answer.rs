//! What came of a request, before it is known what it means.

use std::fmt;

use crate::request::MAX_BODY;

/// An answer, whatever its status.
#[derive(Clone)]
pub struct Answer {
    pub(crate) status: u16,
    /// The headers `Link`.
    pub(crate) links: Vec<String>,
    /// The header `X-Rate-Limit-Reset`.
    pub(crate) reset: Option<String>,
    /// The header `Date`.
    pub(crate) date: Option<String>,
    /// The header `Retry-After`.
    pub(crate) retry_after: Option<String>,
    /// The header `X-Next-Cursor`.
    pub(crate) cursor: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({}, {} bytes)", self.status, self.body.len())
    }
}

/// Why there is no whole answer. It names neither the token nor what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// It is too large.
    #[error("expected an answer of at most {} MiB, got a larger one", MAX_BODY >> 20)]
    TooLarge,
    /// It took too long.
    #[error("expected an answer in time, got none: {0}")]
    TimedOut(String),
    /// The other end isn't who it should be, or speaks no TLS.
    #[error("expected TLS by a known certificate, got: {0}")]
    Tls(String),
    /// Anything else.
    #[error("expected a whole answer, got: {0}")]
    Failed(String),
}

impl From<ureq::Error> for RequestError {
    fn from(error: ureq::Error) -> RequestError {
        match error {
            ureq::Error::BodyExceedsLimit(_) => RequestError::TooLarge,
            ureq::Error::Timeout(what) => RequestError::TimedOut(what.to_string()),
            ureq::Error::Rustls(error) => RequestError::Tls(error.to_string()),
            ureq::Error::Tls(error) => RequestError::Tls(error.to_owned()),
            ureq::Error::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => {
                RequestError::Tls(error.to_string())
            }
            error => RequestError::Failed(error.to_string()),
        }
    }
}
