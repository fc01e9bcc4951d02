//! An input of bytes: a file, which can be resumed, or anything else that is read once.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign_formats::reader::Splitter;
use countersign_formats::unpack::{Beginning, unpacked};

use crate::Bytes;
use crate::input::{Bookmark, Input, InputId, InputRecord, NotDelivered};

/// Wraps the bytes of a file as stored, before decompression: to count them.
pub(crate) type Tap = Arc<dyn Fn(Bytes) -> Bytes + Send + Sync>;

/// An input of bytes, plain or packed.
///
/// A file is opened when its first record is asked for, and again after [`Input::suspend`]; if that fails, the input
/// ends in a dead record.
pub struct ByteInput {
    id: InputId,
    /// How it is opened again; none if it can be read only once.
    file: Option<Reopen>,
    splitter: Option<Splitter>,
    /// Of the last record delivered.
    delivered: Bookmark,
    acknowledged: Bookmark,
}

struct Reopen {
    path: PathBuf,
    tap: Option<Tap>,
}

impl ByteInput {
    /// Reads bytes once.
    ///
    /// # Errors
    /// When not even the first bytes can be read; later failures are dead records.
    pub fn once(id: InputId, mut bytes: Bytes) -> io::Result<ByteInput> {
        let beginning = Beginning::read(&mut bytes)?;
        let splitter = Splitter::new(unpacked(beginning.followed_by(bytes)));
        Ok(ByteInput { splitter: Some(splitter), ..ByteInput::new(id, None, Bookmark::START) })
    }

    /// Reads a file from its beginning.
    #[must_use]
    pub fn file(path: &Path) -> ByteInput {
        ByteInput::of_file(path, None)
    }

    /// Reads a file from its beginning, through a wrapper of its bytes.
    pub(crate) fn of_file(path: &Path, tap: Option<Tap>) -> ByteInput {
        let file = Reopen { path: path.to_owned(), tap };
        ByteInput::new(InputId::from(&*path.to_string_lossy()), Some(file), Bookmark::START)
    }

    /// Goes on in a file after the record with this bookmark. The file must be the one that the bookmark is of.
    ///
    /// # Errors
    /// When it can't be opened, or ends before that.
    pub fn resume(path: &Path, bookmark: &Bookmark) -> io::Result<ByteInput> {
        let mut input = ByteInput::of_file(path, None);
        (input.delivered, input.acknowledged) = (*bookmark, *bookmark);
        input.splitter = input.file.as_ref().map(|file| file.open(bookmark)).transpose()?;
        Ok(input)
    }

    fn new(id: InputId, file: Option<Reopen>, bookmark: Bookmark) -> ByteInput {
        ByteInput { id, file, splitter: None, delivered: bookmark, acknowledged: bookmark }
    }

    /// The last bookmark that was acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> Bookmark {
        self.acknowledged
    }
}

impl Input for ByteInput {
    fn id(&self) -> &InputId {
        &self.id
    }

    fn next(&mut self) -> Option<InputRecord<'_>> {
        let ByteInput { file, splitter, delivered, .. } = self;
        if splitter.is_none() {
            let opened = file.as_ref()?.open(delivered);
            let failed = |error| Splitter::resume(Box::new(Failed(Some(error))), delivered.0);
            *splitter = Some(opened.unwrap_or_else(failed));
        }
        let splitter = splitter.as_mut()?;
        // Known only once the piece is cut, and then the piece borrows the splitter: so the position comes with it.
        let (piece, position) = splitter.next_piece()?;
        let bookmark = Bookmark(position);
        *delivered = bookmark;
        Some(InputRecord { piece, bookmark })
    }

    fn acknowledge(&mut self, bookmark: &Bookmark) -> Result<(), NotDelivered> {
        if bookmark.0.ordinal() > self.delivered.0.ordinal() {
            let (input, delivered) = (self.id.clone(), self.delivered);
            return Err(NotDelivered { input, bookmark: *bookmark, delivered });
        }
        if bookmark.0.ordinal() > self.acknowledged.0.ordinal() {
            self.acknowledged = *bookmark;
        }
        Ok(())
    }

    fn suspend(&mut self) {
        if self.file.is_some() {
            self.splitter = None;
        }
    }

    fn rewind(&mut self, bookmark: &Bookmark) -> bool {
        if self.file.is_none() {
            return false;
        }
        if self.delivered != *bookmark {
            self.delivered = *bookmark;
            self.splitter = None;
        }
        true
    }
}

impl Reopen {
    /// Opens the file at a bookmark.
    fn open(&self, bookmark: &Bookmark) -> io::Result<Splitter> {
        let offset = bookmark.0.offset();
        let mut file = File::open(&self.path)?;
        let is_packed = Beginning::read(&mut file)?.is_packed();
        let length = file.metadata()?.len();
        if !is_packed && length < offset {
            return Err(too_short(offset, length));
        }
        file.seek(SeekFrom::Start(if is_packed { 0 } else { offset }))?;
        let mut bytes: Bytes = Box::new(file);
        if let Some(tap) = &self.tap {
            bytes = tap(bytes);
        }
        if is_packed {
            bytes = unpacked(bytes);
            let skipped = io::copy(&mut bytes.by_ref().take(offset), &mut io::sink())?;
            if skipped < offset {
                return Err(too_short(offset, skipped));
            }
        }
        Ok(Splitter::resume(bytes, bookmark.0))
    }
}

fn too_short(offset: u64, length: u64) -> io::Error {
    let detail = format!("expected at least the {offset} bytes read before, got {length}: it is another file");
    io::Error::new(io::ErrorKind::UnexpectedEof, detail)
}

/// What couldn't be opened.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}
