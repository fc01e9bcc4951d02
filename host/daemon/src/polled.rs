//! A source that is the event log of a provider: a thread that asks for what follows, and puts each answer on record together
//! with where the log goes on.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, SystemTime};

use countersign_configuration::Secret;
use countersign_formats::reader::Position;
use countersign_inputs::{Batch, Cutter, PolledLog, PolledProvider, Sources, Transport};
use countersign_model::SourceId;
use countersign_polling::{Answer, Connections, EventLog, Log, Page, Pauses, Request, RequestError, SystemLog, Token};
use countersign_recorder::AppendError;

use crate::feeds::Follow;

/// The one input of such a source, by which its bookmark is kept.
const fn input(provider: PolledProvider) -> &'static str {
    match provider {
        PolledProvider::Okta => "system-log",
        PolledProvider::Directory => "event-log",
    }
}

/// What a variable with the token of a source begins with; the source's name follows, in upper case and with `_` for `-`.
const fn variable(provider: PolledProvider) -> &'static str {
    match provider {
        PolledProvider::Okta => "COUNTERSIGN_OKTA_TOKEN_",
        PolledProvider::Directory => "COUNTERSIGN_DIRECTORY_TOKEN_",
    }
}

/// The log of a source, from its bookmark on.
fn open(log: &PolledLog, bookmark: Option<&str>) -> Result<Box<dyn Log>, String> {
    let pauses = Pauses::default();
    match log.provider {
        PolledProvider::Okta => boxed(SystemLog::open(&log.url, log.since, bookmark, pauses)),
        PolledProvider::Directory => boxed(EventLog::open(&log.url, bookmark, pauses)),
    }
}

fn boxed<L: Log + 'static>(opened: Result<L, impl ToString>) -> Result<Box<dyn Log>, String> {
    match opened {
        Ok(log) => Ok(Box::new(log)),
        Err(error) => Err(error.to_string()),
    }
}

/// Maximum bytes of a file with a token.
const MAX_TOKEN: u64 = 8 << 10;

/// How long is waited where the token or the bookmark can't be read.
const RETRY: Duration = Duration::from_secs(60);

/// How often a thread that waits for an answer looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(250);

impl Follow {
    /// Reads a log until the source is stopped.
    pub(crate) fn poll(self, log: &PolledLog) {
        while !self.is_stopping() {
            let Err(why) = self.follow_log(log) else { return };
            self.problem(&why);
            self.pause(RETRY);
        }
    }

    /// Reads a log from its bookmark on.
    fn follow_log(&self, log: &PolledLog) -> Result<(), String> {
        let name = self.source.name();
        let connections = Connections::to(&log.url).map_err(|error| error.to_string())?;
        let bookmarks = self.recorder.reader().and_then(|reader| reader.bookmarks(name));
        let bookmarks = bookmarks.map_err(|error| error.to_string())?;
        let input = input(log.provider);
        let mut known = bookmarks.get(input).cloned();
        let mut opened = open(log, known.as_deref())?;
        while !self.is_stopping() {
            // Read for each request: it may be another one by now.
            let request = opened.request(&connections, &token(name, log, &self.folder)?);
            let Some(answer) = self.answer(request) else { return Ok(()) };
            match opened.take(answer) {
                Ok(page) => self.record(&mut *opened, (input, &mut known), page),
                Err(error) => {
                    self.problem(&error.why);
                    self.pause(error.pause);
                }
            }
        }
        Ok(())
    }

    /// Puts a page on record with its bookmark, in one commit, and waits as long as it says. `known` is the bookmark on record:
    /// where nothing is new, nothing is written.
    fn record(&self, log: &mut dyn Log, (input, known): (&str, &mut Option<String>), mut page: Page) {
        let body: Arc<[u8]> = std::mem::take(&mut page.body).into();
        let is_new = !body.is_empty() || known.as_ref() != Some(&page.bookmark);
        let records = loop {
            if !is_new {
                break 0;
            }
            // What isn't taken is cut again: nothing but that would need a second copy of the batches.
            let batches = cut(&body);
            let records: u64 = batches.iter().map(|batch| u64::from(batch.records)).sum();
            match self.append(batches, vec![(input.to_owned(), Some(page.bookmark.clone()))]) {
                Ok(()) => {
                    *known = Some(page.bookmark.clone());
                    break records;
                }
                Err(error) => {
                    self.problem(&format!("the log is read no further for now: {error}"));
                    let full = if let AppendError::Full { retry_after, .. } = error { Some(retry_after) } else { None };
                    self.pause(full.unwrap_or(RETRY));
                }
            }
            // It isn't on record: the next start asks for it again.
            if self.is_stopping() {
                return;
            }
        };
        self.shared.feed(self.source.name(), |fed| {
            fed.records += records;
            let more = page.pause.is_zero();
            fed.lag = page.published.filter(|_| more).map(|published| now().saturating_sub(published.0).max(0));
            fed.problems.clear();
        });
        let pause = page.pause;
        log.recorded(page);
        self.pause(pause);
    }

    /// The answer to a request; none if the source is stopped before it comes.
    fn answer(&self, request: Request) -> Option<Result<Answer, RequestError>> {
        let (send, answered) = sync_channel(1);
        // A host that stops doesn't wait for it. It ends by its own time-out.
        let sending = move || drop(send.send(request.send()));
        if let Err(error) = std::thread::Builder::new().name("poll".to_owned()).spawn(sending) {
            return Some(Err(RequestError::Failed(error.to_string())));
        }
        loop {
            match answered.recv_timeout(LOOK) {
                Ok(answer) => return Some(answer),
                Err(RecvTimeoutError::Timeout) if !self.is_stopping() => {}
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => {
                    return Some(Err(RequestError::Failed("a thread that panicked".to_owned())));
                }
            }
        }
    }

    /// Says what is in the way, once as long as it stays the same.
    fn problem(&self, why: &str) {
        let name = self.source.name();
        self.shared.feed(name, |fed| {
            if fed.problems != [why] {
                tracing::warn!("the source `{name}`: {why}");
                fed.problems = vec![why.to_owned()];
            }
        });
    }
}

/// The token of a source: of the variable, else of the file, which is relative to a folder.
fn token(source: &SourceId, log: &PolledLog, folder: &Path) -> Result<Token, String> {
    let name = source.as_str().to_ascii_uppercase().replace('-', "_");
    let variable = format!("{}{name}", variable(log.provider));
    let secret = match (std::env::var_os(&variable), &log.token_file) {
        (Some(value), _) => Secret::environment(value),
        (None, Some(file)) => Secret::file(folder.join(file)),
        (None, None) => {
            return Err(format!(
                "expected `token-file = \"FILE\"`, or the variable `{variable}` with the token, got neither"
            ));
        }
    };
    let bytes = secret.read(MAX_TOKEN).map_err(|error| format!("the token can't be read: {error}"))?;
    Token::read(&bytes).map_err(|error| error.to_string())
}

/// The polled sources whose token this process can't read, each with why. `folder` is that of the configuration.
#[must_use]
pub fn without_token(sources: &Sources, folder: &Path) -> Vec<String> {
    let without = sources.iter().filter_map(|source| {
        let Some(Transport::Polled(log)) = source.transport() else { return None };
        let why = token(source.name(), log, folder).err()?;
        Some(format!("the source `{}`: {why}", source.name()))
    });
    without.collect()
}

/// The batches of a page.
fn cut(body: &Arc<[u8]>) -> Vec<Batch> {
    let mut cutter = Cutter::new(Box::new(Cursor::new(Arc::clone(body))), Position::START);
    std::iter::from_fn(|| cutter.next_batch()).map(|(batch, _)| batch).collect()
}

/// The time of day, microseconds since 1970: for a figure alone.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
