//! Signing in, and going on with a refresh token: who is let in, and why others aren't. Each try is an event.

use std::net::IpAddr;

use countersign_database::rusqlite::params;
use countersign_model::Timestamp;
use serde::Serialize;

use crate::access::{Claims, issuer};
use crate::account::{self, Account};
use crate::change::{By, Change};
use crate::credential::{self, API_KEY, Credential};
use crate::error::Error;
use crate::event::{Draft, Facts, Party};
use crate::id::Kind;
use crate::password::{self, Issued, Secret, presented, same};
use crate::session::{self, Session};
use crate::store::Directory;
use crate::token::{self, REFRESH, Token};
use crate::totp;
use crate::words::{EventKind, Factor, Reason};

/// What somebody presents to sign in.
#[derive(Clone, Debug)]
pub(crate) enum Presented {
    /// A person.
    Person { username: String, password: Secret, totp: Option<String> },
    /// A service.
    Key(Secret),
}

/// What somebody gets who is let in.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Granted {
    pub(crate) account: String,
    pub(crate) username: String,
    pub(crate) session: String,
    pub(crate) factors: Vec<Factor>,
    pub(crate) token_type: &'static str,
    pub(crate) access_token: String,
    pub(crate) access_expires_at: Timestamp,
    pub(crate) refresh_token: String,
    /// The id of the refresh token, which stays when its text changes.
    pub(crate) refresh_token_id: String,
    pub(crate) refresh_expires_at: Timestamp,
}

/// Who isn't let in: why, and whether whoever asks may hear it.
struct Refusal {
    actor: Party,
    kind: EventKind,
    reason: Reason,
    /// What was proved all the same.
    factors: Vec<Factor>,
    session: Option<String>,
    told: bool,
}

/// What becomes of a try: a refusal is put on record too.
type Tried = Result<Granted, Refusal>;

impl Directory {
    /// Signs somebody in.
    pub(crate) fn sign_in(&self, presented: &Presented, facts: Facts) -> Result<Granted, Error> {
        match presented {
            Presented::Person { username, password, totp } => self.person(username, password, totp.as_deref(), facts),
            Presented::Key(key) => self.tried(facts, |directory, change| key_presented(directory, change, key.text())),
        }
    }

    fn person(&self, username: &str, password: &Secret, code: Option<&str>, facts: Facts) -> Result<Granted, Error> {
        let kept = self.look(|change| match account::named(change, username)? {
            Some(account) => credential::usable(change, &account.id, Factor::Password),
            None => Ok(None),
        })?;
        // Beside the transaction: it takes long on purpose.
        let hash = kept.as_ref().and_then(|kept| std::str::from_utf8(&kept.secret).ok());
        let is_right = password::verify(password, hash);
        self.tried(facts, |directory, change| {
            let checked = kept.as_ref().map(|kept| kept.id.as_str()).filter(|_| is_right);
            password_checked(directory, change, (username, checked), code)
        })
    }

    /// Goes on in a session.
    pub(crate) fn refresh(&self, text: &str, facts: Facts) -> Result<Granted, Error> {
        self.tried(facts, |directory, change| refreshed(directory, change, text))
    }

    /// One try: what it changes, and an event if it is refused.
    fn tried(
        &self,
        facts: Facts,
        work: impl FnOnce(&Directory, &mut Change<'_>) -> Result<Tried, Error>,
    ) -> Result<Granted, Error> {
        let by = By { actor: Party { r#type: "anonymous".to_owned(), ..Party::default() }, facts };
        let tried = self.change(&by, |change| {
            let tried = work(self, change)?;
            if let Err(refusal) = &tried {
                change.emit(&Draft {
                    failure: Some(refusal.reason),
                    actor: Some(refusal.actor.clone()),
                    factors: refusal.factors.clone(),
                    session: refusal.session.clone(),
                    ..Draft::new(refusal.kind)
                })?;
            }
            Ok(tried)
        })?;
        tried.map_err(|refusal| Error::Denied { reason: refusal.reason, told: refusal.told })
    }

    /// The account whose access token this is, as its applications verify one: by its signature and its time alone.
    pub(crate) fn verified(&self, token: &str) -> Option<Claims> {
        self.signing().verify(token, self.now())
    }

    /// Whether an access token is still good as the directory itself sees it: its session hasn't ended, and its account isn't
    /// closed.
    pub(crate) fn introspected(&self, token: &str) -> Result<Option<(Claims, Account)>, Error> {
        let Some(claims) = self.verified(token) else { return Ok(None) };
        let account = self.look(|change| {
            let session = session::find(change, &claims.sid)?.filter(|session| session.active);
            let account = account::find(change, &claims.sub)?;
            Ok(account.filter(|account| session.is_some() && account.is_closed().is_none()))
        })?;
        Ok(account.map(|account| (claims, account)))
    }

    /// Ends the session of an access token, as whoever has it asks.
    pub(crate) fn sign_out(&self, claims: &Claims, facts: Facts) -> Result<(), Error> {
        let actor = Party {
            r#type: "account".to_owned(),
            id: Some(claims.sub.clone()),
            name: Some(claims.preferred_username.clone()),
            account_type: Some(claims.account_type),
            session: Some(claims.sid.clone()),
            ..Party::default()
        };
        self.change(&By { actor, facts }, |change| {
            let (session, account) = (session::find(change, &claims.sid)?, account::find(change, &claims.sub)?);
            match (session, account) {
                (Some(session), Some(account)) => session::end(change, &account, &session, (Reason::SignOut, None)),
                _ => Ok(()),
            }
        })
    }
}

fn address(change: &Change<'_>) -> Option<IpAddr> {
    change.by.facts.address
}

/// Why an account isn't let in from here; none if it may be.
fn closed(change: &Change<'_>, account: &Account) -> Option<Reason> {
    let is_near = account.allowed_networks.as_ref().is_none_or(|networks| {
        address(change).is_some_and(|address| networks.iter().any(|network| network.contains(address)))
    });
    account.is_closed().or((!is_near).then_some(Reason::NetworkNotAllowed))
}

/// A person whose password was looked at: `checked` is the credential that it is right for.
fn password_checked(
    directory: &Directory,
    change: &mut Change<'_>,
    (username, checked): (&str, Option<&str>),
    code: Option<&str>,
) -> Result<Tried, Error> {
    let refusal = |actor, reason, factors, told| {
        Ok(Err(Refusal { actor, kind: EventKind::SignIn, reason, factors, session: None, told }))
    };
    let Some(account) = account::named(change, username)? else {
        let actor = Party { r#type: "anonymous".to_owned(), name: Some(username.to_owned()), ..Party::default() };
        return refusal(actor, Reason::UnknownUser, Vec::new(), false);
    };
    let actor = account.party();
    // The one that was looked at may have been replaced or disabled meanwhile.
    let Some(used) = credential::usable(change, &account.id, Factor::Password)? else {
        return refusal(actor, Reason::CredentialDisabled, Vec::new(), false);
    };
    if checked != Some(used.id.as_str()) {
        return refusal(actor, Reason::WrongPassword, Vec::new(), false);
    }
    let mut factors = vec![Factor::Password];
    let device = credential::usable(change, &account.id, Factor::Totp)?;
    let is_required = account.required_factors.contains(&Factor::Totp);
    match (device, code) {
        (None, _) if is_required => return refusal(actor, Reason::TotpNotEnrolled, factors, true),
        (Some(_), None) if is_required => return refusal(actor, Reason::TotpRequired, factors, true),
        (Some(device), Some(code)) => match step(change, &device, code) {
            Some(step) => {
                credential::used(change, &device.id, Some(step))?;
                factors.push(Factor::Totp);
            }
            None => return refusal(actor, Reason::WrongTotp, factors, true),
        },
        _ => {}
    }
    if let Some(reason) = closed(change, &account).or(account.sign_in_blocked.then_some(Reason::SignInBlocked)) {
        return refusal(actor, reason, factors, true);
    }
    credential::used(change, &used.id, None)?;
    begin(directory, change, &account, &used, factors).map(Ok)
}

/// The step of a device's clock that a code is of, unless the code is wrong or not newer than the last one.
fn step(change: &Change<'_>, device: &Credential, code: &str) -> Option<u64> {
    let seconds = u64::try_from(change.now.0 / 1_000_000).ok()?;
    let step = totp::step(&device.secret, code.trim(), seconds)?;
    let is_newer = device.last_step.is_none_or(|last| i64::try_from(step).is_ok_and(|step| step > last));
    is_newer.then_some(step)
}

fn key_presented(directory: &Directory, change: &mut Change<'_>, key: &str) -> Result<Tried, Error> {
    let refusal = |actor, reason, factors, told| {
        Ok(Err(Refusal { actor, kind: EventKind::SignIn, reason, factors, session: None, told }))
    };
    let anonymous = || Party { r#type: "anonymous".to_owned(), ..Party::default() };
    let Some((id, digest)) = presented(key, API_KEY, Kind::Credential) else {
        return refusal(anonymous(), Reason::WrongApiKey, Vec::new(), false);
    };
    let found = credential::find(change, &id)?;
    let Some(used) = found.filter(|found| found.r#type == Factor::ApiKey && same(&digest, &found.secret)) else {
        return refusal(anonymous(), Reason::WrongApiKey, Vec::new(), false);
    };
    let account = account::get(change, &used.account)?;
    let actor = Party { credential: Some(used.id.clone()), ..account.party() };
    let blocked = account.sign_in_blocked.then_some(Reason::SignInBlocked);
    let disabled = (!used.enabled).then_some(Reason::CredentialDisabled);
    if let Some(reason) = disabled.or(closed(change, &account)).or(blocked) {
        return refusal(actor, reason, vec![Factor::ApiKey], true);
    }
    credential::used(change, &used.id, None)?;
    begin(directory, change, &account, &used, vec![Factor::ApiKey]).map(Ok)
}

/// Begins a session, with a refresh token and an access token.
fn begin(
    directory: &Directory,
    change: &mut Change<'_>,
    account: &Account,
    used: &Credential,
    factors: Vec<Factor>,
) -> Result<Granted, Error> {
    let (session, token) = (Kind::Session.new_id()?, Kind::Token.new_id()?);
    let issued = Issued::new(REFRESH, &token)?;
    let expires = change.now.plus_micros(change.lifetimes.session);
    let facts = &change.by.facts;
    change.transaction.execute(
        "INSERT INTO sessions (id, account, credential, started, expires, address, agent, factors, last_used, \
         access_until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?4, ?4)",
        params![
            session,
            account.id,
            used.id,
            change.now.0,
            expires.0,
            facts.address.map(|address| address.to_string()),
            facts.user_agent,
            serde_json::to_string(&factors)?
        ],
    )?;
    change.transaction.execute(
        "INSERT INTO tokens (id, session, account, issued, expires, secret) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![token, session, account.id, change.now.0, expires.0, issued.digest.0],
    )?;
    let credential = Some(used.id.clone());
    let actor = Party { session: Some(session.clone()), credential, ..account.party() };
    change.emit(&Draft {
        actor: Some(actor),
        factors: factors.clone(),
        session: Some(session.clone()),
        ..Draft::new(EventKind::SignIn)
    })?;
    let session = session::get(change, &session)?;
    let token = token::get(change, &token)?;
    grant(directory, change, (account, &session, &token), issued.text)
}

/// Issues an access token, beside a refresh token.
fn grant(
    directory: &Directory,
    change: &mut Change<'_>,
    (account, session, token): (&Account, &Session, &Token),
    refresh: Secret,
) -> Result<Granted, Error> {
    // A token has whole seconds.
    let issued = change.now.0 / 1_000_000;
    let expires = issued + change.lifetimes.access / 1_000_000;
    let access_expires_at = Timestamp(expires * 1_000_000);
    let claims = Claims {
        iss: issuer(change.tenant),
        sub: account.id.clone(),
        sid: session.id.clone(),
        jti: Kind::Access.new_id()?,
        iat: issued,
        exp: expires,
        preferred_username: account.username.clone(),
        account_type: account.r#type,
        amr: session.factors.clone(),
        privileges: account.privileges.clone(),
    };
    change.transaction.execute(
        "UPDATE sessions SET last_used = ?1, access_until = max(access_until, ?2) WHERE id = ?3",
        params![change.now.0, access_expires_at.0, session.id],
    )?;
    Ok(Granted {
        account: account.id.clone(),
        username: account.username.clone(),
        session: session.id.clone(),
        factors: session.factors.clone(),
        token_type: "Bearer",
        access_token: directory.signing().issue(&claims)?,
        access_expires_at,
        refresh_token: refresh.text().to_owned(),
        refresh_token_id: token.id.clone(),
        refresh_expires_at: token.expires_at,
    })
}

fn refreshed(directory: &Directory, change: &mut Change<'_>, text: &str) -> Result<Tried, Error> {
    let unknown = || {
        let actor = Party { r#type: "anonymous".to_owned(), ..Party::default() };
        let (kind, reason) = (EventKind::TokenRefreshed, Reason::UnknownToken);
        Ok(Err(Refusal { actor, kind, reason, factors: Vec::new(), session: None, told: false }))
    };
    let Some((id, digest)) = presented(text, REFRESH, Kind::Token) else { return unknown() };
    let Some(token) = token::find(change, &id)? else { return unknown() };
    let is_current = same(&digest, &token.secret);
    let was_used: bool = change.transaction.query_row(
        "SELECT EXISTS (SELECT 1 FROM spent WHERE digest = ?1 AND token = ?2)",
        params![digest.0, id],
        |row| row.get(0),
    )?;
    if !is_current && !was_used {
        return unknown();
    }
    let session = session::get(change, &token.session)?;
    let Some(account) = account::find(change, &token.account)? else {
        // Its sessions ended with it.
        return unknown();
    };
    let actor = Party { session: Some(session.id.clone()), token: Some(id.clone()), ..account.party() };
    let refusal = |kind, reason| {
        let (actor, factors, session) = (actor.clone(), Vec::new(), Some(session.id.clone()));
        Ok(Err(Refusal { actor, kind, reason, factors, session, told: true }))
    };
    if !is_current {
        // Whoever was first may be the thief: neither goes on.
        if session.active {
            session::end(change, &account, &session, (Reason::TokenReused, Some(By::itself().actor)))?;
        }
        return refusal(EventKind::TokenReused, Reason::TokenReused);
    }
    if let Some(reason) = refused(change, &account, &session, &token) {
        return refusal(EventKind::TokenRefreshed, reason);
    }
    let issued = Issued::new(REFRESH, &id)?;
    change.transaction.execute("INSERT INTO spent (digest, token) VALUES (?1, ?2)", params![digest.0, id])?;
    change.transaction.execute(
        "UPDATE tokens SET secret = ?1, rotations = rotations + 1, last_used = ?2 WHERE id = ?3",
        params![issued.digest.0, change.now.0, id],
    )?;
    change.emit(&Draft {
        actor: Some(actor.clone()),
        session: Some(session.id.clone()),
        ..Draft::new(EventKind::TokenRefreshed)
    })?;
    grant(directory, change, (&account, &session, &token), issued.text).map(Ok)
}

/// Why a session gets no more tokens now; the refresh token stays as it is, and may be presented again.
fn refused(change: &Change<'_>, account: &Account, session: &Session, token: &Token) -> Option<Reason> {
    if token.revoked_at.is_some() {
        // That its session ended says more than that its token went with it.
        return Some(if session.active { Reason::TokenRevoked } else { Reason::SessionEnded });
    }
    if !session.active {
        return Some(Reason::SessionEnded);
    }
    if !token.active {
        return Some(Reason::TokenExpired);
    }
    let has_to = account.reauthenticate_before.is_some_and(|before| session.started_at < before);
    let lacks = account.required_factors.iter().any(|factor| !session.factors.contains(factor));
    closed(change, account)
        .or((has_to || session.reauthenticate).then_some(Reason::ReauthenticationRequired))
        .or(lacks.then_some(Reason::FactorRequired))
}
