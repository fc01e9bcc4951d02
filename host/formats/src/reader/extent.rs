//! Finds where what begins at a place ends: a line, a word, a value.

use super::scanner::{Scanner, is_space};

/// What is looked for. Resumable, since it may come in several reads.
pub(super) enum Extent {
    /// The end of a line.
    Line { searched: u64 },
    /// The end of a number, `true`, `null`, or what isn't JSON at all; takes at least one byte.
    Word { searched: u64 },
    /// The end of brackets that close nothing: damage that a document may follow.
    Closing { searched: u64 },
    /// The end of the input.
    Input { searched: u64 },
    /// The end of an object, a list or a text.
    Value(Scanner),
}

impl Extent {
    /// Where it ends, counted from its beginning. `bytes` follow those seen before.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Option<u64> {
        let (found, searched) = match self {
            Extent::Value(scanner) => return scanner.feed(bytes),
            Extent::Line { searched } => (memchr::memchr(b'\n', bytes), searched),
            Extent::Input { searched } => (None, searched),
            Extent::Word { searched } => {
                let skip = usize::from(*searched == 0);
                let ends = |byte: &u8| is_space(*byte) || matches!(byte, b',' | b']' | b'}');
                (bytes.iter().skip(skip).position(ends).map(|at| at + skip), searched)
            }
            Extent::Closing { searched } => {
                (bytes.iter().position(|byte| *byte == b'\n' || !(separates(*byte) || closes(byte))), searched)
            }
        };
        let before = *searched;
        *searched += found.map_or(bytes.len(), |at| at + 1) as u64;
        found.map(|at| before + at as u64)
    }

    /// How many bytes from its beginning were looked at to find its end.
    pub(super) fn seen(&self) -> u64 {
        match self {
            Extent::Value(scanner) => scanner.seen(),
            Extent::Line { searched }
            | Extent::Word { searched }
            | Extent::Closing { searched }
            | Extent::Input { searched } => *searched,
        }
    }

    /// How many bytes from its beginning are its own, wherever it ends.
    pub(super) fn settled(&self) -> u64 {
        match self {
            Extent::Value(scanner) => scanner.settled(),
            Extent::Line { searched }
            | Extent::Word { searched }
            | Extent::Closing { searched }
            | Extent::Input { searched } => *searched,
        }
    }
}

pub(super) fn closes(byte: &u8) -> bool {
    matches!(byte, b'}' | b']')
}

/// What may stand between records and means nothing: also the separator of JSON text sequences (RFC 7464).
pub(super) fn separates(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b',' | 0x1e)
}
