//! Where an event log goes on, and what its answers mean.

use std::time::Duration;

use countersign_model::Timestamp;
use serde::Deserialize;

use crate::answer::{Answer, RequestError};
use crate::log::{Log, LogError, Page};
use crate::pause::Pauses;
use crate::request::{Connections, Request, Token};

/// The most events of an answer: what a directory allows.
const LIMIT: usize = 1_000;

/// The path of the log.
const PATH: &str = "/v1/events";

/// The longest cursor, bytes.
const MAX_CURSOR: usize = 64;

/// How much of a body is told where it says what is wrong, characters.
const MAX_TOLD: usize = 200;

/// An event log.
#[derive(Debug)]
pub struct EventLog {
    /// `https://HOST` or `http://HOST`, in lower case.
    origin: String,
    after: Option<Cursor>,
    failures: u32,
    pauses: Pauses,
}

/// Where a log goes on: which log, and the number of its last event that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cursor {
    text: String,
    number: u64,
}

/// A text that isn't a cursor of an event log.
#[derive(Debug, thiserror::Error)]
#[error("expected the cursor of an event log, got something else")]
pub struct CursorError;

impl Cursor {
    fn read(text: &str) -> Result<Cursor, CursorError> {
        let (log, number) = text.split_once('.').filter(|_| text.len() <= MAX_CURSOR).ok_or(CursorError)?;
        let number = number.parse().map_err(|_| CursorError)?;
        let is_right = !log.is_empty() && log.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_right { Ok(Cursor { text: text.to_owned(), number }) } else { Err(CursorError) }
    }
}

/// What is read of an event, whose form is its format's affair.
#[derive(Deserialize)]
struct Event {
    sequence: u64,
    #[serde(default)]
    time: Option<Timestamp>,
}

impl EventLog {
    /// A log that goes on at a bookmark, or begins without one at its first event. `origin` is `https://HOST` or `http://HOST`,
    /// perhaps with a port.
    ///
    /// # Errors
    /// When the bookmark isn't one.
    pub fn open(origin: &str, bookmark: Option<&str>, pauses: Pauses) -> Result<EventLog, CursorError> {
        let after = bookmark.map(Cursor::read).transpose()?;
        Ok(EventLog { origin: origin.to_ascii_lowercase(), after, failures: 0, pauses })
    }

    fn page(&mut self, answer: Answer) -> Result<Page, LogError> {
        let Some(next) = answer.cursor.as_deref().and_then(|cursor| Cursor::read(cursor).ok()) else {
            return Err(self.failed("expected where the log goes on in `X-Next-Cursor`, got nothing".to_owned()));
        };
        let mut records = 0_usize;
        let mut published = None;
        let mut reached = self.after.as_ref().map_or(0, |after| after.number);
        for line in answer.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let event: Event = serde_json::from_slice(line)
                .map_err(|error| self.failed(format!("expected an event a line, got something else: {error}")))?;
            // What was lost on the way can't be told from what is withheld.
            if event.sequence != reached.saturating_add(1) || records == LIMIT {
                let got = event.sequence;
                return Err(
                    self.failed(format!("expected at most {LIMIT} events on from {reached}, got one of number {got}"))
                );
            }
            reached = event.sequence;
            records += 1;
            published = event.time.or(published);
        }
        if next.number != reached {
            let got = next.number;
            return Err(self.failed(format!("expected the log to go on after {reached}, got {got}")));
        }
        self.failures = 0;
        let pause = if records >= LIMIT { Duration::ZERO } else { self.pauses.short() };
        Ok(Page { body: answer.body, records, published, bookmark: next.text, pause })
    }

    fn failed(&mut self, why: String) -> LogError {
        self.failures = self.failures.saturating_add(1);
        LogError { why, pause: self.pauses.failed(self.failures) }
    }

    /// What a person has to mend.
    fn refused(&self, what: &str, answer: &Answer) -> LogError {
        LogError { why: format!("{what}: {}", told(answer)), pause: self.pauses.slow() }
    }
}

impl Log for EventLog {
    fn request(&self, connections: &Connections, token: &Token) -> Request {
        let after = self.after.as_ref().map(|after| format!("&after={}", after.text)).unwrap_or_default();
        let path = format!("{PATH}?format=ndjson&limit={LIMIT}{after}");
        Request::new(connections, token.as_bearer(), &self.origin, &path)
    }

    fn take(&mut self, answer: Result<Answer, RequestError>) -> Result<Page, LogError> {
        let answer = answer.map_err(|error| self.failed(error.to_string()))?;
        match answer.status {
            200 => self.page(answer),
            410 if self.after.is_some() => {
                // A directory that was made anew, or restored: its log is another one. What comes twice is recognised when it is
                // judged.
                self.after = None;
                let why = format!("the log is another one: it is read from its beginning; {}", told(&answer));
                Err(LogError { why, pause: self.pauses.failed(1) })
            }
            429 => {
                let why = "too many requests for the directory: it is waited as it says".to_owned();
                let seconds = answer.retry_after.as_deref().and_then(|seconds| seconds.trim().parse().ok());
                Err(LogError { why, pause: self.pauses.limited(seconds.unwrap_or(1)) })
            }
            401 => Err(self.refused("the credential isn't valid (any more)", &answer)),
            403 => Err(self.refused("the credential may not read the event log", &answer)),
            404 => Err(self.refused("there is no event log at this address", &answer)),
            300..=399 => Err(self.refused("a redirect, which isn't followed", &answer)),
            500.. => Err(self.failed(told(&answer))),
            _ => Err(self.refused("the request is refused", &answer)),
        }
    }

    fn recorded(&mut self, page: Page) {
        if let Ok(next) = Cursor::read(&page.bookmark) {
            self.after = Some(next);
        }
    }
}

/// What an answer says about why it has no page.
fn told(answer: &Answer) -> String {
    #[derive(Deserialize)]
    struct Told {
        detail: String,
    }
    match serde_json::from_slice::<Told>(&answer.body) {
        Ok(Told { detail }) => {
            let text: String = detail.chars().take(MAX_TOLD).collect();
            format!("status {}, {}", answer.status, countersign_text::line(&text))
        }
        Err(_) => format!("status {}", answer.status),
    }
}

#[cfg(test)]
#[path = "../../tests/unit/event_log.rs"]
mod tests;
