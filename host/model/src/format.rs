//! The formats of what is stored by value: which one some bytes have, and that they are exactly those it is written as.
//!
//! A stored form names its format in the member `format`, which comes first. Formats begin with 1, which has no such
//! member. A form is written in its newest format, and read in every one.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The member that names a form's format: written as `N`, and read as nothing else.
///
/// ```
/// use countersign_model::format::Format;
///
/// assert_eq!(serde_json::to_string(&Format::<2>)?, "2");
/// assert!(serde_json::from_str::<Format<2>>("2").is_ok());
/// let error = serde_json::from_str::<Format<2>>("3").unwrap_err();
/// assert_eq!(error.to_string(), "expected format 2, got 3, which another version writes");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Format<const N: u32>;

impl<const N: u32> Serialize for Format<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(N)
    }
}

impl<'de, const N: u32> Deserialize<'de> for Format<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            number if number == N => Ok(Format),
            other => {
                Err(D::Error::custom(format_args!("expected format {N}, got {other}, which another version writes")))
            }
        }
    }
}

/// Why bytes aren't a stored form.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// They aren't JSON of this form.
    #[error("expected JSON of format {format}: {source}")]
    Json {
        /// The format that they name.
        format: u32,
        /// Where they differ from it.
        source: serde_json::Error,
    },
    /// A format that this version doesn't know.
    #[error("expected format 1 to {newest}, got {got}: read it with the version that wrote it, or a newer one")]
    Unknown {
        /// The newest known.
        newest: u32,
        /// The one named.
        got: u32,
    },
    /// The same values are written otherwise.
    #[error("expected the bytes that format {format} is written as, got others of the same meaning")]
    NotCanonical {
        /// The format that they name.
        format: u32,
    },
}

/// The format that some bytes name; 1 where they name none.
///
/// # Errors
/// When they aren't a JSON object, or its `format` isn't a number.
pub fn format_of(bytes: &[u8]) -> Result<u32, FormatError> {
    #[derive(Deserialize)]
    struct Named {
        #[serde(default = "first")]
        format: u32,
    }
    const fn first() -> u32 {
        1
    }
    match serde_json::from_slice::<Named>(bytes) {
        Ok(named) => Ok(named.format),
        Err(source) => Err(FormatError::Json { format: 1, source }),
    }
}

/// Reads a form of a format, and checks that the bytes are exactly those that it is written as: so equal forms have
/// equal digests.
///
/// # Errors
/// When they are JSON of another form, or written otherwise.
pub fn read_canonical<T: Serialize + DeserializeOwned>(bytes: &[u8], format: u32) -> Result<T, FormatError> {
    let form: T = serde_json::from_slice(bytes).map_err(|source| FormatError::Json { format, source })?;
    match serde_json::to_vec(&form) {
        Ok(again) if again == bytes => Ok(form),
        _ => Err(FormatError::NotCanonical { format }),
    }
}

#[cfg(test)]
#[path = "../tests/unit/format.rs"]
mod tests;
