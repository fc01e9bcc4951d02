//! From a piece of an input to an event or a dead letter.

use std::io::Read;

use countersign_model::{Digest, RawAddress, TimeZone};

use crate::binding::SourceBinding;
use crate::hint::{self, Hint};
use crate::occurrences::Occurrence;
use crate::reader::{Content, Piece, Splitter, excerpt};
use crate::unpack::unpacked;
use crate::{DeadLetter, DeadReason, Fault, Format, Record};

/// Turns the raw records of one format into events.
pub trait Decode: Send {
    /// Turns one raw record into an event.
    ///
    /// # Errors
    /// When it can't become one.
    fn decode(&mut self, raw: &str, address: RawAddress) -> Result<Record, Fault>;

    /// Counts on after these records without an id, which were counted before of an input and became events of `source`.
    fn restore(&mut self, input: u32, source: &str, counted: Vec<Occurrence>);

    /// What was counted of an input's records without an id.
    fn counted(&self, input: u32) -> Vec<Occurrence>;

    /// Forgets what was counted of an input that has ended.
    fn end(&mut self, input: u32);
}

/// Decodes the pieces of any number of inputs of one format.
pub struct Decoder {
    decode: Box<dyn Decode>,
    /// The name of the format, unless it recognises the formats of records itself.
    named: Option<&'static str>,
    binding: SourceBinding,
}

impl Decoder {
    /// A decoder of this format, for inputs of which nothing else is known.
    pub fn new<F: Format + ?Sized>(format: &F) -> Decoder {
        Decoder::of_source(format, SourceBinding::OF_FORMAT, None)
    }

    /// A decoder of this format for the inputs of a source, which is bound to this; `zone` is that of its local times that
    /// name none.
    pub fn of_source<F: Format + ?Sized>(format: &F, binding: SourceBinding, zone: Option<&TimeZone>) -> Decoder {
        Decoder { decode: format.decoder(zone), named: format.signs().map(|_| format.name()), binding }
    }

    /// What became of a piece of the input with this ordinal.
    pub fn decode(&mut self, input: u32, piece: Piece<'_>) -> Record {
        let Piece { ordinal, offset, length, content, out_of } = piece;
        let dead = |digest, fault: Fault, excerpt, hint| {
            Record::DeadLetter(DeadLetter {
                input,
                ordinal,
                offset,
                length,
                digest,
                reason_code: fault.reason,
                reason: fault.detail,
                excerpt,
                hint,
            })
        };
        match content {
            Content::Dead { fault, excerpt, hint } => dead(lost_digest(length, fault.reason), fault, excerpt, hint),
            Content::Record(bytes) => {
                let mut record = match std::str::from_utf8(bytes) {
                    Ok(text) => {
                        let address = RawAddress { input, ordinal, offset, length, digest: Digest::of(bytes) };
                        self.decode.decode(text, address)
                    }
                    Err(error) => Err(not_utf8(error.valid_up_to())),
                };
                if let Ok(Record::Event { event, .. }) = &mut record {
                    self.binding.mark(event, out_of);
                }
                record.unwrap_or_else(|fault| dead(Digest::of(bytes), fault, excerpt(bytes), self.hint(bytes)))
            }
        }
    }

    /// Counts on after these records without an id, which were counted before of an input and became events of `source`.
    pub fn restore(&mut self, input: u32, source: &str, counted: Vec<Occurrence>) {
        // A named source has one format.
        let named = self.binding.name().is_some_and(|name| *name == *source);
        let source = self.named.filter(|_| named).unwrap_or(source);
        self.decode.restore(input, source, counted);
    }

    /// Counts on after what another decoder counted of an input, whose events are of `source`: as [`Decoder::restore`] would.
    pub fn take_over(&mut self, before: &Decoder, input: u32, source: &str) {
        self.restore(input, source, before.decode.counted(input));
    }

    /// Forgets what was counted of an input that has ended.
    pub fn end(&mut self, input: u32) {
        self.decode.end(input);
    }

    /// What a record that can't be decoded looks like, if not like what was expected.
    fn hint(&self, bytes: &[u8]) -> Option<Hint> {
        hint::hint(bytes).filter(|hint| match hint {
            Hint::File(_) => true,
            Hint::Format(name) => self.named.is_some_and(|named| named != *name),
        })
    }
}

/// The digest of a piece: of a record's bytes; of what couldn't be cut into a record, of its length and why.
#[must_use]
pub fn piece_digest(piece: &Piece<'_>) -> Digest {
    match &piece.content {
        Content::Record(bytes) => Digest::of(bytes),
        Content::Dead { fault, .. } => lost_digest(piece.length, fault.reason),
    }
}

fn lost_digest(length: u64, reason: DeadReason) -> Digest {
    Digest::of(format!("{} {length}", reason.code()).as_bytes())
}

fn not_utf8(valid: usize) -> Fault {
    let detail = format!("expected UTF-8, got something else from byte {valid} of the record on");
    Fault::new(DeadReason::NotUtf8, detail)
}

/// The records of one input, in the order of delivery.
pub struct Records {
    splitter: Splitter,
    decoder: Decoder,
    input: u32,
}

impl Records {
    /// Reads an input, plain or packed (see [`crate::unpack`]); `input` is its ordinal among the inputs.
    pub fn new<F: Format + ?Sized>(format: &F, bytes: Box<dyn Read + Send>, input: u32) -> Records {
        Records::of_source(format, SourceBinding::OF_FORMAT, bytes, input)
    }

    /// The same of a source, which is bound to this.
    pub fn of_source<F: Format + ?Sized>(
        format: &F,
        binding: SourceBinding,
        bytes: Box<dyn Read + Send>,
        input: u32,
    ) -> Records {
        Records { splitter: Splitter::new(unpacked(bytes)), decoder: Decoder::of_source(format, binding, None), input }
    }
}

impl Iterator for Records {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let (piece, _) = self.splitter.next_piece()?;
        Some(self.decoder.decode(self.input, piece))
    }
}
