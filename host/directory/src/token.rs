//! Refresh tokens: opaque, kept as a digest, another text at each use. A text that was used before ends the session: somebody
//! else has it too (RFC 9700, 4.14).

use countersign_database::rusqlite::{OptionalExtension as _, Row, params};
use countersign_model::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::account::{self, Account};
use crate::change::{Answer, Change, Expected};
use crate::error::Error;
use crate::event::{Draft, Party};
use crate::page::{Page, Wanted};
use crate::session::{Before, Filter, Session};
use crate::words::{EventKind, Reason};

/// How the text of a refresh token begins.
pub(crate) const REFRESH: &str = "countersign_refresh";

/// A refresh token, without what is presented. It keeps its id however often its text changes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Token {
    pub(crate) id: String,
    pub(crate) session: String,
    pub(crate) account: String,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// How often it was used.
    pub(crate) rotations: i64,
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) active: bool,
    pub(crate) revoked_at: Option<Timestamp>,
    pub(crate) revoke_reason: Option<String>,
    pub(crate) revoked_by: Option<String>,
    #[serde(skip)]
    pub(crate) secret: Vec<u8>,
}

const COLUMNS: &str = "id, session, account, issued, expires, secret, rotations, last_used, revoked, revoke_reason, \
    revoked_by, n";

fn kept(row: &Row<'_>, now: Timestamp) -> countersign_database::rusqlite::Result<(i64, Token)> {
    let (expires_at, revoked_at) = (Timestamp(row.get(4)?), row.get::<_, Option<i64>>(8)?.map(Timestamp));
    let token = Token {
        id: row.get(0)?,
        session: row.get(1)?,
        account: row.get(2)?,
        issued_at: Timestamp(row.get(3)?),
        expires_at,
        secret: row.get(5)?,
        rotations: row.get(6)?,
        last_used_at: row.get::<_, Option<i64>>(7)?.map(Timestamp),
        active: revoked_at.is_none() && expires_at > now,
        revoked_at,
        revoke_reason: row.get(9)?,
        revoked_by: row.get(10)?,
    };
    Ok((row.get(11)?, token))
}

pub(crate) fn find(change: &Change<'_>, id: &str) -> Result<Option<Token>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM tokens WHERE id = ?1");
    let mut statement = change.transaction.prepare_cached(&sql)?;
    Ok(statement.query_row([id], |row| kept(row, change.now)).optional()?.map(|(_, token)| token))
}

pub(crate) fn get(change: &Change<'_>, id: &str) -> Result<Token, Error> {
    find(change, id)?.ok_or_else(|| Error::missing("a refresh token", id))
}

/// Refresh tokens, also those that were revoked, in the order in which they were issued.
pub(crate) fn list(change: &Change<'_>, filter: &Filter, wanted: Wanted) -> Result<Page<Token>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM tokens WHERE n > ?1 AND (?2 IS NULL OR account = ?2) AND (?3 IS NULL OR session = ?3) \
         AND (?4 IS NULL OR ?4 = (revoked IS NULL AND expires > ?5)) ORDER BY n LIMIT ?6"
    );
    let mut statement = change.transaction.prepare_cached(&sql)?;
    let rows = statement.query_map(
        params![wanted.after, filter.account, filter.session, filter.active, change.now.0, wanted.limit + 1],
        |row| kept(row, change.now),
    )?;
    Ok(Page::of(rows.collect::<Result<_, _>>()?, wanted))
}

/// Revokes a refresh token. One that was revoked stays as it is.
pub(crate) fn revoke(
    change: &mut Change<'_>,
    account: &Account,
    token: &Token,
    (reason, actor): (Reason, Option<Party>),
) -> Result<(), Error> {
    if token.revoked_at.is_some() {
        return Ok(());
    }
    let by = actor.as_ref().map_or(change.by.name(), |actor| actor.id.as_deref().unwrap_or(&actor.r#type)).to_owned();
    change.transaction.execute(
        "UPDATE tokens SET revoked = ?1, revoke_reason = ?2, revoked_by = ?3 WHERE id = ?4",
        params![change.now.0, reason.id(), by, token.id],
    )?;
    let draft = Draft::new(EventKind::TokenRevoked).target(account.party_of("token", &token.id));
    change.emit(&Draft { reason: Some(reason), actor, session: Some(token.session.clone()), ..draft })?;
    Ok(())
}

/// Revokes the refresh tokens of a session.
pub(crate) fn revoke_of_session(
    change: &mut Change<'_>,
    account: &Account,
    session: &Session,
    (reason, actor): (Reason, Option<Party>),
) -> Result<(), Error> {
    let filter = Filter { session: Some(session.id.clone()), ..Filter::default() };
    let all = list(change, &filter, Wanted { after: 0, limit: u32::MAX - 1 })?;
    all.items.iter().try_for_each(|token| revoke(change, account, token, (reason, actor.clone())))
}

/// Revokes one refresh token, as an administrator asks. Its session goes on until the access token expires.
pub(crate) fn revoke_one(change: &mut Change<'_>, id: &str, expected: &Expected) -> Result<Answer, Error> {
    let token = get(change, id)?;
    expected.check(Some(&token))?;
    if token.active {
        let account = account::get(change, &token.account)?;
        revoke(change, &account, &token, (Reason::Administrator, None))?;
    }
    let token = get(change, id)?;
    Answer::of(change, "token", &token)
}

/// Revokes the refresh tokens of an account that were issued before a time, as an administrator asks.
pub(crate) fn revoke_of_account(change: &mut Change<'_>, account: &str, before: Before) -> Result<Answer, Error> {
    let account = account::get(change, account)?;
    let before = before.0.unwrap_or(Timestamp(i64::MAX));
    let filter = Filter { account: Some(account.id.clone()), active: Some(true), ..Filter::default() };
    let all = list(change, &filter, Wanted { after: 0, limit: u32::MAX - 1 })?.items;
    let (revoked, kept): (Vec<Token>, Vec<Token>) = all.into_iter().partition(|token| token.issued_at < before);
    for token in &revoked {
        revoke(change, &account, token, (Reason::Administrator, None))?;
    }
    let ids = |tokens: &[Token]| tokens.iter().map(|token| token.id.clone()).collect::<Vec<_>>();
    let told = json!({ "account": account.id, "revoked": ids(&revoked), "kept": ids(&kept) });
    Answer::of(change, "tokens", &told)
}
