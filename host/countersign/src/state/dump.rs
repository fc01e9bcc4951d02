//! Bytes for people: in hexadecimal, and as text where they are printable.

use std::fmt::Write as _;

/// Bytes a line.
const LINE: usize = 16;

/// The lines of some bytes, at most so many: where in the bytes, the bytes, and what of them is printable.
pub(super) fn lines(bytes: &[u8], max: usize) -> Vec<String> {
    let lines = bytes.chunks(LINE).take(max).enumerate();
    lines
        .map(|(number, bytes)| {
            let mut line = format!("{:04x} ", number * LINE);
            for place in 0..LINE {
                line.push_str(if place == LINE / 2 { "  " } else { " " });
                match bytes.get(place) {
                    // Writing to a string can't fail.
                    Some(byte) => drop(write!(line, "{byte:02x}")),
                    None => line.push_str("  "),
                }
            }
            let printable = |byte: &u8| if matches!(byte, 0x20..=0x7e) { char::from(*byte) } else { '.' };
            line + "  " + &bytes.iter().map(printable).collect::<String>()
        })
        .collect()
}

/// How many bytes so many lines leave out.
pub(super) fn left_out(bytes: &[u8], max: usize) -> usize {
    bytes.len().saturating_sub(max.saturating_mul(LINE))
}

#[cfg(test)]
#[path = "../../tests/unit/dump.rs"]
mod tests;
