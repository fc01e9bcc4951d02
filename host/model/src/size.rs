//! Sizes in bytes, as people write them.

/// The units, greatest first: each is a power of two.
const UNITS: [(&str, u32); 5] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0)];

/// Text that isn't a size.
#[derive(Debug, thiserror::Error)]
#[error("expected a size such as `512MiB` or `10GiB`, got `{0}`")]
pub struct SizeError(pub String);

/// Parses a size such as `64KiB`, `512MiB` or `10GiB` into bytes. Units of a thousand (`GB`) aren't known: people mean
/// either by them.
pub fn parse_size(text: &str) -> Result<u64, SizeError> {
    let error = || SizeError(text.to_owned());
    let (digits, shift) =
        UNITS.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift))).ok_or_else(error)?;
    // A sign is no digit.
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(error());
    }
    digits.parse::<u64>().ok().and_then(|count| count.checked_mul(1 << shift)).ok_or_else(error)
}

/// Writes a size of bytes the way [`parse_size`] reads it, in the greatest unit of which it is a whole number.
#[must_use]
pub fn format_size(bytes: u64) -> String {
    let whole = UNITS.iter().find(|(_, shift)| bytes != 0 && bytes.is_multiple_of(1 << shift));
    let (unit, shift) = whole.copied().unwrap_or(("B", 0));
    format!("{}{unit}", bytes >> shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_print_as_they_parse() {
        for (text, bytes) in [
            ("0B", 0),
            ("512B", 512),
            ("64KiB", 64 << 10),
            ("1536MiB", 1_536 << 20),
            ("10GiB", 10 << 30),
            ("3TiB", 3 << 40),
        ] {
            assert_eq!(parse_size(text).unwrap(), bytes, "{text}");
            assert_eq!(format_size(bytes), text);
        }
        assert_eq!(format_size(u64::MAX), "18446744073709551615B");
        assert_eq!(parse_size(&format_size(u64::MAX)).unwrap(), u64::MAX);
    }

    #[test]
    fn other_text_is_no_size() {
        for text in ["", "10", "GiB", "10GB", "10 GiB", "-1GiB", "+1GiB", "1.5GiB", "99999999999GiB", "10gib"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
