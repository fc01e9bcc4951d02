//! Credentials of accounts: passwords, devices and keys, each with an id, on and off.

use std::collections::BTreeMap;

use countersign_database::rusqlite::{OptionalExtension as _, Row, params};
use countersign_model::Timestamp;
use countersign_serving::given::Members;
use serde::Serialize;
use serde_json::json;

use crate::account::{self, Account, MAX_NAME};
use crate::change::{Answer, Change, Expected, Mark};
use crate::error::Error;
use crate::event::{Draft, Party};
use crate::id::Kind;
use crate::password::{self, Issued, MAX_PASSWORD, Secret};
use crate::totp;
use crate::words::{EventKind, Factor};

/// How the text of a service account's key begins.
pub(crate) const API_KEY: &str = "countersign_key";

/// A credential, without its secret.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Credential {
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) r#type: Factor,
    pub(crate) name: String,
    pub(crate) created_at: Timestamp,
    pub(crate) enabled: bool,
    /// Who changed what last.
    pub(crate) changed: BTreeMap<String, Mark>,
    pub(crate) version: i64,
    /// Not part of its entity tag.
    #[serde(skip)]
    pub(crate) last_used: Option<Timestamp>,
    #[serde(skip)]
    pub(crate) last_step: Option<i64>,
    #[serde(skip)]
    pub(crate) secret: Vec<u8>,
}

/// A credential that is to be made.
#[derive(Clone, Debug)]
pub(crate) struct NewCredential {
    pub(crate) kind: Factor,
    pub(crate) name: Option<String>,
    /// Of a password.
    pub(crate) password: Option<Secret>,
    /// Of a device, in base 32; else one is made.
    pub(crate) secret: Option<Secret>,
}

/// What is changed of a credential.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Patch {
    enabled: Option<bool>,
}

impl Members for Patch {
    fn read(table: &countersign_document::Table<'_>) -> Patch {
        Patch { enabled: table.read("enabled", "whether it is enabled", |item| item.flag()) }
    }
}

impl Members for NewCredential {
    fn read(table: &countersign_document::Table<'_>) -> NewCredential {
        let kind = table.read("type", "a type of credential", |item| item.word::<Factor>("a type of credential"));
        let secret = |key, longest| table.get(key).and_then(|item| item.any_text(longest)).map(Secret::new);
        NewCredential {
            kind: kind.unwrap_or(Factor::Password),
            name: table.get("name").and_then(|item| item.any_text(MAX_NAME)).map(str::to_owned),
            password: secret("password", MAX_PASSWORD),
            secret: secret("secret", MAX_NAME),
        }
    }
}

impl Credential {
    fn party(&self, account: &Account) -> Party {
        Party { kind: Some(self.r#type), name: Some(self.name.clone()), ..account.party_of("credential", &self.id) }
    }
}

const COLUMNS: &str = "id, account, kind, name, secret, created, enabled, last_used, last_step, changed, version";

fn kept(row: &Row<'_>) -> countersign_database::rusqlite::Result<(Credential, [String; 2])> {
    let credential = Credential {
        id: row.get(0)?,
        account: row.get(1)?,
        r#type: Factor::Password,
        name: row.get(3)?,
        secret: row.get(4)?,
        created_at: Timestamp(row.get(5)?),
        enabled: row.get(6)?,
        last_used: row.get::<_, Option<i64>>(7)?.map(Timestamp),
        last_step: row.get(8)?,
        changed: BTreeMap::new(),
        version: row.get(10)?,
    };
    Ok((credential, [row.get(2)?, row.get(9)?]))
}

fn whole((credential, [kind, changed]): (Credential, [String; 2])) -> Result<Credential, Error> {
    let kind = kind.parse().map_err(|error| Error::Damaged(format!("{error}")))?;
    Ok(Credential { r#type: kind, changed: serde_json::from_str(&changed)?, ..credential })
}

/// The credential with an id, unless there is none, or it was deleted.
pub(crate) fn find(change: &Change<'_>, id: &str) -> Result<Option<Credential>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM credentials WHERE id = ?1 AND deleted IS NULL");
    change.transaction.prepare_cached(&sql)?.query_row([id], kept).optional()?.map(whole).transpose()
}

pub(crate) fn get(change: &Change<'_>, id: &str) -> Result<Credential, Error> {
    find(change, id)?.ok_or_else(|| Error::missing("a credential", id))
}

/// All credentials of an account, in the order in which they were made.
pub(crate) fn list(change: &Change<'_>, account: &str) -> Result<Vec<Credential>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM credentials WHERE account = ?1 AND deleted IS NULL ORDER BY n");
    let mut statement = change.transaction.prepare_cached(&sql)?;
    let rows = statement.query_map([account], kept)?;
    rows.map(|row| whole(row?)).collect()
}

/// The kinds of credentials that an account has and that are enabled.
pub(crate) fn factors_of(change: &Change<'_>, account: &str) -> Result<Vec<Factor>, Error> {
    let has = list(change, account)?;
    let is_there = |factor: &&Factor| has.iter().any(|credential| credential.enabled && credential.r#type == **factor);
    Ok(Factor::ALL.iter().filter(is_there).copied().collect())
}

/// The newest credential of a kind that is enabled.
pub(crate) fn usable(change: &Change<'_>, account: &str, kind: Factor) -> Result<Option<Credential>, Error> {
    let all = list(change, account)?;
    Ok(all.into_iter().rev().find(|credential| credential.enabled && credential.r#type == kind))
}

/// What is kept of a new credential, and what is shown of it once. Made beforehand: a password takes long to hash.
pub(crate) struct Prepared {
    new: NewCredential,
    secret: Vec<u8>,
    id: String,
    shown: Option<Secret>,
}

pub(crate) fn prepare(new: NewCredential) -> Result<Prepared, Error> {
    let id = Kind::Credential.new_id()?;
    let refuse = |what: &str| Err(Error::Invalid(what.to_owned()));
    let (secret, shown) = match (new.kind, &new.password, &new.secret) {
        (Factor::Password, Some(password), None) if !password.text().is_empty() => {
            (password::hash(password)?.into_bytes(), None)
        }
        (Factor::Password, ..) => return refuse("expected `password`, and nothing else, with type `password`"),
        (_, Some(_), _) => return refuse("expected `password` with type `password` only"),
        (Factor::Totp, None, Some(secret)) => (totp::read_secret(secret.text())?, None),
        (Factor::Totp, None, None) => {
            let secret = totp::new_secret()?;
            let shown = Secret::new(totp::shown(&secret));
            (secret, Some(shown))
        }
        (Factor::ApiKey, None, Some(_)) => return refuse("expected no `secret` with type `api-key`: one is made"),
        (Factor::ApiKey, None, None) => {
            let issued = Issued::new(API_KEY, &id)?;
            (issued.digest.0.to_vec(), Some(issued.text))
        }
    };
    Ok(Prepared { new, secret, id, shown })
}

/// Gives an account a credential. A password and a device take the place of the one before.
pub(crate) fn create(change: &mut Change<'_>, account: &str, prepared: &Prepared) -> Result<Answer, Error> {
    let Prepared { new, secret, id, shown } = prepared;
    let account = account::get(change, account)?;
    if new.kind != Factor::ApiKey {
        for earlier in list(change, &account.id)?.iter().filter(|earlier| earlier.r#type == new.kind) {
            remove(change, &account, earlier)?;
        }
    }
    let name = new.name.clone().unwrap_or_else(|| new.kind.id().to_owned());
    change.transaction.execute(
        "INSERT INTO credentials (id, account, kind, name, secret, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![id, account.id, new.kind.id(), name, secret, change.now.0],
    )?;
    let credential = get(change, id)?;
    change.emit(&Draft::new(EventKind::CredentialCreated).target(credential.party(&account)))?;
    let answer = Answer::of(change, "credential", &credential)?.created();
    Ok(match shown {
        Some(secret) => answer.with_secret("secret", secret.clone()),
        None => answer,
    })
}

pub(crate) fn patch(change: &mut Change<'_>, id: &str, patch: Patch, expected: &Expected) -> Result<Answer, Error> {
    let credential = get(change, id)?;
    expected.check(Some(&credential))?;
    if let Some(enabled) = patch.enabled.filter(|enabled| *enabled != credential.enabled) {
        let account = account::get(change, &credential.account)?;
        let kind = if enabled { EventKind::CredentialEnabled } else { EventKind::CredentialDisabled };
        let draft = Draft::new(kind).target(credential.party(&account));
        let event = change.emit(&draft.changed("enabled", json!(!enabled), json!(enabled)))?;
        let mut changed = credential.changed.clone();
        changed.insert("enabled".to_owned(), change.mark(event));
        change.transaction.execute(
            "UPDATE credentials SET enabled = ?1, changed = ?2, version = version + 1 WHERE id = ?3",
            params![enabled, serde_json::to_string(&changed)?, id],
        )?;
    }
    let credential = get(change, id)?;
    Answer::of(change, "credential", &credential)
}

pub(crate) fn delete(change: &mut Change<'_>, id: &str, expected: &Expected) -> Result<Answer, Error> {
    let credential = get(change, id)?;
    expected.check(Some(&credential))?;
    let account = account::get(change, &credential.account)?;
    remove(change, &account, &credential)?;
    Answer::of(change, "deleted", &json!({ "id": id, "account": account.id, "deleted_at": change.now }))
}

/// Deletes all credentials of an account.
pub(crate) fn delete_all(change: &mut Change<'_>, account: &Account) -> Result<(), Error> {
    list(change, &account.id)?.iter().try_for_each(|credential| remove(change, account, credential))
}

fn remove(change: &mut Change<'_>, account: &Account, credential: &Credential) -> Result<(), Error> {
    // Nothing of the secret stays.
    change.transaction.execute(
        "UPDATE credentials SET deleted = ?1, secret = x'' WHERE id = ?2",
        params![change.now.0, credential.id],
    )?;
    change.emit(&Draft::new(EventKind::CredentialDeleted).target(credential.party(account)))?;
    Ok(())
}

/// Notes that a credential was used, of a device by which step of its clock.
pub(crate) fn used(change: &Change<'_>, id: &str, step: Option<u64>) -> Result<(), Error> {
    let step = step.and_then(|step| i64::try_from(step).ok());
    change.transaction.execute(
        "UPDATE credentials SET last_used = ?1, last_step = coalesce(?2, last_step) WHERE id = ?3",
        params![change.now.0, step, id],
    )?;
    Ok(())
}
