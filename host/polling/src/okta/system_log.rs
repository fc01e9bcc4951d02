//! Where a System Log goes on, and what its answers mean.

use std::time::Duration;

use countersign_model::Timestamp;
use serde::Deserialize;

use crate::answer::{Answer, RequestError};
use crate::log::{Log, LogError, Page};
use crate::okta::bookmark::{Bookmark, BookmarkError};
use crate::okta::link::{self, Next, PATH};
use crate::okta::records::Records;
use crate::pause::Pauses;
use crate::request::{Connections, Request, Token};

/// The most records of an answer: what Okta allows.
pub(crate) const LIMIT: usize = 1_000;

/// How much of a body is told where it says what is wrong, characters.
const MAX_TOLD: usize = 200;

/// A System Log.
#[derive(Debug)]
pub struct SystemLog {
    /// `https://HOST`, in lower case.
    origin: String,
    /// From where it begins without a bookmark; none for where Okta begins.
    since: Option<Timestamp>,
    bookmark: Bookmark,
    failures: u32,
    pauses: Pauses,
}

impl SystemLog {
    /// A log that goes on at a bookmark, or begins without one at a time, or where Okta begins (seven days ago). `origin` is
    /// `https://HOST`, perhaps with a port.
    ///
    /// # Errors
    /// When the bookmark isn't one.
    pub fn open(
        origin: &str,
        since: Option<Timestamp>,
        bookmark: Option<&str>,
        pauses: Pauses,
    ) -> Result<SystemLog, BookmarkError> {
        let bookmark = bookmark.map(Bookmark::read).transpose()?.unwrap_or_default();
        Ok(SystemLog { origin: origin.to_ascii_lowercase(), since, bookmark, failures: 0, pauses })
    }

    fn page(&mut self, answer: Answer) -> Result<Page, LogError> {
        let Records { count: records, published } = serde_json::from_slice(&answer.body).map_err(|error| {
            self.failed(format!("expected a list of at most {LIMIT} records as JSON, got something else: {error}"))
        })?;
        let next = match link::next(answer.links.iter().map(String::as_str), &self.origin) {
            Next::At(next) => Some(next),
            // It can't be gone on with where it ends: from the last record's time on, then.
            Next::None if records > 0 => None,
            Next::None => self.bookmark.next.clone(),
            Next::Elsewhere => {
                let why = "the answer leads elsewhere than to the log of this organisation: it isn't followed";
                return Err(LogError { why: why.to_owned(), pause: self.pauses.slow() });
            }
        };
        self.failures = 0;
        let next = Bookmark { next, published: published.max(self.bookmark.published) };
        let pause = if records >= LIMIT { Duration::ZERO } else { self.pauses.usual() };
        let bookmark = next.text();
        let body = if records == 0 { Vec::new() } else { answer.body };
        Ok(Page { body, records, published, bookmark, pause })
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

impl Log for SystemLog {
    fn request(&self, connections: &Connections, token: &Token) -> Request {
        let path = self.bookmark.next.clone().unwrap_or_else(|| {
            let since = self.bookmark.published.or(self.since);
            first(since.map(|since| since.to_string()).as_deref())
        });
        Request::new(connections, token.as_ssws(), &self.origin, &path)
    }

    fn take(&mut self, answer: Result<Answer, RequestError>) -> Result<Page, LogError> {
        let answer = answer.map_err(|error| self.failed(error.to_string()))?;
        match answer.status {
            200 => self.page(answer),
            400 if self.bookmark.next.is_some() => {
                // A link that is too old isn't taken any more. What comes twice from here on is recognised when it is judged.
                self.bookmark.next = None;
                let why = format!("the log can't be gone on with: it is read again from a time on; {}", told(&answer));
                Err(LogError { why, pause: self.pauses.failed(1) })
            }
            429 => {
                let why = "too many requests for the organisation: the limit is waited for".to_owned();
                Err(LogError { why, pause: self.pauses.limited(until_reset(&answer)) })
            }
            401 => Err(self.refused("the token isn't valid (any more)", &answer)),
            403 => Err(self.refused("the token may not read the System Log", &answer)),
            404 => Err(self.refused("there is no System Log at this address", &answer)),
            300..400 => Err(self.refused("a redirect, which isn't followed", &answer)),
            500.. => Err(self.failed(told(&answer))),
            _ => Err(self.refused("the request is refused", &answer)),
        }
    }

    fn recorded(&mut self, page: Page) {
        if let Ok(next) = Bookmark::read(&page.bookmark) {
            self.bookmark = next;
        }
    }
}

/// The path and query of a log from a time on; from where Okta begins without one.
fn first(since: Option<&str>) -> String {
    // Neither `since` nor its form has what would have to be encoded but the colon, which a query may have.
    let since = since.map(|since| format!("since={since}&")).unwrap_or_default();
    format!("{PATH}?{since}limit={LIMIT}&sortOrder=ASCENDING")
}

/// What an answer says about why it has no page: Okta's own words, which name no token.
fn told(answer: &Answer) -> String {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Told {
        error_code: String,
        error_summary: String,
    }
    match serde_json::from_slice::<Told>(&answer.body) {
        Ok(Told { error_code, error_summary }) => {
            let text: String = format!("{error_summary} ({error_code})").chars().take(MAX_TOLD).collect();
            format!("status {}, {}", answer.status, countersign_text::line(&text))
        }
        Err(_) => format!("status {}", answer.status),
    }
}

/// In how many seconds a limit of requests ends, by the other end's own clock where it shows one.
fn until_reset(answer: &Answer) -> u64 {
    const WITHOUT: u64 = 60;
    let reset = answer.reset.as_deref().and_then(|reset| reset.trim().parse::<u64>().ok());
    let now = answer.date.as_deref().and_then(http_date);
    match (reset, now) {
        (Some(reset), Some(now)) => reset.saturating_sub(now),
        _ => WITHOUT,
    }
}

/// Seconds since 1970 of a date as HTTP has it, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7).
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut parts = text.split_once(", ")?.1.split(' ');
    let (day, month, year, time) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let month = MONTHS.iter().position(|known| *known == month)? + 1;
    let time: Timestamp = format!("{year}-{month:02}-{day}T{time}Z").parse().ok()?;
    u64::try_from(time.0 / 1_000_000).ok()
}

#[cfg(test)]
#[path = "../../tests/unit/system_log.rs"]
mod tests;
