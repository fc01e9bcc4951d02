//! The protocol between the two processes: one frame each way. A frame is eight bytes that name the format, a kind (one
//! byte), a length (eight bytes, little-endian), so many bytes, and the end of the stream.

use std::io::{self, Read, Write};

/// Names the format; another format has another name.
const FORM: &[u8; 8] = b"CSCOMP1\n";

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// The component to compile.
    Component,
    /// The compiled code.
    Compiled,
    /// Why it couldn't be compiled: the compiler's message.
    Refused,
    /// There wasn't enough memory.
    OutOfMemory,
}

impl FrameKind {
    const ALL: [FrameKind; 4] = [FrameKind::Component, FrameKind::Compiled, FrameKind::Refused, FrameKind::OutOfMemory];

    fn byte(self) -> u8 {
        match self {
            FrameKind::Component => b'w',
            FrameKind::Compiled => b'c',
            FrameKind::Refused => b'r',
            FrameKind::OutOfMemory => b'm',
        }
    }
}

/// What is wrong with a frame.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// It isn't one.
    #[error("expected a frame of a compilation, got other bytes")]
    Form,
    /// It is larger than it may be.
    #[error("expected a frame of at most {max} bytes, got one of {got}")]
    TooLarge {
        /// The length in its header, bytes.
        got: u64,
        /// The maximum, bytes.
        max: u64,
    },
    /// It is truncated, or followed by more.
    #[error("expected {expected} bytes and the end, got {got}")]
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

/// Writes a frame. The caller closes the stream afterwards.
pub(crate) fn write(mut stream: impl Write, kind: FrameKind, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(FORM)?;
    stream.write_all(&[kind.byte()])?;
    stream.write_all(&(bytes.len() as u64).to_le_bytes())?;
    stream.write_all(bytes)?;
    stream.flush()
}

/// Reads a frame of at most `max` bytes, and the end of the stream. Memory is allocated for bytes that arrive, not for
/// the length in the header.
pub(crate) fn read(mut stream: impl Read, max: u64) -> Result<(FrameKind, Vec<u8>), FrameError> {
    let mut form = [0; FORM.len()];
    let mut kind = [0; 1];
    let mut length = [0; 8];
    let mut head = |part: &mut [u8]| match stream.read_exact(part) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(FrameError::Form),
        other => Ok(other?),
    };
    head(&mut form)?;
    head(&mut kind)?;
    head(&mut length)?;
    let [kind] = kind;
    let kind = FrameKind::ALL.into_iter().find(|known| known.byte() == kind).filter(|_| form == *FORM);
    let (kind, expected) = (kind.ok_or(FrameError::Form)?, u64::from_le_bytes(length));
    if expected > max {
        return Err(FrameError::TooLarge { got: expected, max });
    }
    let mut bytes = Vec::new();
    // One byte more shows that the stream goes on.
    #[expect(clippy::disallowed_methods, reason = "capped by the line itself")]
    let got = stream.take(expected.saturating_add(1)).read_to_end(&mut bytes)? as u64;
    if got == expected { Ok((kind, bytes)) } else { Err(FrameError::Length { expected, got }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: FrameKind, bytes: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        write(&mut frame, kind, bytes).unwrap();
        frame
    }

    #[test]
    fn what_is_written_is_read() {
        for kind in FrameKind::ALL {
            for bytes in [&[][..], b"bytes", &[0; 100_000]] {
                assert_eq!(read(&frame(kind, bytes)[..], 100_000).unwrap(), (kind, bytes.to_vec()));
            }
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let whole = frame(FrameKind::Compiled, b"bytes");
        for length in 0..whole.len() {
            assert!(read(&whole[..length], 5).is_err(), "{length}");
        }
        assert!(matches!(read(&[&whole[..], b"x"].concat()[..], 5), Err(FrameError::Length { expected: 5, got: 6 })));
        assert!(matches!(read(&whole[..], 4), Err(FrameError::TooLarge { got: 5, max: 4 })));
        for at in 0..9 {
            let mut other = whole.clone();
            other[at] ^= 0x80;
            assert!(matches!(read(&other[..], 5), Err(FrameError::Form)), "{at}");
        }
        // A length that no memory has room for is refused before any is allocated.
        let mut vast = whole;
        vast[9..17].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(read(&vast[..], u64::MAX - 1).is_err());
        assert!(matches!(read(&vast[..], u64::MAX), Err(FrameError::Length { got: 5, .. })));
    }
}
