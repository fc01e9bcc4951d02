//! Secrets that callers present: passwords, kept as Argon2id has them, and long random ones, kept as a digest.

use std::fmt;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use countersign_model::Digest;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::id::{Kind, random_hex};

/// The longest password, bytes.
pub(crate) const MAX_PASSWORD: usize = 1_024;

/// Bytes of a random secret.
const SECRET: usize = 32;

/// The parts of a secret's text: `PREFIX_ID_SECRET`.
const SEPARATOR: char = '_';

/// A hash that no password has: verifying against it takes as long as against one that is kept.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A secret. It is never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A secret of this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(Zeroizing::new(text.into()))
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What is kept of a password: Argon2id with the least that OWASP recommends (19 MiB, 2 passes), as a PHC string.
pub(crate) fn hash(password: &Secret) -> Result<String, Error> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| Error::Random(error.to_string()))?;
    let hashed: PasswordHash = Argon2::default()
        .hash_password_with_salt(password.text().as_bytes(), &salt)
        .map_err(|error| Error::Invalid(format!("expected a password that can be hashed, got: {error}")))?;
    Ok(hashed.to_string())
}

/// Whether a password is the one that a hash is of. Without a hash it isn't, and takes as long.
pub(crate) fn verify(password: &Secret, hash: Option<&str>) -> bool {
    let is_right = Argon2::default().verify_password(password.text().as_bytes(), hash.unwrap_or(NOBODY)).is_ok();
    is_right && hash.is_some()
}

/// A random secret of something with an id: what is kept of it, and its text.
pub(crate) struct Issued {
    pub(crate) digest: Digest,
    pub(crate) text: Secret,
}

impl Issued {
    /// A new one.
    pub(crate) fn new(prefix: &str, id: &str) -> Result<Issued, Error> {
        let secret = Zeroizing::new(random_hex(SECRET)?);
        let text = Secret::new(format!("{prefix}{SEPARATOR}{id}{SEPARATOR}{}", *secret));
        Ok(Issued { digest: Digest::of(secret.as_bytes()), text })
    }
}

/// The id in a secret's text, and the digest of what follows; none if it has another form.
pub(crate) fn presented(text: &str, prefix: &str, kind: Kind) -> Option<(String, Digest)> {
    let (id, secret) = text.strip_prefix(prefix)?.strip_prefix(SEPARATOR)?.split_once(SEPARATOR)?;
    (kind.is_id(id) && secret.len() == 2 * SECRET).then(|| (id.to_owned(), Digest::of(secret.as_bytes())))
}

/// Whether two digests are the same, in a time that doesn't depend on how much of them is.
pub(crate) fn same(one: &Digest, other: &[u8]) -> bool {
    one.0.ct_eq(other).into()
}
