//! What senders push, cut into batches: how much of it is unpacked, and held, at once.

use std::io::{self, Cursor, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use countersign_formats::reader::Position;
use countersign_formats::unpack::unpacked;
use countersign_formats::{Decoder, Record};
use countersign_inputs::{Batch, Cutter, ReadAs, Source};

use crate::host::Ingested;

/// What a sender's records may come to unpacked, bytes.
pub(crate) const MAX_UNPACKED: u64 = 64 << 20;

/// What is unpacked at once: more takes no less time.
const CUTTING: u64 = 2;

/// Bytes of batches that wait to be recorded at once.
const WAITING: u64 = MAX_UNPACKED;

/// Cuts what is sent. At most [`CUTTING`] senders' records are unpacked, and [`WAITING`] bytes wait to be recorded; who comes
/// then waits. So it holds three times [`MAX_UNPACKED`] at most, whatever is sent.
pub(crate) struct Intake {
    cutting: Arc<Room>,
    waiting: Arc<Room>,
}

impl Default for Intake {
    fn default() -> Intake {
        Intake { cutting: Room::new(CUTTING), waiting: Room::new(WAITING) }
    }
}

impl Intake {
    /// Cuts what a sender sent into batches, as they will be judged, and looks what becomes of their records. None if it
    /// expands too far. The batches are held as long as the last value.
    pub(crate) fn cut(&self, bytes: Vec<u8>, source: &Source) -> Option<(Vec<Batch>, Ingested, Taken)> {
        let _cutting = self.cutting.take(1);
        let too_much = Arc::new(AtomicBool::new(false));
        let bytes = Counted {
            bytes: unpacked(Box::new(Cursor::new(bytes))),
            left: MAX_UNPACKED,
            too_much: Arc::clone(&too_much),
        };
        let mut cutter = Cutter::new(Box::new(bytes), Position::START);
        let batches: Vec<Batch> = std::iter::from_fn(|| cutter.next_batch()).map(|(batch, _)| batch).collect();
        if too_much.load(Ordering::Relaxed) {
            return None;
        }
        let mut ingested = Ingested { recorded: 0, dead_letters: 0 };
        // What this one counts doesn't matter: they are decoded again when they are judged.
        let ReadAs { format, binding, time_zone } = ReadAs::from(source);
        let mut decoder = Decoder::of_source(format, binding, time_zone.as_ref());
        for batch in &batches {
            let mut pieces = batch.pieces();
            while let Some((piece, _)) = pieces.next_piece() {
                ingested.recorded += 1;
                ingested.dead_letters += u64::from(matches!(decoder.decode(0, piece), Record::DeadLetter(_)));
            }
        }
        let held = batches.iter().map(|batch| batch.bytes.len() as u64).sum();
        Some((batches, ingested, self.waiting.take(held)))
    }
}

/// Bytes of which only so many may come: then they end, and that is said.
struct Counted {
    bytes: countersign_inputs::Bytes,
    left: u64,
    too_much: Arc<AtomicBool>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => {
                self.left = left;
                Ok(count)
            }
            None => {
                self.too_much.store(true, Ordering::Relaxed);
                Ok(0)
            }
        }
    }
}

/// Room that is taken for a while.
struct Room {
    all: u64,
    free: Mutex<u64>,
    freed: Condvar,
}

/// Room that is taken until this is dropped.
pub(crate) struct Taken {
    room: Arc<Room>,
    amount: u64,
}

impl Room {
    fn new(all: u64) -> Arc<Room> {
        Arc::new(Room { all, free: Mutex::new(all), freed: Condvar::new() })
    }

    /// Waits for room. What is more than all of it takes all of it.
    fn take(self: &Arc<Room>, amount: u64) -> Taken {
        let amount = amount.min(self.all);
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free < amount).unwrap_or_else(PoisonError::into_inner);
        *free -= amount;
        Taken { room: Arc::clone(self), amount }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        *self.room.free.lock().unwrap_or_else(PoisonError::into_inner) += self.amount;
        self.room.freed.notify_all();
    }
}

#[cfg(test)]
#[path = "../tests/unit/intake.rs"]
mod tests;
