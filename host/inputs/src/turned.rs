//! A file that is newest first, read from its end.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use countersign_formats::envelope::Envelopes;
use countersign_formats::reader::{Content, Piece, Position};
use countersign_formats::{DeadReason, Fault, Hint};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use crate::byte_input::ByteInput;
use crate::input::{Bookmark, Input, InputId, InputRecord, NotDelivered};

/// The most records of a file that is turned.
pub(crate) const MAX_TURNED_RECORDS: u64 = 1_000_000;

/// The most bytes that a turned file is held in, compressed and with 64 bytes a record for its place.
pub(crate) const MAX_TURNED_BYTES: usize = 512 << 20;

/// Records of so many bytes are compressed together.
const BLOCK_BYTES: usize = 1 << 20;

/// What a record takes beside its bytes.
const PLACE_BYTES: usize = 64;

/// A file whose records are delivered from the last to the first. It is read whole and held compressed, about as large as
/// its gzip, until the input is suspended; then it is read again.
///
/// Records keep the ordinals and offsets that they have in the file. A bookmark counts the records delivered.
pub(crate) struct Turned {
    id: InputId,
    path: PathBuf,
    held: Option<Held>,
    /// How many records the file has.
    total: u64,
    /// How many were delivered.
    delivered: u64,
    acknowledged: u64,
    /// The block that is open, and its content.
    open: Option<(usize, Vec<u8>)>,
}

/// Why a file isn't turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// The records of a file, in its order.
#[derive(Default)]
struct Held {
    blocks: Vec<Block>,
    records: u64,
    bytes: usize,
}

struct Block {
    /// How many records come before it.
    first: u64,
    /// The bytes of its records, deflated.
    deflated: Vec<u8>,
    length: usize,
    records: Vec<Kept>,
}

struct Kept {
    ordinal: u64,
    offset: u64,
    length: u64,
    out_of: Envelopes,
    what: What,
}

enum What {
    /// The bytes of a record, in its block.
    Record {
        start: usize,
        end: usize,
    },
    Dead(Box<Dead>),
}

#[derive(Clone)]
struct Dead {
    fault: Fault,
    excerpt: String,
    hint: Option<Hint>,
}

impl Turned {
    /// Reads a file whole.
    ///
    /// # Errors
    /// When it has more records, or takes more memory, than a file that is turned may.
    pub(crate) fn read(path: PathBuf) -> Result<Turned, TooLarge> {
        let held = Held::read(&mut ByteInput::file(&path))?;
        let id = InputId::from(&*path.to_string_lossy());
        let total = held.records;
        Ok(Turned { id, path, held: Some(held), total, delivered: 0, acknowledged: 0, open: None })
    }

    /// Where it goes on after so many records.
    fn bookmark(delivered: u64) -> Bookmark {
        Bookmark(Position::nth(delivered))
    }

    /// Reads the file again, if it was let go. It must have as many records as before.
    fn hold(&mut self) -> Result<(), Fault> {
        if self.held.is_some() {
            return Ok(());
        }
        let changed = || Fault::new(DeadReason::Unreadable, "expected the file that was read before, got another one");
        let held = Held::read(&mut ByteInput::file(&self.path)).map_err(|TooLarge| changed())?;
        if held.records != self.total {
            return Err(changed());
        }
        self.held = Some(held);
        Ok(())
    }

    /// Has the block of a record open.
    fn open(&mut self, record: u64) -> Result<(), Fault> {
        self.hold()?;
        let blocks = self.held.as_ref().map_or(&[][..], |held| &held.blocks);
        let place = blocks.partition_point(|block| block.first <= record).saturating_sub(1);
        if self.open.as_ref().is_some_and(|(open, _)| *open == place) {
            return Ok(());
        }
        let lost = || Fault::new(DeadReason::Unreadable, "expected records held in memory, got none");
        let block = blocks.get(place).ok_or_else(lost)?;
        self.open = Some((place, block.inflate().map_err(|_| lost())?));
        Ok(())
    }

    fn kept(&self, record: u64) -> Option<Piece<'_>> {
        let (place, content) = self.open.as_ref()?;
        let block = self.held.as_ref()?.blocks.get(*place)?;
        let Kept { ordinal, offset, length, out_of, what } =
            block.records.get(usize::try_from(record - block.first).ok()?)?;
        let content = match what {
            What::Record { start, end } => Content::Record(content.get(*start..*end)?),
            What::Dead(dead) => {
                let Dead { fault, excerpt, hint } = Dead::clone(dead);
                Content::Dead { fault, excerpt, hint }
            }
        };
        Some(Piece { ordinal: *ordinal, offset: *offset, length: *length, out_of: *out_of, content })
    }
}

impl Input for Turned {
    fn id(&self) -> &InputId {
        &self.id
    }

    fn next(&mut self) -> Option<InputRecord<'_>> {
        let record = self.total.checked_sub(self.delivered + 1)?;
        self.delivered += 1;
        let bookmark = Turned::bookmark(self.delivered);
        if let Err(fault) = self.open(record) {
            // Nothing more can be had.
            let ordinal = record;
            self.delivered = self.total;
            let content = Content::Dead { fault, excerpt: String::new(), hint: None };
            let piece = Piece { ordinal, offset: 0, length: 0, out_of: Envelopes::NONE, content };
            return Some(InputRecord { piece, bookmark });
        }
        Some(InputRecord { piece: self.kept(record)?, bookmark })
    }

    fn acknowledge(&mut self, bookmark: &Bookmark) -> Result<(), NotDelivered> {
        let acknowledged = bookmark.0.ordinal();
        if acknowledged > self.delivered {
            let delivered = Turned::bookmark(self.delivered);
            return Err(NotDelivered { input: self.id.clone(), bookmark: *bookmark, delivered });
        }
        self.acknowledged = self.acknowledged.max(acknowledged);
        Ok(())
    }

    fn suspend(&mut self) {
        (self.held, self.open) = (None, None);
    }

    fn rewind(&mut self, bookmark: &Bookmark) -> bool {
        self.delivered = bookmark.0.ordinal();
        true
    }

    fn is_turned(&self) -> bool {
        true
    }
}

impl Held {
    fn read(input: &mut dyn Input) -> Result<Held, TooLarge> {
        let mut held = Held::default();
        let (mut content, mut records) = (Vec::new(), Vec::new());
        while let Some(InputRecord { piece, .. }) = input.next() {
            let Piece { ordinal, offset, length, out_of, content: piece } = piece;
            let what = match piece {
                Content::Record(bytes) => {
                    let start = content.len();
                    content.extend_from_slice(bytes);
                    What::Record { start, end: content.len() }
                }
                Content::Dead { fault, excerpt, hint } => {
                    held.bytes += excerpt.len() + fault.detail.len();
                    What::Dead(Box::new(Dead { fault, excerpt, hint }))
                }
            };
            records.push(Kept { ordinal, offset, length, out_of, what });
            held.bytes += PLACE_BYTES;
            let count = held.records + records.len() as u64;
            if count > MAX_TURNED_RECORDS || held.bytes > MAX_TURNED_BYTES {
                return Err(TooLarge);
            }
            if content.len() >= BLOCK_BYTES {
                held.add(&content, std::mem::take(&mut records))?;
                content.clear();
            }
        }
        held.add(&content, records)?;
        Ok(held)
    }

    fn add(&mut self, content: &[u8], records: Vec<Kept>) -> Result<(), TooLarge> {
        if records.is_empty() {
            return Ok(());
        }
        // Writing into memory can't fail.
        let deflated = deflate(content).map_err(|_| TooLarge)?;
        self.bytes += deflated.len();
        let first = self.records;
        self.records += records.len() as u64;
        self.blocks.push(Block { first, deflated, length: content.len(), records });
        if self.bytes > MAX_TURNED_BYTES { Err(TooLarge) } else { Ok(()) }
    }
}

impl Block {
    fn inflate(&self) -> io::Result<Vec<u8>> {
        let mut content = vec![0; self.length];
        DeflateDecoder::new(&*self.deflated).read_exact(&mut content)?;
        Ok(content)
    }
}

fn deflate(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content)?;
    encoder.finish()
}
