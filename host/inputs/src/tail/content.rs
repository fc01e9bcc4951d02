//! What a file holds, as far as it is recognised by it: how it begins, and what comes right before where it is read on.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use countersign_formats::reader::Position;
use countersign_formats::unpack::{Beginning, unpacked};
use countersign_model::Digest;

use super::file::Reading;
use crate::Bytes;

/// The most bytes of each part that is recognised.
pub(super) const MAX_PART: usize = 1_024;

/// A few bytes by their digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// How many.
    pub(super) length: usize,
    /// Their BLAKE3.
    pub(super) digest: Digest,
}

impl Part {
    pub(super) fn of(bytes: &[u8]) -> Part {
        Part { length: bytes.len(), digest: Digest(*blake3::hash(bytes).as_bytes()) }
    }
}

/// What was read of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content {
    /// How its text begins: up to [`MAX_PART`] bytes.
    pub(super) head: Part,
    /// What comes before `position` in its text: as many bytes as there are, up to [`MAX_PART`]; nothing of a packed file.
    pub(super) before: Part,
    /// Where it is read on.
    pub(super) position: Position,
}

/// Whether a file holds what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// It does.
    Yes,
    /// It holds something else.
    No,
    /// It begins with the same, and is shorter.
    Short,
}

impl Content {
    /// Of a file that begins like this, and of which nothing was read yet.
    pub(super) fn new(head: &[u8]) -> Content {
        Content { head: Part::of(head), before: Part::of(&[]), position: Position::START }
    }

    /// Whether a file holds it.
    pub(super) fn is_held(&self, file: &Arc<File>, is_packed: bool) -> io::Result<Held> {
        let head = head(file, is_packed)?;
        match head.get(..self.head.length) {
            Some(bytes) if Part::of(bytes) == self.head => {}
            _ => return Ok(Held::No),
        }
        if is_packed && self.before.length == 0 {
            return Ok(Held::Yes);
        }
        let offset = self.position.offset();
        if !is_packed && file.metadata()?.len() < offset {
            return Ok(Held::Short);
        }
        let mut text = text(file, is_packed, offset.saturating_sub(self.before.length as u64))?;
        let Some(text) = &mut text else { return Ok(Held::Short) };
        let before = first(text, self.before.length)?;
        Ok(match before.len() == self.before.length {
            true if Part::of(&before) == self.before => Held::Yes,
            true => Held::No,
            false => Held::Short,
        })
    }

    /// Reads on after so much of the file was delivered.
    pub(super) fn advance(&mut self, file: &Arc<File>, is_packed: bool, position: Position) -> io::Result<()> {
        self.position = position;
        let offset = position.offset();
        let from = offset.saturating_sub(MAX_PART as u64);
        self.before = match is_packed {
            true => Part::of(&[]),
            false => Part::of(&first(
                &mut Reading { file: Arc::clone(file), offset: from },
                usize::try_from(offset - from).unwrap_or(MAX_PART),
            )?),
        };
        Ok(())
    }
}

/// Whether a file is packed.
pub(super) fn is_packed(file: &Arc<File>) -> io::Result<bool> {
    Ok(Beginning::read(&mut Reading { file: Arc::clone(file), offset: 0 })?.is_packed())
}

/// The first bytes of a file's text, as many as can be had up to [`MAX_PART`].
pub(super) fn head(file: &Arc<File>, is_packed: bool) -> io::Result<Vec<u8>> {
    let text = text(file, is_packed, 0)?;
    text.map_or(Ok(Vec::new()), |mut text| first(&mut text, MAX_PART))
}

/// The text of a file from an offset on; none if it is shorter.
pub(super) fn text(file: &Arc<File>, is_packed: bool, offset: u64) -> io::Result<Option<Bytes>> {
    if !is_packed {
        return Ok(Some(Box::new(Reading { file: Arc::clone(file), offset })));
    }
    let mut text = unpacked(Box::new(Reading { file: Arc::clone(file), offset: 0 }));
    // What is damaged ends there.
    let skipped = io::copy(&mut text.by_ref().take(offset), &mut io::sink()).unwrap_or(0);
    Ok((skipped == offset).then_some(text))
}

/// The first bytes: fewer where they end, or can't be read on.
pub(super) fn first(bytes: &mut impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut first = vec![0; most];
    let mut count = 0;
    while let Some(rest) = first.get_mut(count..).filter(|rest| !rest.is_empty()) {
        match bytes.read(rest) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if count == 0 => return Err(error),
            Err(_) => break,
        }
    }
    first.truncate(count);
    Ok(first)
}
