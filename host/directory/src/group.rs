//! Groups, the privileges that they give, and who is in them since when.

use countersign_database::rusqlite::{OptionalExtension as _, Row, params};
use countersign_model::Timestamp;
use countersign_serving::given::Members;
use serde::Serialize;
use serde_json::json;

use crate::account::{self, Account, MAX_NAME};
use crate::change::{Answer, Change, Expected};
use crate::error::Error;
use crate::event::{Draft, Party};
use crate::id::Kind;
use crate::page::{Page, Wanted};
use crate::words::EventKind;

/// The most privileges of a group.
const MAX_PRIVILEGES: usize = 64;

/// A group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) privileges: Vec<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) members: i64,
    pub(crate) version: i64,
}

/// A group that is to be made.
#[derive(Clone, Debug, Default)]
pub struct NewGroup {
    /// Its name.
    pub name: String,
    /// What it gives whoever is in it; `admin` makes administrators.
    pub privileges: Vec<String>,
}

/// That an account is in a group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Membership {
    pub(crate) id: String,
    pub(crate) group: String,
    pub(crate) group_name: String,
    pub(crate) account: String,
    pub(crate) username: String,
    /// Since when: an account that was taken out and put in again is in it since then.
    pub(crate) since: Timestamp,
    pub(crate) added_by: String,
    /// The event that tells of it.
    pub(crate) event: i64,
}

/// What is changed of a group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patch {
    name: Option<String>,
    privileges: Option<Vec<String>>,
}

fn privileges(item: countersign_document::Item<'_>) -> Option<Vec<String>> {
    item.set((0, MAX_PRIVILEGES), |item| item.any_text(MAX_NAME).map(str::to_owned))
}

impl Members for NewGroup {
    fn read(table: &countersign_document::Table<'_>) -> NewGroup {
        let name = table.read("name", "the group's name", |item| item.any_text(MAX_NAME));
        NewGroup {
            name: name.unwrap_or_default().to_owned(),
            privileges: table.get("privileges").and_then(privileges).unwrap_or_default(),
        }
    }
}

impl Members for Patch {
    fn read(table: &countersign_document::Table<'_>) -> Patch {
        Patch {
            name: table.get("name").and_then(|item| item.any_text(MAX_NAME)).map(str::to_owned),
            privileges: table.get("privileges").and_then(privileges),
        }
    }
}

impl Group {
    fn party(&self) -> Party {
        Party {
            r#type: "group".to_owned(),
            id: Some(self.id.clone()),
            name: Some(self.name.clone()),
            ..Party::default()
        }
    }
}

const COLUMNS: &str = "id, name, privileges, created, (SELECT count(*) FROM memberships m WHERE m.\"group\" = g.id), \
    version, n";

fn kept(row: &Row<'_>) -> countersign_database::rusqlite::Result<(i64, Group, String)> {
    let group = Group {
        id: row.get(0)?,
        name: row.get(1)?,
        privileges: Vec::new(),
        created_at: Timestamp(row.get(3)?),
        members: row.get(4)?,
        version: row.get(5)?,
    };
    Ok((row.get(6)?, group, row.get(2)?))
}

fn whole((n, group, privileges): (i64, Group, String)) -> Result<(i64, Group), Error> {
    Ok((n, Group { privileges: serde_json::from_str(&privileges)?, ..group }))
}

pub(crate) fn get(change: &Change<'_>, id: &str) -> Result<Group, Error> {
    let sql = format!("SELECT {COLUMNS} FROM groups g WHERE id = ?1 AND deleted IS NULL");
    let kept = change.transaction.prepare_cached(&sql)?.query_row([id], kept).optional()?;
    let kept = kept.ok_or_else(|| Error::missing("a group", id))?;
    whole(kept).map(|(_, group)| group)
}

/// The group that has a name now.
pub(crate) fn named(change: &Change<'_>, name: &str) -> Result<Option<Group>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM groups g WHERE name = ?1 AND deleted IS NULL");
    let kept = change.transaction.prepare_cached(&sql)?.query_row([name], kept).optional()?;
    kept.map(|kept| whole(kept).map(|(_, group)| group)).transpose()
}

pub(crate) fn list(change: &Change<'_>, name: Option<&str>, wanted: Wanted) -> Result<Page<Group>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM groups g WHERE deleted IS NULL AND n > ?1 AND (?2 IS NULL OR name = ?2) ORDER BY n LIMIT ?3"
    );
    let mut statement = change.transaction.prepare_cached(&sql)?;
    let rows = statement.query_map(params![wanted.after, name, wanted.limit + 1], kept)?;
    let rows = rows.map(|row| whole(row?)).collect::<Result<_, Error>>()?;
    Ok(Page::of(rows, wanted))
}

pub(crate) fn create(change: &mut Change<'_>, new: &NewGroup) -> Result<Group, Error> {
    if new.name.is_empty() || new.name.chars().any(char::is_control) {
        return Err(Error::Invalid("expected a name for the group, got none".to_owned()));
    }
    if named(change, &new.name)?.is_some() {
        return Err(Error::Taken { what: "a group", name: new.name.clone() });
    }
    let id = Kind::Group.new_id()?;
    change.transaction.execute(
        "INSERT INTO groups (id, name, privileges, created) VALUES (?1, ?2, ?3, ?4)",
        params![id, new.name, serde_json::to_string(&new.privileges)?, change.now.0],
    )?;
    let group = get(change, &id)?;
    let draft = Draft::new(EventKind::GroupCreated).target(group.party());
    change.emit(&draft.changed("privileges", json!([]), json!(group.privileges)))?;
    Ok(group)
}

pub(crate) fn patch(change: &mut Change<'_>, id: &str, patch: &Patch, expected: &Expected) -> Result<Answer, Error> {
    let group = get(change, id)?;
    expected.check(Some(&group))?;
    let name = patch.name.as_ref().unwrap_or(&group.name);
    let privileges = patch.privileges.as_ref().unwrap_or(&group.privileges);
    if *name != group.name && named(change, name)?.is_some() {
        return Err(Error::Taken { what: "a group", name: name.clone() });
    }
    if *name != group.name || *privileges != group.privileges {
        let mut draft = Draft::new(EventKind::GroupChanged).target(group.party());
        if *name != group.name {
            draft = draft.changed("name", json!(group.name), json!(name));
        }
        if *privileges != group.privileges {
            draft = draft.changed("privileges", json!(group.privileges), json!(privileges));
        }
        change.emit(&draft)?;
        change.transaction.execute(
            "UPDATE groups SET name = ?1, privileges = ?2, version = version + 1 WHERE id = ?3",
            params![name, serde_json::to_string(privileges)?, id],
        )?;
    }
    let group = get(change, id)?;
    Answer::of(change, "group", &group)
}

pub(crate) fn delete(change: &mut Change<'_>, id: &str, expected: &Expected) -> Result<Answer, Error> {
    let group = get(change, id)?;
    expected.check(Some(&group))?;
    for membership in memberships(change, Some(id), None)? {
        let account = account::get(change, &membership.account)?;
        take_out(change, &group, &account, &membership)?;
    }
    change.transaction.execute("UPDATE groups SET deleted = ?1 WHERE id = ?2", params![change.now.0, id])?;
    change.emit(&Draft::new(EventKind::GroupDeleted).target(group.party()))?;
    Answer::of(change, "deleted", &json!({ "id": id, "name": group.name, "deleted_at": change.now }))
}

/// What its groups give an account.
pub(crate) fn privileges_of(change: &Change<'_>, account: &str) -> Result<Vec<String>, Error> {
    let sql = "SELECT DISTINCT p.value FROM memberships m JOIN groups g ON g.id = m.\"group\" AND g.deleted IS NULL, \
        json_each(g.privileges) p WHERE m.account = ?1 ORDER BY p.value";
    let mut statement = change.transaction.prepare_cached(sql)?;
    let rows = statement.query_map([account], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Memberships of a group, of an account, or of both, in the order in which they began.
pub(crate) fn memberships(
    change: &Change<'_>,
    group: Option<&str>,
    account: Option<&str>,
) -> Result<Vec<Membership>, Error> {
    let sql = "SELECT m.id, m.\"group\", g.name, m.account, a.username, m.since, m.added_by, m.event FROM memberships m \
        JOIN groups g ON g.id = m.\"group\" JOIN accounts a ON a.id = m.account \
        WHERE (?1 IS NULL OR m.\"group\" = ?1) AND (?2 IS NULL OR m.account = ?2) ORDER BY m.n";
    let mut statement = change.transaction.prepare_cached(sql)?;
    let rows = statement.query_map(params![group, account], |row| {
        Ok(Membership {
            id: row.get(0)?,
            group: row.get(1)?,
            group_name: row.get(2)?,
            account: row.get(3)?,
            username: row.get(4)?,
            since: Timestamp(row.get(5)?),
            added_by: row.get(6)?,
            event: row.get(7)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether an account is in a group, if both exist.
pub(crate) fn membership(change: &Change<'_>, group: &str, account: &str) -> Result<Option<Membership>, Error> {
    get(change, group)?;
    account::get(change, account)?;
    Ok(memberships(change, Some(group), Some(account))?.pop())
}

/// Has an account be in a group.
pub(crate) fn add(change: &mut Change<'_>, group: &str, account: &str, expected: &Expected) -> Result<Answer, Error> {
    let is = membership(change, group, account)?;
    expected.check(is.as_ref())?;
    if is.is_none() {
        let (group, account) = (get(change, group)?, account::get(change, account)?);
        let draft = Draft { group: Some(group.party()), ..Draft::new(EventKind::MemberAdded) };
        let event = change.emit(&draft.target(account.party()))?;
        change.transaction.execute(
            "INSERT INTO memberships (id, \"group\", account, since, added_by, event) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![Kind::Membership.new_id()?, group.id, account.id, change.now.0, change.by.name(), event],
        )?;
    }
    let now = membership(change, group, account)?;
    Answer::of(change, "membership", &now)
}

/// Takes an account out of a group.
pub(crate) fn remove(
    change: &mut Change<'_>,
    group: &str,
    account: &str,
    expected: &Expected,
) -> Result<Answer, Error> {
    let is = membership(change, group, account)?;
    expected.check(is.as_ref())?;
    if let Some(is) = &is {
        let (group, account) = (get(change, group)?, account::get(change, account)?);
        take_out(change, &group, &account, is)?;
    }
    Answer::of(change, "removed", &is)
}

/// Takes an account out of all its groups.
pub(crate) fn remove_all(change: &mut Change<'_>, account: &Account) -> Result<(), Error> {
    for membership in memberships(change, None, Some(&account.id))? {
        let group = get(change, &membership.group)?;
        take_out(change, &group, account, &membership)?;
    }
    Ok(())
}

fn take_out(change: &mut Change<'_>, group: &Group, account: &Account, is: &Membership) -> Result<(), Error> {
    let draft = Draft { group: Some(group.party()), ..Draft::new(EventKind::MemberRemoved) };
    change.emit(&draft.target(account.party()).changed("since", json!(is.since), json!(null)))?;
    change.transaction.execute("DELETE FROM memberships WHERE id = ?1", [&is.id])?;
    Ok(())
}
