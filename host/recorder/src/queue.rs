//! What waits for the thread that writes: the host's own inputs before records.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use countersign_model::{Place, SourceId};

use crate::append::{Append, Appended};
use crate::error::AppendError;
use crate::packed::PackedInput;

/// Is called once what was appended is durable, or isn't.
pub type Reply<T> = Box<dyn FnOnce(Result<T, AppendError>) + Send>;

/// Appends of records that wait at once.
const MAX_RECORDS: usize = 256;

/// Bytes of records that are taken for one transaction.
const MAX_BYTES: usize = 16 << 20;

/// What the thread is asked for.
pub(crate) enum Request {
    /// An input of the host's own; answered by its number.
    Host(PackedInput, Reply<u64>),
    /// Inputs of the host's own up to this number that have no place yet are taken before this batch.
    Turn { last: u64, before: u64, reply: Reply<()> },
    /// Everything up to here was judged, and that is durable.
    Judged(Place),
    /// A fact is remembered.
    Remember(&'static str, Vec<u8>, Reply<()>),
    /// The sources among which the room is shared.
    Share(BTreeSet<SourceId>),
}

/// Requests of one transaction, in the order in which they are written.
#[derive(Default)]
pub(crate) struct Taken {
    pub(crate) host: Vec<Request>,
    pub(crate) records: Vec<(Append, Reply<Appended>)>,
}

#[derive(Default)]
struct Waiting {
    host: VecDeque<Request>,
    records: VecDeque<(Append, Reply<Appended>)>,
    closed: bool,
}

/// The requests.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    /// Something came, or the queue was closed.
    filled: Condvar,
    /// Records were taken.
    emptied: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds records, once fewer than the maximum wait.
    pub(crate) fn add_records(&self, append: Append, reply: Reply<Appended>) {
        let guard = self.lock();
        let full = |waiting: &mut Waiting| !waiting.closed && waiting.records.len() >= MAX_RECORDS;
        let mut waiting = self.emptied.wait_while(guard, full).unwrap_or_else(PoisonError::into_inner);
        if waiting.closed {
            drop(waiting);
            return reply(Err(AppendError::Closed));
        }
        waiting.records.push_back((append, reply));
        self.filled.notify_one();
    }

    /// Adds records unless the maximum waits: then they are refused.
    pub(crate) fn try_records(&self, append: Append, reply: Reply<Appended>) {
        let mut waiting = self.lock();
        let refused = if waiting.closed {
            AppendError::Closed
        } else if waiting.records.len() >= MAX_RECORDS {
            AppendError::Full { name: append.source, retry_after: Duration::from_secs(1) }
        } else {
            waiting.records.push_back((append, reply));
            self.filled.notify_one();
            return;
        };
        drop(waiting);
        reply(Err(refused));
    }

    /// How many appends of records wait.
    pub(crate) fn queued(&self) -> u64 {
        self.lock().records.len() as u64
    }

    /// Adds a request of the host's own.
    pub(crate) fn add(&self, request: Request) {
        let mut waiting = self.lock();
        if !waiting.closed {
            waiting.host.push_back(request);
            self.filled.notify_one();
            return;
        }
        drop(waiting);
        match request {
            Request::Host(_, reply) => reply(Err(AppendError::Closed)),
            Request::Turn { reply, .. } | Request::Remember(_, _, reply) => reply(Err(AppendError::Closed)),
            Request::Judged(_) | Request::Share(_) => {}
        }
    }

    /// Waits for requests, and takes as many as one transaction writes; none once the queue is closed and empty.
    pub(crate) fn take(&self) -> Option<Taken> {
        let guard = self.lock();
        let idle = |waiting: &mut Waiting| !waiting.closed && waiting.host.is_empty() && waiting.records.is_empty();
        let mut waiting = self.filled.wait_while(guard, idle).unwrap_or_else(PoisonError::into_inner);
        let mut taken = Taken { host: waiting.host.drain(..).collect(), records: Vec::new() };
        let mut bytes = 0;
        while bytes < MAX_BYTES
            && let Some((append, reply)) = waiting.records.pop_front()
        {
            bytes += append.batches.iter().map(|batch| batch.bytes.len()).sum::<usize>();
            taken.records.push((append, reply));
        }
        self.emptied.notify_all();
        (!taken.host.is_empty() || !taken.records.is_empty()).then_some(taken)
    }

    /// Takes nothing more. What waits is still written.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
        self.emptied.notify_all();
    }
}
