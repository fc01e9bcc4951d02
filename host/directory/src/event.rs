//! The event log: every sign-in, use of a refresh token, end of a session and change, in one order without gaps.

use std::collections::BTreeMap;
use std::net::IpAddr;

use countersign_database::rusqlite::{OptionalExtension as _, params};
use countersign_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::change::Change;
use crate::error::Error;
use crate::id::Kind;
use crate::words::{AccountKind, EventKind, Factor, Reason};

/// The most events of a page.
pub(crate) const MAX_EVENTS: u32 = 1_000;

/// Who or what takes part in an event.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Party {
    /// `account`, `principal`, `group`, `session`, `token`, `credential`, `system`, `console` or `anonymous`.
    pub(crate) r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// By which people know it; it can be reused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// The account that it belongs to, if it is none itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account_type: Option<AccountKind>,
    /// The session in which an account acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<String>,
    /// The credential that was presented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) credential: Option<String>,
    /// The refresh token that was presented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    /// What kind of credential a target is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<Factor>,
}

/// The request that an event comes of.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// What the caller called it (`X-Request-Id`), else what the directory did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// `Idempotency-Key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) idempotency_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<IpAddr>,
    /// Who passed it on for that address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proxy: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
}

/// An event, before it has its place.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) kind: EventKind,
    pub(crate) failure: Option<Reason>,
    pub(crate) reason: Option<Reason>,
    /// Who did it, if it isn't whoever asks.
    pub(crate) actor: Option<Party>,
    pub(crate) target: Option<Party>,
    /// The group, of a membership.
    pub(crate) group: Option<Party>,
    pub(crate) factors: Vec<Factor>,
    pub(crate) session: Option<String>,
    /// What was changed: before and after.
    pub(crate) changes: BTreeMap<&'static str, [Value; 2]>,
    pub(crate) scope: Option<&'static str>,
}

impl Draft {
    pub(crate) fn new(kind: EventKind) -> Draft {
        Draft {
            kind,
            failure: None,
            reason: None,
            actor: None,
            target: None,
            group: None,
            factors: Vec::new(),
            session: None,
            changes: BTreeMap::new(),
            scope: None,
        }
    }

    pub(crate) fn target(self, target: Party) -> Draft {
        Draft { target: Some(target), ..self }
    }

    pub(crate) fn changed(mut self, what: &'static str, before: Value, after: Value) -> Draft {
        self.changes.insert(what, [before, after]);
        self
    }
}

/// An event as it is kept and told.
#[derive(Serialize)]
struct Written<'e> {
    /// The tenant, by which a record is also recognised.
    directory: &'e str,
    sequence: i64,
    id: String,
    time: Timestamp,
    r#type: EventKind,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    actor: &'e Party,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'e Party>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'e Party>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'e str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    factors: &'e [Factor],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    changes: &'e BTreeMap<&'static str, [Value; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    request: &'e Facts,
}

impl Change<'_> {
    /// Puts an event at the end of the log, and returns its number.
    ///
    /// INVARIANT: numbers have no gaps, and times don't go back: the transaction holds the lock of those who write.
    pub(crate) fn emit(&mut self, draft: &Draft) -> Result<i64, Error> {
        let last: Option<i64> =
            self.transaction.query_row("SELECT max(n) FROM events", [], |row| row.get(0)).optional()?.flatten();
        let sequence = last.unwrap_or_default() + 1;
        let written = Written {
            directory: self.tenant,
            sequence,
            id: Kind::Event.new_id()?,
            time: self.now,
            r#type: draft.kind,
            outcome: if draft.failure.is_some() { "failure" } else { "success" },
            reason: draft.failure.or(draft.reason),
            actor: draft.actor.as_ref().unwrap_or(&self.by.actor),
            target: draft.target.as_ref(),
            group: draft.group.as_ref(),
            session: draft.session.as_deref(),
            factors: &draft.factors,
            changes: &draft.changes,
            scope: draft.scope,
            request: &self.by.facts,
        };
        let body = serde_json::to_string(&written)?;
        self.transaction
            .prepare_cached("INSERT INTO events (n, at, body) VALUES (?1, ?2, ?3)")?
            .execute(params![sequence, self.now.0, body])?;
        self.events.push(sequence);
        Ok(sequence)
    }
}
