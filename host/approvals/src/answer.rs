//! What a person says to a card, and whose word it is: a signature as `ssh-keygen -Y sign` makes it (OpenSSH,
//! PROTOCOL.sshsig), by a key that is registered for the person.

use countersign_model::vocabulary::text_ids;
use countersign_model::{Digest, Timestamp};
use countersign_policy::Person;
use countersign_signing::PublicKey;
use serde::{Deserialize, Serialize};
use ssh_key::SshSig;

use crate::card::Card;
use crate::sshsig::{self, Fault, fingerprint};

/// The namespace of the signatures: made for another purpose they don't count.
pub const NAMESPACE: &str = "countersign-approval";

/// The longest reason, bytes.
pub const MAX_REASON: usize = 2_000;

/// The longest signature that is read, bytes: one of a security key has about 700.
const MAX_SIGNATURE: usize = 8_192;

/// The longest statement that is read, bytes.
const MAX_STATEMENT: usize = 16_384;

/// What a statement is.
const TYPE: &str = "urn:countersign:approval:v1";

text_ids! {
    /// What a person says.
    pub enum Answer {
        /// It may be done.
        Approve = "approve",
        /// It may not.
        Deny = "deny",
    }
}

/// What a person says to a card: what is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    /// What the person says.
    pub answer: Answer,
    /// The digest of the card.
    pub card: Digest,
    /// The number of the card.
    pub approval: u64,
    /// The key of the host that asked.
    pub host: PublicKey,
    /// When the card expires.
    pub expires: Timestamp,
    /// Why; not empty, at most [`MAX_REASON`] bytes.
    pub reason: String,
}

/// A statement with its signature, however it came to the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The bytes that were signed, as text.
    pub statement: String,
    /// The signature, armoured: `-----BEGIN SSH SIGNATURE-----` and so on.
    pub signature: String,
}

/// Whose word it is, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) statement: Statement,
    /// The identity of the person.
    pub(crate) identity: String,
    /// The fingerprint of the key.
    pub(crate) key: String,
}

/// Why something isn't a person's answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// What was signed isn't a statement.
    #[error("expected a statement as `approvals show` prints it, got something else: {0}")]
    Statement(String),
    /// No reason is given, or one that is too long.
    #[error("expected a reason of 1 to {MAX_REASON} bytes, got one of {0}")]
    Reason(usize),
    /// It isn't a signature.
    #[error("expected an SSH signature (`ssh-keygen -Y sign -n {NAMESPACE}`), got something else: {0}")]
    Signature(String),
    /// It was made for something else.
    #[error("expected a signature of namespace `{NAMESPACE}`, got one of `{0}`: sign with `-n {NAMESPACE}`")]
    Namespace(String),
    /// Nobody has the key, or has it no longer.
    #[error("expected a key of a `[[person]]` of identities.toml, got {0}: it is nobody's, or was removed")]
    UnknownKey(String),
    /// The security key wasn't touched.
    #[error(
        "expected a signature for which the security key {0} was touched: keys made with `no-touch-required` don't count"
    )]
    NotTouched(String),
    /// The signature is another statement's.
    #[error("the signature by {0} isn't of this statement")]
    Forged(String),
}

impl Statement {
    /// What a person says to a card.
    #[must_use]
    pub fn new(card: &Card, answer: Answer, reason: &str) -> Statement {
        Statement {
            kind: TYPE.to_owned(),
            answer,
            card: card.digest(),
            approval: card.approval,
            host: card.host,
            expires: card.expires,
            reason: reason.to_owned(),
        }
    }

    /// The text that is signed: canonical JSON (RFC 8785).
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json_canonicalizer::to_string(self).unwrap_or_default()
    }

    /// Reads what was signed.
    ///
    /// # Errors
    /// When it is anything but the text that a statement is written as, or has no reason.
    pub fn read(text: &str) -> Result<Statement, AnswerError> {
        if text.len() > MAX_STATEMENT {
            return Err(AnswerError::Statement(format!("it has more than {MAX_STATEMENT} bytes")));
        }
        let statement: Statement =
            serde_json::from_str(text).map_err(|error| AnswerError::Statement(error.to_string()))?;
        if statement.kind != TYPE {
            return Err(AnswerError::Statement(format!("its type isn't `{TYPE}`")));
        }
        if statement.to_text() != text {
            return Err(AnswerError::Statement("it isn't in canonical form (RFC 8785)".to_owned()));
        }
        let length = statement.reason.len();
        if statement.reason.trim().is_empty() || length > MAX_REASON {
            return Err(AnswerError::Reason(length));
        }
        Ok(statement)
    }
}

impl Signed {
    /// Whose word it is among these people, and what it says. That they may say it is for the approval to decide.
    pub(crate) fn check(&self, persons: &[Person]) -> Result<Word, AnswerError> {
        let statement = Statement::read(&self.statement)?;
        if self.signature.len() > MAX_SIGNATURE {
            return Err(AnswerError::Signature(format!("it has more than {MAX_SIGNATURE} bytes")));
        }
        let signature: SshSig =
            self.signature.parse().map_err(|error: ssh_key::Error| AnswerError::Signature(error.to_string()))?;
        if signature.namespace() != NAMESPACE {
            return Err(AnswerError::Namespace(signature.namespace().escape_debug().take(100).collect()));
        }
        let key = fingerprint(&signature);
        let holds =
            |person: &&Person| person.keys.iter().any(|key| key.public_key().key_data() == signature.public_key());
        let Some(person) = persons.iter().find(holds) else { return Err(AnswerError::UnknownKey(key)) };
        match sshsig::check(&signature, self.statement.as_bytes()) {
            Ok(()) => Ok(Word { statement, identity: person.identity.clone(), key }),
            Err(Fault::Forged) => Err(AnswerError::Forged(key)),
            Err(Fault::NotTouched) => Err(AnswerError::NotTouched(key)),
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/answer.rs"]
mod tests;
