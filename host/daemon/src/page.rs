//! Pages of the audit log: records of one type, oldest first, as the log has them. Of a host that runs as of one that
//! doesn't.

use countersign_model::{DecisionKind, Timestamp};
use countersign_store::{StoreError, Stored};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// The most members of a page.
pub const MAX_PAGE: usize = 1_000;

/// Bytes of a page's records, beyond which it has no more.
const MAX_BYTES: usize = 8 << 20;

/// Lines of the log that are looked through for one page at most.
const MAX_LINES: usize = 65_536;

/// Lines that are read at once.
const CHUNK: usize = 1_024;

/// Which records a page has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paging {
    /// The number after which it begins: `next` of the page before. One past the log's end stands for its end.
    pub after: Option<u64>,
    /// Its most members.
    pub limit: usize,
    /// Only what came of this rule.
    pub rule: Option<String>,
    /// Only what is about this account: `provider:tenant:subject`.
    pub account: Option<String>,
    /// Only decisions of this kind.
    pub decision: Option<DecisionKind>,
    /// Only what is about events at or after this time.
    pub since: Option<Timestamp>,
}

/// A page of records.
#[derive(Debug, Serialize, Deserialize)]
pub struct Page {
    /// The records.
    pub items: Vec<Box<RawValue>>,
    /// What the next page begins after. With fewer members than asked for there may be more later.
    pub next: u64,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A line of the log isn't one of a record.
    #[error("record {seq} of the log can't be read: {why}")]
    Line {
        /// Its number.
        seq: u64,
        /// Why.
        why: String,
    },
}

/// The type of a record.
#[derive(Deserialize)]
struct Type<'r> {
    r#type: &'r str,
}

impl Paging {
    /// Whether everything of the type is wanted.
    fn is_open(&self) -> bool {
        let Paging { rule, account, decision, since, after: _, limit: _ } = self;
        rule.is_none() && account.is_none() && decision.is_none() && since.is_none()
    }

    /// Whether a record has what is asked for.
    fn takes(&self, record: &Value) -> bool {
        let text = |pointers: &[&str]| pointers.iter().find_map(|pointer| record.pointer(pointer)?.as_str());
        let is = |wanted: &Option<String>, pointers: &[&str]| {
            wanted.as_deref().is_none_or(|wanted| text(pointers) == Some(wanted))
        };
        let time = || text(&["/event_time"])?.parse::<Timestamp>().ok();
        is(&self.rule, &["/rule", "/rule/id"])
            && is(&self.account, &["/account", "/decision/account"])
            && self.decision.is_none_or(|kind| text(&["/decision/kind"]) == Some(kind.id()))
            && self.since.is_none_or(|since| time().is_some_and(|time| time >= since))
    }
}

/// A page of the records of a type, such as `finding`.
///
/// # Errors
/// When the log can't be read.
pub fn page(store: &dyn Stored, r#type: &str, paging: &Paging) -> Result<Page, PageError> {
    let end = store.head()?.records();
    // Earlier ones may be dropped.
    let first = store.beginning()?.map_or(0, |beginning| beginning.first);
    // Numbers count from 0; a page begins after the one that is given.
    let after = paging.after.map(|after| after.min(end.saturating_sub(1)));
    let mut seq = after.map_or(0, |after| after + 1).max(first);
    let mut page = Page { items: Vec::new(), next: after.unwrap_or_default() };
    let (mut looked, mut bytes) = (0, 0);
    while looked < MAX_LINES {
        let lines = store.lines(seq, CHUNK)?;
        let is_last = lines.len() < CHUNK;
        for line in lines {
            if let Some(record) = taken(&line, r#type, paging).map_err(|why| PageError::Line { seq, why })? {
                bytes += record.get().len();
                page.items.push(record);
            }
            (page.next, seq, looked) = (seq, seq + 1, looked + 1);
            if page.items.len() >= paging.limit || bytes >= MAX_BYTES {
                return Ok(page);
            }
        }
        if is_last {
            break;
        }
    }
    Ok(page)
}

/// The record of a line, if it is wanted.
fn taken(line: &[u8], r#type: &str, paging: &Paging) -> Result<Option<Box<RawValue>>, String> {
    let text = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    let is_wanted = serde_json::from_str::<Type<'_>>(text).is_ok_and(|record| record.r#type == r#type)
        && (paging.is_open() || paging.takes(&serde_json::from_str(text).map_err(|error| error.to_string())?));
    if !is_wanted {
        return Ok(None);
    }
    RawValue::from_string(text.trim_end().to_owned()).map(Some).map_err(|error| error.to_string())
}

#[cfg(test)]
#[path = "../tests/unit/page.rs"]
mod tests;
