//! Sessions: who signed in when, from where, with what; and how they end.

use countersign_database::rusqlite::{OptionalExtension as _, Row, params};
use countersign_model::Timestamp;
use countersign_serving::given::Members;
use serde::Serialize;
use serde_json::json;

use crate::account::{self, Account};
use crate::change::{Answer, By, Change, Expected};
use crate::error::Error;
use crate::event::{Draft, Party};
use crate::page::{Page, Wanted};
use crate::token;
use crate::words::{EventKind, Factor, Reason};

/// A session.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) account: String,
    /// The credential that it began with: of several the first.
    pub(crate) credential: String,
    pub(crate) started_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) address: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) factors: Vec<Factor>,
    pub(crate) last_used_at: Timestamp,
    /// When the last access token that was issued in it expires.
    pub(crate) access_until: Timestamp,
    /// Whether it gets no more tokens until whoever has it signs in again.
    pub(crate) reauthenticate: bool,
    pub(crate) active: bool,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) end_reason: Option<String>,
    pub(crate) ended_by: Option<String>,
}

/// Which sessions, or refresh tokens, are listed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) account: Option<String>,
    /// Of refresh tokens only.
    pub(crate) session: Option<String>,
    pub(crate) active: Option<bool>,
}

/// What is changed of a session.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Patch {
    reauthenticate: Option<bool>,
}

impl Members for Patch {
    fn read(table: &countersign_document::Table<'_>) -> Patch {
        Patch { reauthenticate: table.read("reauthenticate", "whether it has to begin anew", |item| item.flag()) }
    }
}

/// Which sessions of an account are ended, or refresh tokens revoked: those from before a time, or all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Before(pub(crate) Option<Timestamp>);

/// `started_before` of sessions.
pub(crate) struct StartedBefore(pub(crate) Before);

/// `issued_before` of refresh tokens.
pub(crate) struct IssuedBefore(pub(crate) Before);

fn before(table: &countersign_document::Table<'_>, key: &'static str) -> Before {
    Before(table.get(key).and_then(|item| item.parsed("a time such as `2026-03-02T09:00:00Z`")))
}

impl Members for StartedBefore {
    fn read(table: &countersign_document::Table<'_>) -> StartedBefore {
        StartedBefore(before(table, "started_before"))
    }
}

impl Members for IssuedBefore {
    fn read(table: &countersign_document::Table<'_>) -> IssuedBefore {
        IssuedBefore(before(table, "issued_before"))
    }
}

const COLUMNS: &str = "id, account, credential, started, expires, address, agent, factors, last_used, access_until, \
    reauthenticate, ended, end_reason, ended_by, n";

fn kept(row: &Row<'_>) -> countersign_database::rusqlite::Result<(i64, Session, String)> {
    let ended_at = row.get::<_, Option<i64>>(11)?.map(Timestamp);
    let session = Session {
        id: row.get(0)?,
        account: row.get(1)?,
        credential: row.get(2)?,
        started_at: Timestamp(row.get(3)?),
        expires_at: Timestamp(row.get(4)?),
        address: row.get(5)?,
        user_agent: row.get(6)?,
        factors: Vec::new(),
        last_used_at: Timestamp(row.get(8)?),
        access_until: Timestamp(row.get(9)?),
        reauthenticate: row.get(10)?,
        active: ended_at.is_none(),
        ended_at,
        end_reason: row.get(12)?,
        ended_by: row.get(13)?,
    };
    Ok((row.get(14)?, session, row.get(7)?))
}

fn whole((n, session, factors): (i64, Session, String)) -> Result<(i64, Session), Error> {
    Ok((n, Session { factors: serde_json::from_str(&factors)?, ..session }))
}

pub(crate) fn find(change: &Change<'_>, id: &str) -> Result<Option<Session>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM sessions WHERE id = ?1");
    let kept = change.transaction.prepare_cached(&sql)?.query_row([id], kept).optional()?;
    kept.map(|kept| whole(kept).map(|(_, session)| session)).transpose()
}

pub(crate) fn get(change: &Change<'_>, id: &str) -> Result<Session, Error> {
    find(change, id)?.ok_or_else(|| Error::missing("a session", id))
}

/// Sessions, also those that have ended, in the order in which they began.
pub(crate) fn list(change: &Change<'_>, filter: &Filter, wanted: Wanted) -> Result<Page<Session>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM sessions WHERE n > ?1 AND (?2 IS NULL OR account = ?2) \
         AND (?3 IS NULL OR ?3 = (ended IS NULL)) ORDER BY n LIMIT ?4"
    );
    let mut statement = change.transaction.prepare_cached(&sql)?;
    let rows = statement.query_map(params![wanted.after, filter.account, filter.active, wanted.limit + 1], kept)?;
    let rows = rows.map(|row| whole(row?)).collect::<Result<_, Error>>()?;
    Ok(Page::of(rows, wanted))
}

/// The sessions of an account that are active, in the order in which they began.
fn active(change: &Change<'_>, account: &str) -> Result<Vec<Session>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM sessions WHERE account = ?1 AND ended IS NULL ORDER BY n");
    let mut statement = change.transaction.prepare_cached(&sql)?;
    let rows = statement.query_map([account], kept)?;
    rows.map(|row| whole(row?).map(|(_, session)| session)).collect()
}

/// Ends a session, and with it its refresh tokens. One that has ended stays as it is.
pub(crate) fn end(
    change: &mut Change<'_>,
    account: &Account,
    session: &Session,
    (reason, actor): (Reason, Option<Party>),
) -> Result<(), Error> {
    if session.ended_at.is_some() {
        return Ok(());
    }
    let by = actor.as_ref().map_or(change.by.name(), |actor| actor.id.as_deref().unwrap_or(&actor.r#type)).to_owned();
    change.transaction.execute(
        "UPDATE sessions SET ended = ?1, end_reason = ?2, ended_by = ?3 WHERE id = ?4",
        params![change.now.0, reason.id(), by, session.id],
    )?;
    let draft = Draft::new(EventKind::SessionEnded).target(account.party_of("session", &session.id));
    let draft = Draft { reason: Some(reason), actor: actor.clone(), session: Some(session.id.clone()), ..draft };
    change.emit(&draft.changed("access_until", json!(null), json!(session.access_until)))?;
    token::revoke_of_session(change, account, session, (reason, actor))
}

/// Ends all sessions of an account.
pub(crate) fn end_all(change: &mut Change<'_>, account: &Account, reason: Reason) -> Result<(), Error> {
    active(change, &account.id)?.iter().try_for_each(|session| end(change, account, session, (reason, None)))
}

/// Ends one session, as an administrator asks.
pub(crate) fn end_one(change: &mut Change<'_>, id: &str, expected: &Expected) -> Result<Answer, Error> {
    let session = get(change, id)?;
    expected.check(Some(&session))?;
    if session.active {
        let account = account::get(change, &session.account)?;
        end(change, &account, &session, (Reason::Administrator, None))?;
    }
    let session = get(change, id)?;
    Answer::of(change, "session", &session)
}

/// Ends the sessions of an account that began before a time, as an administrator asks. With `partial` the first half alone,
/// and the answer is an error: a fault.
pub(crate) fn end_of_account(
    change: &mut Change<'_>,
    account: &str,
    before: Before,
    partial: bool,
) -> Result<Answer, Error> {
    let account = account::get(change, account)?;
    let before = before.0.unwrap_or(Timestamp(i64::MAX));
    let (mut ended, kept): (Vec<Session>, Vec<Session>) =
        active(change, &account.id)?.into_iter().partition(|session| session.started_at < before);
    if partial {
        ended.truncate(ended.len() / 2);
    }
    for session in &ended {
        end(change, &account, session, (Reason::Administrator, None))?;
    }
    if partial {
        let body = json!({
            "type": "urn:countersign:problem:partial",
            "title": "Internal Server Error",
            "status": 500,
            "detail": "expected all sessions to end, got an error after some of them",
        });
        return Ok(Answer { status: 500, etag: None, body, secret: None, replayed: false });
    }
    let ids = |sessions: &[Session]| sessions.iter().map(|session| session.id.clone()).collect::<Vec<_>>();
    let until = ended.iter().map(|session| session.access_until).max().filter(|until| *until > change.now);
    let told = json!({ "account": account.id, "ended": ids(&ended), "kept": ids(&kept), "access_until": until });
    Answer::of(change, "sessions", &told)
}

pub(crate) fn patch(change: &mut Change<'_>, id: &str, patch: Patch, expected: &Expected) -> Result<Answer, Error> {
    let session = get(change, id)?;
    expected.check(Some(&session))?;
    if let Some(wanted) = patch.reauthenticate.filter(|wanted| *wanted != session.reauthenticate) {
        let account = account::get(change, &session.account)?;
        let draft = Draft::new(EventKind::SessionReauthentication).target(account.party_of("session", id));
        change.emit(&draft.changed("reauthenticate", json!(!wanted), json!(wanted)))?;
        change.transaction.execute("UPDATE sessions SET reauthenticate = ?1 WHERE id = ?2", params![wanted, id])?;
    }
    let session = get(change, id)?;
    Answer::of(change, "session", &session)
}

/// Ends sessions whose time has come.
pub(crate) fn expire(change: &mut Change<'_>) -> Result<(), Error> {
    let ids: Vec<String> = {
        let sql = "SELECT id FROM sessions WHERE ended IS NULL AND expires <= ?1 ORDER BY expires, n";
        let mut statement = change.transaction.prepare_cached(sql)?;
        let rows = statement.query_map([change.now.0], |row| row.get(0))?;
        rows.collect::<Result<_, _>>()?
    };
    for id in ids {
        let session = get(change, &id)?;
        // Sessions of accounts end with these.
        let account = account::get(change, &session.account)?;
        end(change, &account, &session, (Reason::Expired, Some(By::itself().actor)))?;
    }
    Ok(())
}
