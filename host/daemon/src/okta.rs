//! A source that is the System Log of an Okta organisation: a thread that asks for what follows, and puts each answer on
//! record together with where the log goes on.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, SystemTime};

use countersign_configuration::Secret;
use countersign_formats::reader::Position;
use countersign_inputs::{Batch, Cutter, OktaLog, Sources, Transport};
use countersign_model::SourceId;
use countersign_okta::{Answer, Connections, Page, Pauses, Request, RequestError, SystemLog, Token};
use countersign_recorder::AppendError;

use crate::feeds::Follow;

/// The one input of such a source.
const INPUT: &str = "system-log";

/// What a variable with the token of a source begins with; the source's name follows, in upper case and with `_` for `-`.
const VARIABLE: &str = "COUNTERSIGN_OKTA_TOKEN_";

/// Maximum bytes of a file with a token.
const MAX_TOKEN: u64 = 8 << 10;

/// How long is waited where the token or the bookmark can't be read.
const RETRY: Duration = Duration::from_secs(60);

/// How often a thread that waits for an answer looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(250);

impl Follow {
    /// Reads a System Log until the source is stopped.
    pub(crate) fn poll_okta(self, log: &OktaLog) {
        while !self.is_stopping() {
            let Err(why) = self.follow_okta(log, Pauses::default()) else { return };
            self.problem(&why);
            self.pause(RETRY);
        }
    }

    /// Reads a System Log from its bookmark on.
    fn follow_okta(&self, log: &OktaLog, pauses: Pauses) -> Result<(), String> {
        let name = self.source.name();
        let connections = Connections::to(&log.url).map_err(|error| error.to_string())?;
        let bookmarks = self.recorder.reader().and_then(|reader| reader.bookmarks(name));
        let bookmarks = bookmarks.map_err(|error| error.to_string())?;
        let opened = SystemLog::open(&log.url, log.since, bookmarks.get(INPUT).map(String::as_str), pauses);
        let mut system_log = opened.map_err(|error| error.to_string())?;
        while !self.is_stopping() {
            // Read for each request: it may be another one by now.
            let request = system_log.request(&connections, &token(name, log, &self.folder)?);
            let Some(answer) = self.answer(request) else { return Ok(()) };
            match system_log.take(answer) {
                Ok(page) => self.record(&mut system_log, page),
                Err(error) => {
                    self.problem(&error.why);
                    self.pause(error.pause);
                }
            }
        }
        Ok(())
    }

    /// Puts a page on record with its bookmark, in one commit, and waits as long as it says.
    fn record(&self, system_log: &mut SystemLog, mut page: Page) {
        let body: Arc<[u8]> = std::mem::take(&mut page.body).into();
        let records = loop {
            // What isn't taken is cut again: nothing but that would need a second copy of the batches.
            let batches = cut(&body);
            let records: u64 = batches.iter().map(|batch| u64::from(batch.records)).sum();
            match self.append(batches, vec![(INPUT.to_owned(), Some(page.bookmark.clone()))]) {
                Ok(()) => break records,
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
        system_log.recorded(page);
        self.pause(pause);
    }

    /// The answer to a request; none if the source is stopped before it comes.
    fn answer(&self, request: Request) -> Option<Result<Answer, RequestError>> {
        let (send, answered) = sync_channel(1);
        // A host that stops doesn't wait for it. It ends by its own time-out.
        let sending = move || drop(send.send(request.send()));
        if let Err(error) = std::thread::Builder::new().name("okta".to_owned()).spawn(sending) {
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
fn token(source: &SourceId, log: &OktaLog, folder: &Path) -> Result<Token, String> {
    let variable = format!("{VARIABLE}{}", source.as_str().to_ascii_uppercase().replace('-', "_"));
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

/// The sources of kind `okta` whose token this process can't read, each with why. `folder` is that of the configuration.
#[must_use]
pub fn without_token(sources: &Sources, folder: &Path) -> Vec<String> {
    let without = sources.iter().filter_map(|source| {
        let Some(Transport::Okta(log)) = source.transport() else { return None };
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
