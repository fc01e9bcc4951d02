//! Administrative credentials: each program that administers a directory has one of its own, so that the event log tells whose
//! act was whose.

use countersign_database::rusqlite::{OptionalExtension as _, Row, params};
use countersign_model::Timestamp;
use countersign_serving::given::Members;
use serde::Serialize;

use crate::account::MAX_NAME;
use crate::change::{Answer, Change};
use crate::error::Error;
use crate::event::{Draft, Party};
use crate::id::Kind;
use crate::password::{Issued, Secret, presented, same};
use crate::words::{EventKind, Scope};

/// How the text of an administrative credential begins.
const PREFIX: &str = "countersign_admin";

/// An administrative credential, without its secret.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Principal {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) created_at: Timestamp,
    pub(crate) revoked_at: Option<Timestamp>,
}

/// One that is to be made.
#[derive(Clone, Debug)]
pub struct NewPrincipal {
    /// Its name: of the program that has it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
}

impl Members for NewPrincipal {
    fn read(table: &countersign_document::Table<'_>) -> NewPrincipal {
        let name = table.read("name", "the name of who has it", |item| item.any_text(MAX_NAME));
        let scopes = table.read("scopes", "a list of scopes", |item| {
            item.set((1, Scope::ALL.len()), |item| item.word::<Scope>("a scope"))
        });
        NewPrincipal { name: name.unwrap_or_default().to_owned(), scopes: scopes.unwrap_or_default() }
    }
}

impl Principal {
    pub(crate) fn party(&self) -> Party {
        Party {
            r#type: "principal".to_owned(),
            id: Some(self.id.clone()),
            name: Some(self.name.clone()),
            ..Party::default()
        }
    }
}

fn kept(row: &Row<'_>) -> countersign_database::rusqlite::Result<(Principal, String, Vec<u8>)> {
    let principal = Principal {
        id: row.get(0)?,
        name: row.get(1)?,
        scopes: Vec::new(),
        created_at: Timestamp(row.get(4)?),
        revoked_at: row.get::<_, Option<i64>>(5)?.map(Timestamp),
    };
    Ok((principal, row.get(2)?, row.get(3)?))
}

fn whole((principal, scopes, secret): (Principal, String, Vec<u8>)) -> Result<(Principal, Vec<u8>), Error> {
    Ok((Principal { scopes: serde_json::from_str(&scopes)?, ..principal }, secret))
}

const COLUMNS: &str = "id, name, scopes, secret, created, revoked";

fn find(change: &Change<'_>, id: &str) -> Result<Option<(Principal, Vec<u8>)>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM principals WHERE id = ?1");
    change.transaction.prepare_cached(&sql)?.query_row([id], kept).optional()?.map(whole).transpose()
}

pub(crate) fn get(change: &Change<'_>, id: &str) -> Result<Principal, Error> {
    find(change, id)?.map(|(principal, _)| principal).ok_or_else(|| Error::missing("an administrative credential", id))
}

pub(crate) fn list(change: &Change<'_>) -> Result<Vec<Principal>, Error> {
    let mut statement = change.transaction.prepare_cached(&format!("SELECT {COLUMNS} FROM principals ORDER BY n"))?;
    let rows = statement.query_map([], kept)?;
    rows.map(|row| whole(row?).map(|(principal, _)| principal)).collect()
}

/// Whose credential a text is, unless it was revoked.
pub(crate) fn known(change: &Change<'_>, text: &str) -> Result<Option<Principal>, Error> {
    let Some((id, digest)) = presented(text, PREFIX, Kind::Principal) else { return Ok(None) };
    let found =
        find(change, &id)?.filter(|(principal, secret)| same(&digest, secret) && principal.revoked_at.is_none());
    Ok(found.map(|(principal, _)| principal))
}

/// Makes one; its text is shown this once.
pub(crate) fn create(change: &mut Change<'_>, new: &NewPrincipal) -> Result<(Principal, Secret), Error> {
    if new.name.is_empty() || new.name.chars().any(char::is_control) {
        return Err(Error::Invalid("expected a name for the credential, got none".to_owned()));
    }
    if list(change)?.iter().any(|known| known.revoked_at.is_none() && known.name == new.name) {
        return Err(Error::Taken { what: "an administrative credential", name: new.name.clone() });
    }
    let id = Kind::Principal.new_id()?;
    let issued = Issued::new(PREFIX, &id)?;
    change.transaction.execute(
        "INSERT INTO principals (id, name, scopes, secret, created) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![id, new.name, serde_json::to_string(&new.scopes)?, issued.digest.0, change.now.0],
    )?;
    let principal = get(change, &id)?;
    change.emit(&Draft::new(EventKind::PrincipalCreated).target(principal.party()))?;
    Ok((principal, issued.text))
}

pub(crate) fn revoke(change: &mut Change<'_>, id: &str) -> Result<Answer, Error> {
    let principal = get(change, id)?;
    if principal.revoked_at.is_none() {
        change.transaction.execute("UPDATE principals SET revoked = ?1 WHERE id = ?2", params![change.now.0, id])?;
        change.emit(&Draft::new(EventKind::PrincipalRevoked).target(principal.party()))?;
    }
    let principal = get(change, id)?;
    Answer::of(change, "principal", &principal)
}
