//! The text of a file's bookmark: which file it is, and where it is read on.

use std::ffi::OsString;
use std::fmt::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::str::FromStr;

use countersign_formats::reader::Position;
use countersign_model::Digest;

use super::content::{Content, MAX_PART, Part};
use super::file::FileId;

/// The version of the text.
const VERSION: &str = "1";

/// Where a file is read on. Its text is opaque: version, device, inode, the lengths and digests of how the file begins and of
/// what comes before the position, the position, and the path where the file was seen last, percent-encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bookmark {
    pub(super) id: FileId,
    pub(super) content: Content,
    pub(super) path: PathBuf,
}

/// A text that isn't a bookmark's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{input}`: expected a file's bookmark, as this program makes it, got `{}`", countersign_text::quoted(text))]
pub struct BookmarkError {
    /// The input.
    pub input: String,
    /// The text.
    pub text: String,
}

impl fmt::Display for Bookmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bookmark { id, content: Content { head, before, position }, path } = self;
        write!(f, "{VERSION} {:x} {:x} ", id.device, id.inode)?;
        write!(f, "{} {} {} {} {position} ", head.length, head.digest, before.length, before.digest)?;
        for byte in path.as_os_str().as_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                    f.write_char(char::from(*byte))?
                }
                _ => write!(f, "%{byte:02x}")?,
            }
        }
        Ok(())
    }
}

impl Bookmark {
    /// Reads the bookmark of an input.
    pub(super) fn read(input: &str, text: &str) -> Result<Bookmark, BookmarkError> {
        Bookmark::parse(text).ok_or_else(|| BookmarkError { input: input.to_owned(), text: text.to_owned() })
    }

    fn parse(text: &str) -> Option<Bookmark> {
        let mut words = text.split(' ');
        if words.next()? != VERSION {
            return None;
        }
        let mut number = || u64::from_str_radix(words.next()?, 16).ok();
        let id = FileId { device: number()?, inode: number()? };
        let mut part = || {
            let length = words.next()?.parse().ok().filter(|length| *length <= MAX_PART)?;
            Some(Part { length, digest: Digest::from_str(words.next()?).ok()? })
        };
        let (head, before) = (part()?, part()?);
        let position: Position = words.next()?.parse().ok()?;
        let path = decoded(words.next()?)?;
        words.next().is_none().then_some(Bookmark { id, content: Content { head, before, position }, path })
    }
}

fn decoded(text: &str) -> Option<PathBuf> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    Some(PathBuf::from(OsString::from_vec(bytes)))
}

#[cfg(test)]
#[path = "../../tests/unit/tail_bookmark.rs"]
mod tests;
