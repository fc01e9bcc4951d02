//! What goes between the two processes: one frame there, one frame back. A frame is eight bytes that name the form, a kind
//! (one byte), a length (eight bytes, little-endian), so many bytes, and the end of the stream.

use std::io::{self, Read, Write};

/// Another form is another text.
const FORM: &[u8; 8] = b"CSCOMP1\n";

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The component to compile.
    Component,
    /// The compiled code.
    Compiled,
    /// Why it couldn't be compiled: the compiler's words.
    Refused,
    /// The memory didn't suffice.
    OutOfMemory,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Component, Kind::Compiled, Kind::Refused, Kind::OutOfMemory];

    fn byte(self) -> u8 {
        match self {
            Kind::Component => b'w',
            Kind::Compiled => b'c',
            Kind::Refused => b'r',
            Kind::OutOfMemory => b'm',
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
    #[error("expected a frame of at most {most} bytes, got one of {got}")]
    TooLarge {
        /// Bytes that it says it has.
        got: u64,
        /// Bytes that it may have.
        most: u64,
    },
    /// It breaks off, or something comes behind it.
    #[error("expected {said} bytes and the end, got {got}")]
    Length {
        /// Bytes that it says it has.
        said: u64,
        /// Bytes that came, as far as they were read.
        got: u64,
    },
    /// It can't be read.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
}

/// Writes a frame. The stream is to be closed behind it.
pub(crate) fn write(mut stream: impl Write, kind: Kind, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(FORM)?;
    stream.write_all(&[kind.byte()])?;
    stream.write_all(&(bytes.len() as u64).to_le_bytes())?;
    stream.write_all(bytes)?;
    stream.flush()
}

/// Reads a frame of at most so many bytes, and the end of the stream. Memory is taken for bytes that came, not for those
/// that were promised.
pub(crate) fn read(mut stream: impl Read, most: u64) -> Result<(Kind, Vec<u8>), FrameError> {
    let mut form = [0; FORM.len()];
    let mut kind = [0; 1];
    let mut said = [0; 8];
    let mut head = |part: &mut [u8]| match stream.read_exact(part) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(FrameError::Form),
        other => Ok(other?),
    };
    head(&mut form)?;
    head(&mut kind)?;
    head(&mut said)?;
    let [kind] = kind;
    let kind = Kind::ALL.into_iter().find(|known| known.byte() == kind).filter(|_| form == *FORM);
    let (kind, said) = (kind.ok_or(FrameError::Form)?, u64::from_le_bytes(said));
    if said > most {
        return Err(FrameError::TooLarge { got: said, most });
    }
    let mut bytes = Vec::new();
    // One byte beyond tells that there is more.
    #[expect(clippy::disallowed_methods, reason = "capped by the line itself")]
    let got = stream.take(said.saturating_add(1)).read_to_end(&mut bytes)? as u64;
    if got == said { Ok((kind, bytes)) } else { Err(FrameError::Length { said, got }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: Kind, bytes: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        write(&mut frame, kind, bytes).unwrap();
        frame
    }

    #[test]
    fn what_is_written_is_read() {
        for kind in Kind::ALL {
            for bytes in [&[][..], b"bytes", &[0; 100_000]] {
                assert_eq!(read(&frame(kind, bytes)[..], 100_000).unwrap(), (kind, bytes.to_vec()));
            }
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let whole = frame(Kind::Compiled, b"bytes");
        for length in 0..whole.len() {
            assert!(read(&whole[..length], 5).is_err(), "{length}");
        }
        assert!(matches!(read(&[&whole[..], b"x"].concat()[..], 5), Err(FrameError::Length { said: 5, got: 6 })));
        assert!(matches!(read(&whole[..], 4), Err(FrameError::TooLarge { got: 5, most: 4 })));
        for at in 0..9 {
            let mut other = whole.clone();
            other[at] ^= 0x80;
            assert!(matches!(read(&other[..], 5), Err(FrameError::Form)), "{at}");
        }
        // A length that no memory has room for is refused before any is taken.
        let mut vast = whole;
        vast[9..17].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(read(&vast[..], u64::MAX - 1).is_err());
        assert!(matches!(read(&vast[..], u64::MAX), Err(FrameError::Length { got: 5, .. })));
    }
}
