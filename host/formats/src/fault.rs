//! Why a raw record, or a piece of an input, can't become an event.

use crate::DeadReason;

/// Why a raw record, or a piece of an input, can't become an event.
///
/// An [`std::io::Read`] that knows why it can't go on returns one inside its [`std::io::Error`]; the reader takes it
/// over. Any other error of reading is [`DeadReason::Unreadable`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Fault {
    /// Why, for machines.
    pub reason: DeadReason,
    /// Why, for people: what was expected, and what came.
    pub detail: String,
}

impl Fault {
    /// A fault with this reason and detail.
    #[must_use]
    pub fn new(reason: DeadReason, detail: impl Into<String>) -> Fault {
        Fault { reason, detail: detail.into() }
    }
}
