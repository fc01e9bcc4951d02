//! Ed25519 keys (RFC 8032) and their text: `ed25519:BASE64` is public, `ed25519-secret:BASE64` isn't.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{SIGNATURE_LENGTH, Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// What precedes a public key's bytes.
const PUBLIC: &str = "ed25519:";

/// What precedes a secret key's bytes.
const SECRET: &str = "ed25519-secret:";

/// Bytes of either key.
const BYTES: usize = 32;

/// A public key. Its text is `ed25519:` and the 32 bytes in Base64 (RFC 4648, with padding).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; BYTES]);

/// Text that isn't a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not of this form.
    #[error("expected `{prefix}` and 32 bytes in Base64")]
    Form {
        /// What precedes the bytes.
        prefix: &'static str,
    },
    /// A secret key where a public one belongs.
    #[error("expected a public key `ed25519:…`, got a secret one: keep it to yourself, and make a new one")]
    Secret,
    /// The bytes are no point of the curve, or one under which anybody can sign.
    #[error("expected a public key of Ed25519, got 32 bytes that are none, or a weak one")]
    Weak,
}

impl PublicKey {
    /// The key of these bytes.
    ///
    /// # Errors
    /// When they are no point of the curve, or one under which anybody can sign.
    pub fn from_bytes(bytes: [u8; BYTES]) -> Result<PublicKey, KeyError> {
        match VerifyingKey::from_bytes(&bytes) {
            Ok(key) if !key.is_weak() => Ok(PublicKey(bytes)),
            _ => Err(KeyError::Weak),
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; BYTES] {
        self.0
    }

    /// Whether a signature of some bytes is this key's. Strict: what another implementation might take for another
    /// signature of the same bytes isn't taken (`verify_strict` of `ed25519-dalek`).
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8; SIGNATURE_LENGTH]) -> bool {
        VerifyingKey::from_bytes(&self.0)
            .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with(SECRET) {
            return Err(KeyError::Secret);
        }
        PublicKey::from_bytes(*decode(text, PUBLIC)?)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC}{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A secret key. Never printed; its bytes are wiped when it is dropped.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// A new key, of the operating system's random numbers.
    ///
    /// # Errors
    /// When there are none.
    pub fn generate() -> Result<SecretKey, std::io::Error> {
        let mut seed = Zeroizing::new([0; BYTES]);
        getrandom::fill(seed.as_mut_slice())?;
        Ok(SecretKey(SigningKey::from_bytes(&seed)))
    }

    /// Reads the text of a key file, with or without the line's end.
    ///
    /// # Errors
    /// When it is of another form. The text isn't part of the error.
    pub fn parse(text: &str) -> Result<SecretKey, KeyError> {
        Ok(SecretKey(SigningKey::from_bytes(&*decode(text.trim_end_matches(['\r', '\n']), SECRET)?)))
    }

    /// The text of a key file, without the line's end.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        let seed = Zeroizing::new(self.0.to_bytes());
        let encoded = Zeroizing::new(STANDARD.encode(seed.as_slice()));
        Zeroizing::new([SECRET, &encoded].concat())
    }

    /// The public key that belongs to it.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// The signature of some bytes: the same bytes always have the same one.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LENGTH] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public())
    }
}

/// The bytes of a key's text. Base64 is read strictly, so a key has one text.
fn decode(text: &str, prefix: &'static str) -> Result<Zeroizing<[u8; BYTES]>, KeyError> {
    let form = KeyError::Form { prefix };
    let encoded = text.strip_prefix(prefix).filter(|encoded| encoded.len() <= 2 * BYTES).ok_or(form)?;
    let decoded = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| form)?);
    let bytes: [u8; BYTES] = decoded.as_slice().try_into().map_err(|_| form)?;
    Ok(Zeroizing::new(bytes))
}

#[cfg(test)]
#[path = "../tests/unit/key.rs"]
mod tests;
