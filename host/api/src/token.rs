//! A token: what it is for, how long it is valid, and its text. The text is shown once; what is kept is a digest.

use std::fmt;

use countersign_model::{Digest, SourceId, Timestamp};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// How the text of every token begins, so that scanners for secrets recognise one.
const PREFIX: &str = "countersign_";

/// Bytes of an id: enough to tell a thousand tokens apart.
const ID: usize = 6;

/// Bytes of a secret.
const SECRET: usize = 32;

/// What a token is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// To look: `GET`, and nothing that is secret.
    Viewer,
    /// To send records of a source, and nothing else.
    Source(SourceId),
}

/// `viewer`, or `source NAME`.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::Viewer => f.pad("viewer"),
            Scope::Source(source) => f.pad(&format!("source {source}")),
        }
    }
}

/// A token as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// By which it is found, listed and revoked. Not secret.
    pub id: String,
    /// What it is for.
    pub scope: Scope,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is valid no more.
    pub expires: Timestamp,
    /// Who made it, in words; none of one that an earlier version made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// SHA-256 of the secret. A slow hash with a salt protects secrets that can be guessed; this one has 256 bits out of the
    /// operating system's generator, so that a digest tells no more of it than a slow hash would, and costs no time by which a
    /// caller could keep the host busy.
    digest: Digest,
}

/// A new token. It has no `Debug`, by which it would be logged.
pub struct NewToken {
    /// What is kept of it.
    pub token: Token,
    /// Its text, which is nowhere else.
    pub text: Zeroizing<String>,
}

impl Token {
    /// Makes a token.
    pub(crate) fn make(scope: Scope, created: Timestamp, expires: Timestamp, by: &str) -> std::io::Result<NewToken> {
        let mut random = Zeroizing::new([0; ID + SECRET]);
        getrandom::fill(&mut *random)?;
        let (id, secret) = random.split_at(ID);
        let id = countersign_model::digest::hex(id);
        let secret = Zeroizing::new(countersign_model::digest::hex(secret));
        let text = Zeroizing::new(format!("{PREFIX}{id}_{}", *secret));
        let digest = Digest::of(secret.as_bytes());
        let by = Some(by.to_owned());
        Ok(NewToken { token: Token { id, scope, created, expires, by, digest }, text })
    }

    /// The id and the secret of a text, if it has a token's form.
    pub(crate) fn parts(text: &str) -> Option<(&str, &str)> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        (id.len() == 2 * ID && secret.len() == 2 * SECRET).then_some((id, secret))
    }

    /// Whether it has this secret, in a time that doesn't depend on how much of it is right.
    pub(crate) fn has(&self, secret: &str) -> bool {
        Digest::of(secret.as_bytes()).0.ct_eq(&self.digest.0).into()
    }

    /// Whether it is valid no more.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires <= now
    }
}

#[cfg(test)]
#[path = "../tests/unit/token.rs"]
mod tests;
