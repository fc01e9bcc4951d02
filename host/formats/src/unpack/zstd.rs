//! Decompresses Zstandard (RFC 8878), and reports damage in it as what it is.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::sync::atomic::Ordering;

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::{Bytes, Taken};
use crate::{DeadReason, Fault};

/// The largest window of a frame, bytes: what RFC 8878 (section 3.1.1.1.2) asks a decoder to support, and what levels up to
/// 19 need. It is what the decoder may hold.
const MAX_WINDOW: u64 = 8 << 20;

/// An empty last block and a checksum: ends a frame that can't be read on, so that what was decoded of it can be had.
const END_OF_FRAME: &[u8] = &[1, 0, 0, 0, 0, 0, 0];

/// The content of zstd data, which may have several frames.
pub(super) struct Unzstd {
    stored: Stored,
    decoder: FrameDecoder,
    /// Whether a frame is being read.
    is_within: bool,
    /// Why it can't be read on, once what came before was delivered.
    fault: Option<io::Error>,
}

impl Unzstd {
    pub(super) fn new(bytes: Bytes, taken: Taken) -> Unzstd {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW);
        let stored = Stored { bytes: BufReader::new(bytes), taken, has_ended: false, failure: None };
        Unzstd { stored, decoder, is_within: false, fault: None }
    }

    /// Begins the next frame. False at the end.
    fn begin(&mut self) -> Result<bool, io::Error> {
        while !self.stored.bytes.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.stored) {
                Ok(()) => return Ok(true),
                // What isn't telemetry: seek tables, and what tools add.
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let length = u64::from(length);
                    if io::copy(&mut self.stored.by_ref().take(length), &mut io::sink())? < length {
                        return Err(self.damaged("the input ends within a frame"));
                    }
                }
                Err(error) => return Err(self.damaged(&error.to_string())),
            }
        }
        Ok(false)
    }

    /// Decodes a block, and sees to the end of the frame.
    fn go_on(&mut self) -> Result<(), io::Error> {
        if !self.decoder.is_finished() {
            let decoded = self.decoder.decode_blocks(&mut self.stored, BlockDecodingStrategy::UptoBlocks(1));
            return decoded.map(|_| ()).map_err(|error| self.damaged(&error.to_string()));
        }
        self.is_within = false;
        match self.decoder.get_checksum_from_data() {
            Some(expected) if self.decoder.get_calculated_checksum() != Some(expected) => {
                Err(self.damaged("content of another checksum"))
            }
            _ => Ok(()),
        }
    }

    /// Why it can't be read on; what was decoded is delivered first.
    fn damaged(&mut self, detail: &str) -> io::Error {
        if let Some(failure) = self.stored.failure.take() {
            return failure;
        }
        let (reason, expected, kind) = if self.stored.has_ended {
            (DeadReason::Truncated, "the rest of the zstd data", ErrorKind::UnexpectedEof)
        } else {
            (
                DeadReason::DamagedCompression,
                "zstd data (RFC 8878) with a window of at most 8 MiB",
                ErrorKind::InvalidData,
            )
        };
        let detail = format!("expected {expected}, got: {detail}; what came before was delivered");
        io::Error::new(kind, Fault::new(reason, detail))
    }
}

impl Read for Unzstd {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.decoder.can_collect() > 0 {
                return self.decoder.read(buffer);
            }
            if let Some(fault) = self.fault.take() {
                return Err(fault);
            }
            let step = if self.is_within { self.go_on() } else { self.begin().map(|begun| self.is_within = begun) };
            match step {
                Ok(()) if !self.is_within && self.stored.is_at_end()? => return Ok(0),
                Ok(()) => {}
                Err(fault) => {
                    if std::mem::take(&mut self.is_within) && !self.decoder.is_finished() {
                        // If the frame can't be ended either, what its window holds is lost with the rest.
                        let _ = self.decoder.decode_blocks(END_OF_FRAME, BlockDecodingStrategy::All);
                    }
                    self.fault = Some(fault);
                }
            }
        }
    }
}

/// The stored bytes, counted.
struct Stored {
    bytes: BufReader<Bytes>,
    taken: Taken,
    has_ended: bool,
    /// Why they can't be read on: the decoder would make another error of it.
    failure: Option<io::Error>,
}

impl Stored {
    fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.bytes.fill_buf()?.is_empty())
    }
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match self.bytes.read(buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                let kind = error.kind();
                self.failure = Some(error);
                return Err(kind.into());
            }
        };
        self.has_ended |= count == 0 && !buffer.is_empty();
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
