//! A recorder that is open for writing: what others call, on any thread.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use countersign_database::Database;
use countersign_model::{Place, SourceId, Timestamp};

use crate::RECORDER;
use crate::append::{Append, Appended, NewHostInput};
use crate::clock::HostClock;
use crate::error::{AppendError, RecorderError};
use crate::packed::PackedInput;
use crate::queue::{Queue, Reply, Request};
use crate::read::RecorderReader;
use crate::state::{Figures, Shared};
use crate::writer::Writer;

/// How a recorder is kept.
#[derive(Clone)]
pub struct RecorderOptions {
    /// Maximum bytes on record, compressed: of batches, host inputs and what they name. What is judged is dropped for what is
    /// new, the oldest first.
    pub max_bytes: u64,
    /// How long judged batches are kept, microseconds.
    pub keep: i64,
    /// The system's clock.
    pub clock: fn() -> Timestamp,
}

impl RecorderOptions {
    /// The default of `max_bytes`: 10 GiB.
    pub const MAX_BYTES: u64 = 10 << 30;

    /// The default of `keep`: 30 days.
    pub const KEEP: i64 = 30 * 86_400 * 1_000_000;
}

/// A recorder that is open for writing. It is closed with the last clone; what was accepted is written first.
#[derive(Clone)]
pub struct Recorder {
    open: Arc<Open>,
}

struct Open {
    path: PathBuf,
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    clock: HostClock,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // It doesn't panic; if it did, there is nothing to be done about it here.
            drop(thread.join());
        }
    }
}

impl Recorder {
    /// Opens a recorder, or makes one, and starts the thread that writes to it. `judged` is how far its inputs were judged.
    /// Another process that has it open stores nothing more.
    ///
    /// # Errors
    /// When it can't be made or opened, or is something else.
    pub fn open(path: &Path, options: RecorderOptions, judged: Place) -> Result<Recorder, RecorderError> {
        let (shared, queue) = (Arc::new(Shared::default()), Arc::new(Queue::default()));
        let writer = Writer::open(path, options, Arc::clone(&shared), judged)?;
        let (requests, clock) = (Arc::clone(&queue), writer.clock());
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || writer.run(&requests))
            .map_err(RecorderError::Thread)?;
        let thread = Mutex::new(Some(thread));
        Ok(Recorder { open: Arc::new(Open { path: path.to_owned(), queue, shared, clock, thread }) })
    }

    /// The host's time now: that of what is recorded next, or earlier.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.open.clock.now()
    }

    /// Opens the same recorder for reading.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn reader(&self) -> Result<RecorderReader, RecorderError> {
        RecorderReader::open(&self.open.path)
    }

    /// Appends records, and waits until they are durable. Waits as well while too many others do.
    ///
    /// # Errors
    /// When they aren't.
    pub fn append(&self, append: Append) -> Result<Appended, AppendError> {
        wait(|reply| self.open.queue.add_records(append, reply))
    }

    /// The same without waiting: `reply` is called on the thread that writes. It is refused as full while too many others
    /// wait.
    pub fn append_then(&self, append: Append, reply: Reply<Appended>) {
        self.open.queue.try_records(append, reply);
    }

    /// Puts an input of the host's own on record, before records that wait, and returns its number.
    ///
    /// # Errors
    /// When it isn't on record.
    pub fn put(&self, input: NewHostInput) -> Result<u64, AppendError> {
        wait(|reply| self.put_then(input, reply))
    }

    /// The same without waiting: `reply` is called on the thread that writes.
    pub fn put_then(&self, input: NewHostInput, reply: Reply<u64>) {
        match PackedInput::new(input) {
            Ok(input) => self.open.queue.add(Request::Host(input, reply)),
            Err(error) => reply(Err(error)),
        }
    }

    /// Shares the room for what isn't judged among these sources, and those of which something isn't judged. Before this it is
    /// shared among the latter alone.
    pub fn share_among(&self, sources: BTreeSet<SourceId>) {
        self.open.queue.add(Request::Share(sources));
    }

    /// Gives the host inputs up to the number `last` that have no place yet their place: before a batch.
    ///
    /// # Errors
    /// When that isn't on record.
    pub fn give_turn(&self, last: u64, before: u64) -> Result<(), AppendError> {
        wait(|reply| self.open.queue.add(Request::Turn { last, before, reply }))
    }

    /// Remembers a fact in the place of the one of the same name. Facts aren't inputs: nothing is judged by them.
    ///
    /// # Errors
    /// When it isn't on record.
    pub fn remember(&self, name: &'static str, value: Vec<u8>) -> Result<(), AppendError> {
        wait(|reply| self.open.queue.add(Request::Remember(name, value, reply)))
    }

    /// Forgets a fact of a recorder that nobody has open.
    ///
    /// # Errors
    /// When it can't be opened or written.
    pub fn forget(path: &Path, name: &'static str) -> Result<(), RecorderError> {
        let (database, _) = Database::open(&RECORDER, path)?;
        let forgotten = database.connection.execute("DELETE FROM fact WHERE name = ?1", [name]);
        forgotten.map_err(database.failed("write"))?;
        Ok(database.close()?)
    }

    /// Reports how far inputs were judged, once that is durable in the store: what lies before may be dropped.
    pub fn judged(&self, place: Place) {
        self.open.queue.add(Request::Judged(place));
    }

    /// How many appends of records wait for a transaction.
    #[must_use]
    pub fn queued(&self) -> u64 {
        self.open.queue.queued()
    }

    /// The figures as of the last transaction.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.open.shared.figures()
    }

    /// Waits until `is_enough` of the figures, for `longest` at most, and returns them.
    pub fn wait(&self, longest: Duration, is_enough: impl FnMut(&Figures) -> bool) -> Figures {
        self.open.shared.wait(longest, is_enough)
    }

    /// Whether the thread that writes runs. It ends by itself only if it panics.
    #[must_use]
    pub fn is_running(&self) -> bool {
        let thread = self.open.thread.lock().unwrap_or_else(PoisonError::into_inner);
        thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Wakes those that wait, to look again at what isn't a figure.
    pub fn wake(&self) {
        self.open.shared.change(|_| {});
    }
}

/// Calls with a reply, and waits for it.
fn wait<T: Send + 'static>(call: impl FnOnce(Reply<T>)) -> Result<T, AppendError> {
    let (send, receive) = sync_channel(1);
    // A failed send means that nobody waits any more.
    call(Box::new(move |result| drop(send.send(result))));
    receive.recv().unwrap_or(Err(AppendError::Closed))
}
