//! A live input that is read once as it comes: standard input, a pipe.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use countersign_formats::reader::Position;
use countersign_formats::unpack::unpacked;

use crate::batch::Batch;
use crate::cutter::Cutter;
use crate::delivered::Delivered;
use crate::input::InputId;

/// A batch that isn't full is delivered so long after its first byte came.
const BATCH_TIME: Duration = Duration::from_millis(50);

/// How much is read at a time, bytes.
const CHUNK: usize = 64 << 10;

/// How many chunks are read ahead.
const CHUNKS: usize = 16;

/// A live input that is read once, plain or packed. A thread reads ahead, up to a bound, and ends with the input, or after the
/// next read once nobody takes what it reads.
///
/// A batch is delivered when it is full, or 50 ms after its first byte came. A document that isn't finished waits; at the end of
/// the input it is delivered as what it is. There is no going back: a bookmark says only how much was delivered.
pub struct StreamInput {
    id: InputId,
    cutter: Cutter,
    pace: Arc<Mutex<Pace>>,
    /// Whether all was delivered.
    has_ended: bool,
}

/// How long is waited for bytes.
#[derive(Default)]
struct Pace {
    /// When the first byte came that isn't delivered.
    began: Option<Instant>,
    /// Up to when is waited for it.
    until: Option<Instant>,
    /// Whether no more bytes come.
    has_ended: bool,
}

/// The chunks that a thread reads. Seems to end where none came in time.
struct Chunks {
    receiver: Receiver<io::Result<Vec<u8>>>,
    pace: Arc<Mutex<Pace>>,
    chunk: Vec<u8>,
    taken: usize,
}

impl StreamInput {
    /// Reads bytes as they come, in a thread of its own.
    ///
    /// # Errors
    /// When there can't be a thread.
    pub fn new(id: InputId, bytes: impl Read + Send + 'static) -> io::Result<StreamInput> {
        let (sender, receiver) = sync_channel(CHUNKS);
        thread::Builder::new().name(format!("read {id}")).spawn(move || read(bytes, &sender))?;
        let pace = Arc::new(Mutex::new(Pace::default()));
        let chunks = Chunks { receiver, pace: Arc::clone(&pace), chunk: Vec::new(), taken: 0 };
        let cutter = Cutter::live(Box::new(chunks), Position::START);
        Ok(StreamInput { id, cutter, pace, has_ended: false })
    }

    /// Standard input.
    ///
    /// # Errors
    /// When there can't be a thread.
    pub fn stdin() -> io::Result<StreamInput> {
        StreamInput::new(InputId::from("-"), io::stdin())
    }

    /// The next batch. Waits for it, about so long at most where none has begun.
    pub fn poll(&mut self, wait: Duration) -> Option<Delivered> {
        self.set_pace(|pace| pace.until = Some(Instant::now() + wait));
        let next = self.cutter.next_batch().or_else(|| {
            let mut has_ended = false;
            self.set_pace(|pace| {
                pace.began = None;
                has_ended = pace.has_ended;
            });
            if !has_ended {
                return None;
            }
            self.cutter.end();
            let last = self.cutter.next_batch();
            self.has_ended = last.is_none();
            last
        });
        next.map(|(batch, after)| {
            // What follows may have begun already.
            self.set_pace(|pace| pace.began = Some(Instant::now()));
            self.delivered(batch, after)
        })
    }

    /// Whether the input has ended, and all of it was delivered.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    fn delivered(&self, batch: Batch, after: Position) -> Delivered {
        Delivered { input: self.id.as_str().to_owned(), bookmark: after.to_string(), batch }
    }

    fn set_pace(&self, set: impl FnOnce(&mut Pace)) {
        set(&mut self.pace.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Reads chunks until the input ends or nobody takes them.
fn read(bytes: impl Read + Send + 'static, sender: &SyncSender<io::Result<Vec<u8>>>) {
    let mut bytes = unpacked(Box::new(bytes));
    loop {
        let mut chunk = vec![0; CHUNK];
        let read = match bytes.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(0) => return,
            read => read.map(|count| {
                chunk.truncate(count);
                chunk
            }),
        };
        let is_last = read.is_err();
        if sender.send(read).is_err() || is_last {
            return;
        }
    }
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.chunk.len() {
            let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let until = pace.began.map(|began| began + BATCH_TIME).or(pace.until).unwrap_or(now);
            match self.receiver.recv_timeout(until.saturating_duration_since(now)) {
                Ok(Ok(chunk)) => (self.chunk, self.taken) = (chunk, 0),
                Ok(Err(error)) => {
                    pace.has_ended = true;
                    return Err(error);
                }
                Err(RecvTimeoutError::Timeout) => return Ok(0),
                Err(RecvTimeoutError::Disconnected) => {
                    pace.has_ended = true;
                    return Ok(0);
                }
            }
            pace.began.get_or_insert_with(Instant::now);
        }
        let count = self.chunk.get(self.taken..).unwrap_or_default().read(buffer)?;
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
#[path = "../tests/unit/stream_input.rs"]
mod tests;
