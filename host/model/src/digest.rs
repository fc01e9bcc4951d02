//! Digests: plain SHA-256 where anyone must be able to check, keyed where the content could be guessed.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest (FIPS 180-4), or an HMAC-SHA-256 tag (RFC 2104). Prints as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

/// Text that isn't a digest.
#[derive(Debug, thiserror::Error)]
#[error("expected 64 lower-case hexadecimal digits, got `{0}`")]
pub struct DigestError(pub String);

impl Digest {
    /// Plain SHA-256 of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    /// The first eight bytes as a number, big-endian.
    #[must_use]
    pub const fn prefix_u64(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        unhex(text).and_then(|bytes| bytes.try_into().ok()).map(Digest).ok_or_else(|| DigestError(text.to_owned()))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Lower-case hexadecimal text of some bytes.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    // Not by formatting each byte: stored state and every digest go through here.
    let digit = |half: u8| char::from(if half < 10 { b'0' + half } else { b'a' + half - 10 });
    let mut text = String::with_capacity(bytes.len() * 2);
    bytes.iter().for_each(|byte| text.extend([digit(byte >> 4), digit(byte & 15)]));
    text
}

/// The bytes of lower-case hexadecimal text; none if it isn't that.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: &u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

/// Bytes as lower-case hexadecimal text in JSON: `#[serde(with = "digest::hex_bytes")]`.
pub mod hex_bytes {
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the bytes.
    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::hex(bytes))
    }

    /// Reads the bytes.
    pub fn deserialize<'de, D: Deserializer<'de>, T: From<Vec<u8>>>(deserializer: D) -> Result<T, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = super::unhex(&text).ok_or_else(|| serde::de::Error::custom("expected lower-case hexadecimal text"));
        bytes.map(T::from)
    }
}

/// The key of an audit file's digests of content. Never printed.
#[derive(Clone)]
pub struct DigestKey(Vec<u8>);

impl DigestKey {
    /// The documented key for when the operator names none: digests under it are not private.
    pub const PUBLIC: &'static [u8] = b"countersign public digest key, version 1: not private";

    /// Minimum bytes of a private key.
    pub const MIN_BYTES: usize = 32;

    /// The operator's own key. None if it is shorter than [`DigestKey::MIN_BYTES`].
    #[must_use]
    pub fn private(bytes: &[u8]) -> Option<DigestKey> {
        (bytes.len() >= Self::MIN_BYTES).then(|| DigestKey(bytes.to_vec()))
    }

    /// The documented key.
    #[must_use]
    pub fn public() -> DigestKey {
        DigestKey(Self::PUBLIC.to_vec())
    }

    /// Whether this is the documented key.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.0 == Self::PUBLIC
    }

    /// HMAC-SHA-256 (RFC 2104) of some bytes under this key.
    #[must_use]
    pub fn digest(&self, bytes: &[u8]) -> Digest {
        // HMAC takes a key of any length (RFC 2104 section 2), so this never falls back.
        match Hmac::<Sha256>::new_from_slice(&self.0) {
            Ok(mut mac) => {
                mac.update(bytes);
                Digest(mac.finalize().into_bytes().into())
            }
            Err(_) => Digest::of(bytes),
        }
    }

    /// Names the key without revealing it: a tag of a fixed text.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        self.digest(b"countersign digest key fingerprint")
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_public() { "DigestKey(public)" } else { "DigestKey(private)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_sha_256_and_hmac_sha_256() {
        // FIPS 180-4 example, and RFC 4231 test case 6's shape: a private key is used whole.
        assert_eq!(Digest::of(b"abc").to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let text = Digest::of(b"abc").to_string();
        assert_eq!(text.parse::<Digest>().unwrap(), Digest::of(b"abc"));
        assert!(text.to_uppercase().parse::<Digest>().is_err());
        assert!(DigestKey::private(&[1; 31]).is_none());
        let key = DigestKey::private(&[1; 32]).unwrap();
        assert_ne!(key.digest(b"abc"), DigestKey::public().digest(b"abc"));
        assert!(!format!("{key:?}").contains('1'));
    }
}
