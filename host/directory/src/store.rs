//! The directory: its file, its clock, and its two ways in, to look and to change.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use countersign_database::rusqlite::{OptionalExtension as _, params};
use countersign_database::{Database, Kind as DatabaseKind};
use countersign_model::{Digest, Timestamp};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::access::Signing;
use crate::change::{Answer, By, Change, first_answer, keep_answer};
use crate::error::Error;
use crate::event::MAX_EVENTS;
use crate::id::random_hex;
use crate::{account, session};

/// The kind of file.
static FILE: DatabaseKind = DatabaseKind {
    name: "directory",
    application_id: 0x4353_4459,
    steps: &[include_str!("schema/1.sql")],
    shrinks: false,
    update: "open it once with `countersign directory serve`",
};

/// The time of day.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How long what is issued is valid, microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// An access token.
    pub access: i64,
    /// A session, and its refresh token.
    pub session: i64,
}

impl Default for Lifetimes {
    /// Five minutes, and twelve hours.
    fn default() -> Lifetimes {
        Lifetimes { access: 300_000_000, session: 43_200_000_000 }
    }
}

/// A directory that is open. A clone is the same.
#[derive(Clone)]
pub struct Directory {
    inner: Arc<Inner>,
}

struct Inner {
    database: Mutex<Database>,
    tenant: String,
    log: String,
    created: Timestamp,
    pub(crate) signing: Signing,
    clock: Clock,
    lifetimes: Lifetimes,
}

/// What a directory says of itself.
#[derive(Serialize)]
pub(crate) struct About {
    tenant: String,
    created_at: Timestamp,
    time: Timestamp,
    log: String,
    access_lifetime_seconds: i64,
    session_lifetime_seconds: i64,
}

/// Events, and where the log goes on.
#[derive(Debug)]
pub(crate) struct Events {
    pub(crate) bodies: Vec<String>,
    pub(crate) next: String,
    pub(crate) more: bool,
}

impl Directory {
    /// Opens a directory, or makes a new one. `tenant` names a new one; of one that exists it has to be the same, if it is given.
    ///
    /// # Errors
    /// When the file can't be opened or made, or is of another tenant.
    pub fn open(path: &Path, tenant: Option<&str>, lifetimes: Lifetimes, clock: Clock) -> Result<Directory, Error> {
        let (database, _) = Database::open(&FILE, path)?;
        let transaction = database.begin()?;
        let head = transaction
            .query_row("SELECT tenant, log, created, signing FROM head WHERE tenant IS NOT NULL", [], |row| {
                Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get::<_, Vec<u8>>(3)?))
            })
            .optional()?;
        let (own, log, created, seed) = match head {
            Some(head) => head,
            None => {
                let own = tenant.unwrap_or("local").to_owned();
                check_tenant(&own)?;
                let (log, created) = (random_hex(6)?, clock().0);
                let mut seed = vec![0; 32];
                getrandom::fill(&mut seed).map_err(|error| Error::Random(error.to_string()))?;
                transaction.execute(
                    "UPDATE head SET tenant = ?1, log = ?2, created = ?3, signing = ?4",
                    params![own, log, created, seed],
                )?;
                (own, log, created, seed)
            }
        };
        transaction.commit()?;
        if tenant.is_some_and(|tenant| tenant != own) {
            return Err(Error::Invalid(format!(
                "expected the directory `{}`, got `{}`: name another file, or leave the name out",
                countersign_text::line(tenant.unwrap_or_default()),
                countersign_text::line(&own)
            )));
        }
        let seed: Zeroizing<[u8; 32]> =
            Zeroizing::new(seed.try_into().map_err(|_| Error::Damaged("its key has another length".to_owned()))?);
        let signing = Signing::new(&seed, &own);
        let inner = Inner {
            database: Mutex::new(database),
            tenant: own,
            log,
            created: Timestamp(created),
            signing,
            clock,
            lifetimes,
        };
        Ok(Directory { inner: Arc::new(inner) })
    }

    /// The tenant of its accounts.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.inner.tenant
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }

    pub(crate) fn signing(&self) -> &Signing {
        &self.inner.signing
    }

    pub(crate) fn about(&self) -> About {
        let Lifetimes { access, session } = self.inner.lifetimes;
        About {
            tenant: self.inner.tenant.clone(),
            created_at: self.inner.created,
            time: self.now(),
            log: self.inner.log.clone(),
            access_lifetime_seconds: access / 1_000_000,
            session_lifetime_seconds: session / 1_000_000,
        }
    }

    /// Looks: nothing is changed but what time has brought about.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Change<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.change(&By::itself(), |change| look(change))
    }

    /// Changes: all of it is on the disk when this returns, or nothing is changed.
    pub(crate) fn change<T>(
        &self,
        by: &By,
        work: impl FnOnce(&mut Change<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let database = self.inner.database.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = database.begin()?;
        let last: Option<i64> = transaction
            .prepare_cached("SELECT at FROM events ORDER BY n DESC LIMIT 1")?
            .query_row([], |row| row.get(0))
            .optional()?;
        let now = Timestamp(self.now().0.max(last.unwrap_or(i64::MIN)));
        let (tenant, lifetimes) = (self.inner.tenant.as_str(), self.inner.lifetimes);
        let itself = By::itself();
        let mut change = Change { transaction, now, by: &itself, tenant, lifetimes, events: Vec::new() };
        account::lapse(&mut change)?;
        session::expire(&mut change)?;
        let mut change = Change { by, events: Vec::new(), ..change };
        let done = work(&mut change)?;
        change.transaction.commit()?;
        Ok(done)
    }

    /// Changes as a request asks, once: under its idempotency key the first answer is given again.
    ///
    /// INVARIANT: the answer is kept in the transaction of what it tells.
    pub(crate) fn administer(
        &self,
        by: &By,
        asked: &Digest,
        work: impl FnOnce(&mut Change<'_>) -> Result<Answer, Error>,
    ) -> Result<Answer, Error> {
        self.change(by, |change| {
            let Some(key) = by.facts.idempotency_key.clone() else { return work(change) };
            if let Some(first) = first_answer(change, &key, asked)? {
                return Ok(first);
            }
            let answer = work(change)?;
            if answer.status < 300 {
                keep_answer(change, &key, asked, &answer)?;
            }
            Ok(answer)
        })
    }

    /// The events after a cursor; from the beginning without one. None if the cursor isn't of this log, or is beyond its end.
    pub(crate) fn events(&self, after: Option<&str>, limit: u32) -> Result<Option<Events>, Error> {
        let number = |cursor: &str| {
            let (log, number) = cursor.split_once('.')?;
            (log == self.inner.log).then(|| number.parse::<i64>().ok())?
        };
        let after = match after {
            None => 0,
            Some(cursor) => match number(cursor) {
                Some(number) => number,
                None => return Ok(None),
            },
        };
        let limit = limit.min(MAX_EVENTS);
        self.look(|change| {
            let last: Option<i64> = change.transaction.query_row("SELECT max(n) FROM events", [], |row| row.get(0))?;
            if after < 0 || after > last.unwrap_or_default() {
                return Ok(None);
            }
            let mut statement =
                change.transaction.prepare_cached("SELECT n, body FROM events WHERE n > ?1 ORDER BY n LIMIT ?2")?;
            let rows = statement.query_map(params![after, limit], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))?;
            let rows: Vec<(i64, String)> = rows.collect::<Result<_, _>>()?;
            let reached = rows.last().map_or(after, |(n, _)| *n);
            Ok(Some(Events {
                bodies: rows.into_iter().map(|(_, body)| body).collect(),
                next: format!("{}.{reached}", self.inner.log),
                more: reached < last.unwrap_or_default(),
            }))
        })
    }
}

/// A tenant is part of accounts, in files that people write.
fn check_tenant(name: &str) -> Result<(), Error> {
    let is_right = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if is_right {
        return Ok(());
    }
    let got = countersign_text::line(name);
    Err(Error::Invalid(format!(
        "expected a name of 1 to 64 characters of a-z, 0-9 and `-` for the directory, got `{got}`"
    )))
}
