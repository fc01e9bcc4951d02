//! The inputs of sources that the host reads itself: a thread each, started and stopped as generations change.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use countersign_inputs::{Batch, BookmarkError, Delivered, Source, Sources, StreamInput, Tail, Transport};
use countersign_model::SourceId;
use countersign_recorder::{Append, AppendError, Recorder, RecorderError};

use crate::shared::Shared;

/// How often files are looked at.
const POLL: Duration = Duration::from_millis(250);

/// How often the generation that serves is looked at for other sources.
const SUPERVISE: Duration = Duration::from_secs(1);

/// How long is waited after an error.
const RETRY: Duration = Duration::from_secs(5);

/// Problems of a source that are kept to be shown.
const MAX_PROBLEMS: usize = 16;

/// Starts and stops the threads that read sources.
pub(crate) struct Feeds {
    pub(crate) shared: Arc<Shared>,
    pub(crate) recorder: Recorder,
    /// What paths of sources are relative to.
    pub(crate) folder: PathBuf,
}

struct Running {
    source: Source,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Feeds {
    /// Has the sources of the generation that serves read, until the host is to stop.
    pub(crate) fn run(self) {
        let mut running: BTreeMap<SourceId, Running> = BTreeMap::new();
        let mut unread = BTreeSet::new();
        while !self.shared.is_stopping() {
            let wanted = self.shared.sources();
            let is_wanted = |name: &SourceId, running: &Running| {
                let source = wanted.named(name);
                source.is_some_and(|source| {
                    source.transport() == running.source.transport() && source.paths() == running.source.paths()
                })
            };
            let (kept, ended) = running.into_iter().partition(|(name, running)| is_wanted(name, running));
            running = kept;
            stop(ended);
            self.tell_unread(&wanted, &mut unread);
            for source in wanted.iter().filter(|source| is_read(source)) {
                if !running.contains_key(source.name()) {
                    running.extend(self.start(source).map(|started| (source.name().clone(), started)));
                }
            }
            self.recorder.wait(SUPERVISE, |_| self.shared.is_stopping());
        }
        stop(running);
    }

    /// Says of which sources nothing is read. Those that were said before are forgotten.
    fn tell_unread(&self, wanted: &Sources, told: &mut BTreeSet<SourceId>) {
        for name in std::mem::take(told) {
            self.shared.feed(&name, |fed| fed.problems.clear());
        }
        for source in wanted.iter() {
            if let Some(why) = source.unread() {
                self.shared.feed(source.name(), |fed| fed.problems = vec![why]);
                told.insert(source.name().clone());
            }
        }
    }

    fn start(&self, source: &Source) -> Option<Running> {
        let stop = Arc::new(AtomicBool::new(false));
        let follow = Follow {
            shared: Arc::clone(&self.shared),
            recorder: self.recorder.clone(),
            folder: self.folder.clone(),
            source: source.clone(),
            stop: Arc::clone(&stop),
        };
        let run = move || match follow.source.transport() {
            Some(Transport::Stdin) => follow.read_stdin(),
            Some(Transport::Polled(log)) => {
                let log = log.clone();
                follow.poll(&log);
            }
            _ => follow.run(),
        };
        let thread = std::thread::Builder::new().name(format!("source {}", source.name())).spawn(run);
        match thread {
            Ok(thread) => Some(Running { source: source.clone(), stop, thread }),
            Err(error) => {
                tracing::error!("can't read the source `{}`: {error}; it is tried again", source.name());
                None
            }
        }
    }
}

/// Whether the host reads a source itself.
fn is_read(source: &Source) -> bool {
    matches!(source.transport(), Some(Transport::File | Transport::Stdin | Transport::Polled(_)))
}

fn stop(running: BTreeMap<SourceId, Running>) {
    running.values().for_each(|running| running.stop.store(true, Ordering::Release));
    for (name, running) in running {
        if running.thread.join().is_err() {
            tracing::error!("the thread of the source `{name}` panicked");
        }
    }
}

/// Follows the input of a source.
pub(crate) struct Follow {
    pub(crate) shared: Arc<Shared>,
    pub(crate) recorder: Recorder,
    pub(crate) folder: PathBuf,
    pub(crate) source: Source,
    stop: Arc<AtomicBool>,
}

/// Why following has to begin anew from the bookmarks on record.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    #[error(transparent)]
    Bookmark(#[from] BookmarkError),
}

impl Follow {
    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire) || self.shared.is_stopping()
    }

    pub(crate) fn pause(&self, longest: Duration) {
        self.recorder.wait(longest, |_| self.is_stopping());
    }

    fn run(self) {
        while !self.is_stopping() {
            let Err(error) = self.follow() else { return };
            let full = match &error {
                FollowError::Append(AppendError::Full { retry_after, .. }) => Some(*retry_after),
                _ => None,
            };
            let name = self.source.name();
            match full {
                // Nothing is lost: the file is read no further.
                Some(_) => tracing::warn!("the source `{name}` is read no further for now: {error}"),
                None => tracing::error!("the source `{name}` can't be read now: {error}"),
            }
            self.shared.feed(name, |fed| fed.problems = vec![error.to_string()]);
            self.pause(full.unwrap_or(RETRY));
        }
    }

    fn follow(&self) -> Result<(), FollowError> {
        let name = self.source.name();
        let bookmarks = self.recorder.reader()?.bookmarks(name)?;
        let mut tail = Tail::open(&self.folder, self.source.paths(), &bookmarks)?;
        self.shared.feed(name, |fed| fed.problems.clear());
        while !self.is_stopping() {
            let polled = tail.poll();
            for problem in &polled.problems {
                tracing::warn!("the source `{name}`: {problem}");
            }
            let mut records = 0;
            for Delivered { input, bookmark, batch } in polled.delivered {
                records += u64::from(batch.records);
                self.append(vec![batch], vec![(input, Some(bookmark))])?;
            }
            if !polled.forgotten.is_empty() {
                self.append(Vec::new(), polled.forgotten.into_iter().map(|input| (input, None)).collect())?;
            }
            self.shared.feed(name, |fed| {
                fed.records += records;
                fed.lag_bytes = tail.lag();
                if fed.lag_bytes == 0 || fed.caught_up.is_none() {
                    fed.caught_up = Some(Instant::now());
                }
                fed.problems.extend(polled.problems.iter().map(ToString::to_string));
                let excess = fed.problems.len().saturating_sub(MAX_PROBLEMS);
                fed.problems.drain(..excess);
            });
            if !polled.more {
                self.pause(POLL);
            }
        }
        Ok(())
    }

    /// Records standard input to its end. What was read can't be read again, so each batch is tried until it is on record.
    fn read_stdin(self) {
        let name = self.source.name();
        let mut input = match StreamInput::stdin() {
            Ok(input) => input,
            Err(error) => return tracing::error!("standard input can't be read: {error}"),
        };
        while !self.is_stopping() && !input.has_ended() {
            let Some(Delivered { batch, .. }) = input.poll(POLL) else { continue };
            let records = u64::from(batch.records);
            while let Err(error) = self.append(vec![batch.clone()], Vec::new()) {
                tracing::warn!("standard input is read no further for now: {error}");
                self.pause(RETRY);
                if self.is_stopping() {
                    return;
                }
            }
            self.shared.feed(name, |fed| fed.records += records);
        }
        self.shared.feed(name, |fed| fed.ended = input.has_ended());
    }

    pub(crate) fn append(
        &self,
        batches: Vec<Batch>,
        bookmarks: Vec<(String, Option<String>)>,
    ) -> Result<(), AppendError> {
        let source = self.source.name().clone();
        self.recorder.append(Append { source, batches, bookmarks, idempotency: None })?;
        Ok(())
    }
}
