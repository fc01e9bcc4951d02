//! The frames of both directions: eight bytes that name the format, a kind (one byte), a length (eight bytes,
//! little-endian), and so many bytes. A stream is a series of frames, and ends after one.

use std::io::{self, Read, Write};

/// Names the format; another format has another name.
const FORM: &[u8; 8] = b"CSCHLD1\n";

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it holds; the kinds are those of the work.
    pub kind: u8,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// What is wrong with a frame.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// It isn't one, or none that belongs here.
    #[error("expected a frame, got other bytes")]
    Form,
    /// It is larger than it may be.
    #[error("expected a frame of at most {max} bytes, got one of {got}")]
    TooLarge {
        /// The length in its header, bytes.
        got: u64,
        /// The maximum, bytes.
        max: u64,
    },
    /// It is truncated.
    #[error("expected {expected} bytes, got {got}")]
    Length {
        /// The length in its header, bytes.
        expected: u64,
        /// Bytes read.
        got: u64,
    },
    /// It can't be read.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
}

/// Writes a frame.
///
/// # Errors
/// When the stream doesn't take it.
pub fn write(mut stream: impl Write, kind: u8, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(FORM)?;
    stream.write_all(&[kind])?;
    stream.write_all(&(bytes.len() as u64).to_le_bytes())?;
    stream.write_all(bytes)?;
    stream.flush()
}

/// Reads a frame of at most `max` bytes; none at the end of the stream. Memory is allocated for bytes that arrive, not
/// for the length in the header.
///
/// # Errors
/// See [`FrameError`].
pub fn read(mut stream: impl Read, max: u64) -> Result<Option<Frame>, FrameError> {
    let mut form = [0; FORM.len()];
    if read_some(&mut stream, &mut form)? == 0 {
        return Ok(None);
    }
    let (mut kind, mut length) = ([0; 1], [0; 8]);
    for part in [&mut kind[..], &mut length[..]] {
        match stream.read_exact(part) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(FrameError::Form),
            other => other?,
        }
    }
    if form != *FORM {
        return Err(FrameError::Form);
    }
    let expected = u64::from_le_bytes(length);
    if expected > max {
        return Err(FrameError::TooLarge { got: expected, max });
    }
    let mut bytes = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "capped by the line itself")]
    let got = stream.take(expected).read_to_end(&mut bytes)? as u64;
    let [kind] = kind;
    if got == expected { Ok(Some(Frame { kind, bytes })) } else { Err(FrameError::Length { expected, got }) }
}

/// Fills a buffer as far as the stream goes. Returns how far: all of it, or nothing.
fn read_some(mut stream: impl Read, buffer: &mut [u8]) -> Result<usize, FrameError> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match stream.read(rest) {
            Ok(0) if filled == 0 => return Ok(0),
            Ok(0) => return Err(FrameError::Form),
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(filled)
}

#[cfg(test)]
#[path = "../tests/unit/frame.rs"]
mod tests;
