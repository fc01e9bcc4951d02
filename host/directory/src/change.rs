//! A change: one transaction, with who asks for it and the events that come of it.

use countersign_database::rusqlite::{OptionalExtension as _, Transaction, params};
use countersign_model::{Digest, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::event::{Facts, Party};
use crate::store::Lifetimes;

/// How long the first answer under an idempotency key is kept, microseconds: a day.
const KEPT: i64 = 86_400_000_000;

/// Who asks, and by which request.
#[derive(Clone, Debug, Default)]
pub(crate) struct By {
    pub(crate) actor: Party,
    pub(crate) facts: Facts,
}

impl By {
    /// The directory itself: what time brings about.
    pub(crate) fn itself() -> By {
        By { actor: Party { r#type: "system".to_owned(), ..Party::default() }, facts: Facts::default() }
    }

    /// Whoever has the file, by a command.
    pub(crate) fn console() -> By {
        By { actor: Party { r#type: "console".to_owned(), ..Party::default() }, facts: Facts::default() }
    }

    /// What is noted of who did something: an id, or what it is.
    pub(crate) fn name(&self) -> &str {
        self.actor.id.as_deref().unwrap_or(&self.actor.r#type)
    }
}

/// A transaction that writes.
pub(crate) struct Change<'c> {
    pub(crate) transaction: Transaction<'c>,
    /// When it happens: never before the event that was put on record last.
    pub(crate) now: Timestamp,
    pub(crate) by: &'c By,
    pub(crate) tenant: &'c str,
    pub(crate) lifetimes: Lifetimes,
    /// The numbers of its events.
    pub(crate) events: Vec<i64>,
}

/// Who changed something last, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub(crate) struct Mark {
    pub(crate) at: Timestamp,
    pub(crate) by: String,
    pub(crate) event: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<String>,
}

impl Change<'_> {
    /// That whoever asks changed something, by an event.
    pub(crate) fn mark(&self, event: i64) -> Mark {
        Mark { at: self.now, by: self.by.name().to_owned(), event, request: self.by.facts.id.clone() }
    }
}

/// What a request for a change is answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) body: Value,
    /// What is shown this once: a member of the body that is null in what is kept.
    pub(crate) secret: Option<(&'static str, crate::password::Secret)>,
    /// Whether it is the first answer of an earlier request with the same key.
    pub(crate) replayed: bool,
}

impl Answer {
    /// What became of something. `events` are those of the change so far.
    pub(crate) fn of(change: &Change<'_>, name: &'static str, what: &impl Serialize) -> Result<Answer, Error> {
        let what = serde_json::to_value(what)?;
        let etag = Some(etag(&what)?);
        let body = json!({ "changed": !change.events.is_empty(), "events": change.events, name: what });
        Ok(Answer { status: 200, etag, body, secret: None, replayed: false })
    }

    /// The same of something that was made.
    pub(crate) fn created(self) -> Answer {
        Answer { status: 201, ..self }
    }

    /// The same with a secret, which is shown this once.
    pub(crate) fn with_secret(mut self, name: &'static str, secret: crate::password::Secret) -> Answer {
        if let Value::Object(members) = &mut self.body {
            members.insert(name.to_owned(), Value::Null);
        }
        Answer { secret: Some((name, secret)), ..self }
    }

    /// The body with its secret.
    pub(crate) fn shown(&self) -> Value {
        let mut body = self.body.clone();
        if let (Some((name, secret)), Value::Object(members)) = (&self.secret, &mut body) {
            members.insert((*name).to_owned(), Value::from(secret.text()));
        }
        body
    }
}

/// The strong entity tag of a representation: of its content, so that it is another one whenever anything in it is.
pub(crate) fn etag(what: &Value) -> Result<String, Error> {
    let digest = Digest::of(serde_json::to_string(what)?.as_bytes()).to_string();
    Ok(format!("\"{}\"", digest.get(..32).unwrap_or_default()))
}

/// What a request expects of how something is (RFC 9110, 13.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    /// `If-Match`.
    pub(crate) tag: Option<String>,
    /// `If-None-Match: *`.
    pub(crate) absent: bool,
}

impl Expected {
    /// Refuses something that isn't as expected; none is what there isn't.
    pub(crate) fn check(&self, is: Option<&impl Serialize>) -> Result<(), Error> {
        let tag = is.map(|is| etag(&serde_json::to_value(is)?)).transpose()?;
        if self.absent && tag.is_some() {
            return Err(Error::Changed { expected: "nothing yet".to_owned(), got: "something".to_owned() });
        }
        let Some(expected) = &self.tag else { return Ok(()) };
        let given = || expected.split(',').map(str::trim);
        match tag {
            Some(tag) if given().any(|one| one == tag || one == "*") => Ok(()),
            got => Err(Error::Changed { expected: expected.clone(), got: got.unwrap_or_else(|| "nothing".to_owned()) }),
        }
    }
}

/// The first answer under an idempotency key, if there is one.
pub(crate) fn first_answer(change: &Change<'_>, key: &str, asked: &Digest) -> Result<Option<Answer>, Error> {
    let found = change
        .transaction
        .prepare_cached("SELECT asked, status, etag, body FROM answers WHERE caller = ?1 AND key = ?2")?
        .query_row(params![change.by.name(), key], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?, row.get(2)?, row.get::<_, String>(3)?))
        })
        .optional()?;
    let Some((of, status, etag, body)) = found else { return Ok(None) };
    if of != asked.0 {
        return Err(Error::KeyReused);
    }
    Ok(Some(Answer { status, etag, body: serde_json::from_str(&body)?, secret: None, replayed: true }))
}

/// Keeps the first answer under a key, and forgets those of yesterday.
pub(crate) fn keep_answer(change: &Change<'_>, key: &str, asked: &Digest, answer: &Answer) -> Result<(), Error> {
    change.transaction.execute("DELETE FROM answers WHERE at < ?1", [change.now.0.saturating_sub(KEPT)])?;
    change
        .transaction
        .prepare_cached(
            "INSERT INTO answers (caller, key, asked, status, etag, body, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            change.by.name(),
            key,
            asked.0,
            answer.status,
            answer.etag,
            answer.body.to_string(),
            change.now.0
        ])?;
    Ok(())
}
