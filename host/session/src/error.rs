//! Why a session ends early.

use countersign_model::RuleId;
use countersign_store::StoreError;

/// Why a session ends early. What was committed before is complete, and another session goes on after it.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Something can't be stored or read back: then nothing that depends on it happens.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The observer failed.
    #[error("the output can't be written: {0}")]
    Observer(#[from] std::io::Error),
    /// A rule missed the deadline, and so did the canary.
    #[error(
        "this machine is stalled: `{0}` missed the deadline, and so did a call that takes milliseconds; \
         free the machine and run again"
    )]
    Stalled(RuleId),
    /// The bytes that a rule was loaded from can't be read again.
    #[error("the bytes of `{rule}` can't be read back from the temporary file that keeps them: {source}")]
    Rule {
        /// The rule.
        rule: RuleId,
        /// Why not.
        source: std::io::Error,
    },
    /// A bundle has no JSON form.
    #[error("a bundle can't be written as JSON: {0}")]
    Bundle(#[from] serde_json::Error),
    /// The store was written under another key of digests.
    #[error("expected the key that the store was begun with, got another: give the same `--audit-key`")]
    OtherKey,
    /// The store's memory can't be read.
    #[error("expected the memory of a session in `{space}`, got something else: {reason}; the store was changed")]
    Memory {
        /// The space.
        space: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}
