//! Accounts: what each is, and what administrators change of it. A name may be given to another account once its own was
//! deleted; an id never is.

use std::collections::BTreeMap;

use countersign_database::rusqlite::{OptionalExtension as _, Row, params, types::ToSql};
use countersign_document::Item;
use countersign_model::Timestamp;
use countersign_serving::given::Members;
use serde::Serialize;
use serde_json::{Value, json};

use crate::change::{Answer, Change, Expected, Mark};
use crate::error::Error;
use crate::event::{Draft, Party};
use crate::id::Kind;
use crate::network::Network;
use crate::page::{Page, Wanted};
use crate::words::{AccountKind, EventKind, Factor, Reason};
use crate::{credential, group, session};

/// The longest name, bytes.
pub(crate) const MAX_NAME: usize = 128;

/// The most networks of an account.
const MAX_NETWORKS: usize = 64;

/// The privilege that administrators have.
pub(crate) const ADMIN: &str = "admin";

/// An account.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) username: String,
    pub(crate) display_name: String,
    pub(crate) r#type: AccountKind,
    pub(crate) created_at: Timestamp,
    pub(crate) enabled: bool,
    pub(crate) suspended: bool,
    pub(crate) suspended_until: Option<Timestamp>,
    pub(crate) sign_in_blocked: bool,
    pub(crate) required_factors: Vec<Factor>,
    pub(crate) reauthenticate_before: Option<Timestamp>,
    pub(crate) allowed_networks: Option<Vec<Network>>,
    /// What its groups give it.
    pub(crate) privileges: Vec<String>,
    pub(crate) admin: bool,
    /// Whether it is the only administrator who can sign in.
    pub(crate) last_admin: bool,
    /// The kinds of credentials that it has and that are enabled.
    pub(crate) factors: Vec<Factor>,
    /// Who changed what last.
    pub(crate) changed: BTreeMap<String, Mark>,
    pub(crate) version: i64,
}

/// An account that is to be made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Its id, where it had one elsewhere; else it gets one.
    pub id: Option<String>,
    /// Its name to sign in with.
    pub username: String,
    /// Its name for people.
    pub display_name: Option<String>,
    /// Whose it is.
    pub kind: AccountKind,
    /// What has to be proved to sign in; a password of a person, a key of a service if left out.
    pub required_factors: Option<Vec<Factor>>,
}

/// What is changed of an account; none stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patch {
    username: Option<String>,
    display_name: Option<String>,
    enabled: Option<bool>,
    suspended: Option<bool>,
    suspended_until: Option<Option<Timestamp>>,
    sign_in_blocked: Option<bool>,
    required_factors: Option<Vec<Factor>>,
    reauthenticate_before: Option<Option<Timestamp>>,
    allowed_networks: Option<Option<Vec<Network>>>,
}

/// Which accounts are listed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) username: Option<String>,
    pub(crate) kind: Option<AccountKind>,
    pub(crate) admin: Option<bool>,
}

/// A value that may be null.
fn nullable<T>(item: Item<'_>, read: impl FnOnce(Item<'_>) -> Option<T>) -> Option<Option<T>> {
    match item.node().value {
        countersign_document::NodeValue::Null => Some(None),
        _ => read(item).map(Some),
    }
}

fn time(item: Item<'_>) -> Option<Timestamp> {
    item.parsed("a time such as `2026-03-02T09:00:00Z`")
}

/// A list of factors, each once.
pub(crate) fn factors(item: Item<'_>) -> Option<Vec<Factor>> {
    item.set((1, Factor::ALL.len()), |item| item.word("a factor"))
}

impl Members for Patch {
    fn read(table: &countersign_document::Table<'_>) -> Patch {
        Patch {
            username: table.get("username").and_then(|item| item.any_text(MAX_NAME)).map(str::to_owned),
            display_name: table.get("display_name").and_then(|item| item.any_text(MAX_NAME)).map(str::to_owned),
            enabled: table.get("enabled").and_then(|item| item.flag()),
            suspended: table.get("suspended").and_then(|item| item.flag()),
            suspended_until: table.get("suspended_until").and_then(|item| nullable(item, time)),
            sign_in_blocked: table.get("sign_in_blocked").and_then(|item| item.flag()),
            required_factors: table.get("required_factors").and_then(factors),
            reauthenticate_before: table.get("reauthenticate_before").and_then(|item| nullable(item, time)),
            allowed_networks: table.get("allowed_networks").and_then(|item| {
                nullable(item, |item| {
                    item.list((1, MAX_NETWORKS), |item| item.parsed("a network such as `192.0.2.0/24`"))
                })
            }),
        }
    }
}

impl Members for NewAccount {
    fn read(table: &countersign_document::Table<'_>) -> NewAccount {
        let username = table.read("username", "a name to sign in with", |item| item.any_text(MAX_NAME));
        NewAccount {
            id: None,
            username: username.unwrap_or_default().to_owned(),
            display_name: table.get("display_name").and_then(|item| item.any_text(MAX_NAME)).map(str::to_owned),
            kind: table.get("type").and_then(|item| item.word("a type of account")).unwrap_or(AccountKind::Person),
            required_factors: table.get("required_factors").and_then(factors),
        }
    }
}

impl Account {
    /// It, as an event names it.
    pub(crate) fn party(&self) -> Party {
        Party {
            r#type: "account".to_owned(),
            id: Some(self.id.clone()),
            name: Some(self.username.clone()),
            account_type: Some(self.r#type),
            ..Party::default()
        }
    }

    /// Something of its, as an event names it.
    pub(crate) fn party_of(&self, what: &str, id: &str) -> Party {
        Party {
            r#type: what.to_owned(),
            id: Some(id.to_owned()),
            account: Some(self.id.clone()),
            account_name: Some(self.username.clone()),
            account_type: Some(self.r#type),
            ..Party::default()
        }
    }

    /// Why nobody is let in with it at all; none if somebody may be.
    pub(crate) fn is_closed(&self) -> Option<Reason> {
        if !self.enabled {
            Some(Reason::AccountDisabled)
        } else if self.suspended {
            Some(Reason::AccountSuspended)
        } else {
            None
        }
    }
}

const COLUMNS: &str = "id, username, display_name, kind, created, enabled, suspended, suspended_until, sign_in_blocked, \
    required_factors, reauthenticate_before, allowed_networks, changed, version, n";

/// A row as it is kept, before what others give it.
struct Kept {
    n: i64,
    account: Account,
    texts: [String; 3],
    networks: Option<String>,
}

fn kept(row: &Row<'_>) -> countersign_database::rusqlite::Result<Kept> {
    let account = Account {
        id: row.get(0)?,
        username: row.get(1)?,
        display_name: row.get(2)?,
        r#type: AccountKind::Person,
        created_at: Timestamp(row.get(4)?),
        enabled: row.get(5)?,
        suspended: row.get(6)?,
        suspended_until: row.get::<_, Option<i64>>(7)?.map(Timestamp),
        sign_in_blocked: row.get(8)?,
        required_factors: Vec::new(),
        reauthenticate_before: row.get::<_, Option<i64>>(10)?.map(Timestamp),
        allowed_networks: None,
        privileges: Vec::new(),
        admin: false,
        last_admin: false,
        factors: Vec::new(),
        changed: BTreeMap::new(),
        version: row.get(13)?,
    };
    Ok(Kept { n: row.get(14)?, account, texts: [row.get(3)?, row.get(9)?, row.get(12)?], networks: row.get(11)? })
}

fn whole(change: &Change<'_>, kept: Kept) -> Result<(i64, Account), Error> {
    let Kept { n, mut account, texts: [kind, required, changed], networks } = kept;
    account.r#type = kind.parse().map_err(|error| Error::Damaged(format!("{error}")))?;
    account.required_factors = serde_json::from_str(&required)?;
    account.allowed_networks = networks.map(|networks| serde_json::from_str(&networks)).transpose()?;
    account.changed = serde_json::from_str(&changed)?;
    account.privileges = group::privileges_of(change, &account.id)?;
    account.admin = account.privileges.iter().any(|privilege| privilege == ADMIN);
    let can_sign_in = account.is_closed().is_none() && !account.sign_in_blocked;
    account.last_admin = account.admin && can_sign_in && administrators(change)? == 1;
    account.factors = credential::factors_of(change, &account.id)?;
    Ok((n, account))
}

/// How many administrators can sign in.
fn administrators(change: &Change<'_>) -> Result<i64, Error> {
    let sql = "SELECT count(DISTINCT a.id) FROM accounts a JOIN memberships m ON m.account = a.id \
        JOIN groups g ON g.id = m.\"group\" AND g.deleted IS NULL, json_each(g.privileges) p \
        WHERE a.deleted IS NULL AND a.enabled AND NOT a.suspended AND NOT a.sign_in_blocked AND p.value = ?1";
    Ok(change.transaction.prepare_cached(sql)?.query_row([ADMIN], |row| row.get(0))?)
}

/// The account with an id, unless there is none, or it was deleted.
pub(crate) fn find(change: &Change<'_>, id: &str) -> Result<Option<Account>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM accounts WHERE id = ?1 AND deleted IS NULL");
    let kept = change.transaction.prepare_cached(&sql)?.query_row([id], kept).optional()?;
    kept.map(|kept| whole(change, kept).map(|(_, account)| account)).transpose()
}

/// The account with an id.
pub(crate) fn get(change: &Change<'_>, id: &str) -> Result<Account, Error> {
    find(change, id)?.ok_or_else(|| Error::missing("an account", id))
}

/// The account that has a name now.
pub(crate) fn named(change: &Change<'_>, username: &str) -> Result<Option<Account>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM accounts WHERE username = ?1 AND deleted IS NULL");
    let kept = change.transaction.prepare_cached(&sql)?.query_row([username.to_lowercase()], kept).optional()?;
    kept.map(|kept| whole(change, kept).map(|(_, account)| account)).transpose()
}

/// Accounts, in the order in which they were made.
pub(crate) fn list(change: &Change<'_>, filter: &Filter, wanted: Wanted) -> Result<Page<Account>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM accounts a WHERE deleted IS NULL AND n > ?1 AND (?2 IS NULL OR username = ?2) \
         AND (?3 IS NULL OR kind = ?3) AND (?4 IS NULL OR ?4 = EXISTS (SELECT 1 FROM memberships m JOIN groups g \
         ON g.id = m.\"group\" AND g.deleted IS NULL, json_each(g.privileges) p \
         WHERE m.account = a.id AND p.value = '{ADMIN}')) ORDER BY n LIMIT ?5"
    );
    let mut statement = change.transaction.prepare_cached(&sql)?;
    let username = filter.username.as_ref().map(|name| name.to_lowercase());
    let kind = filter.kind.map(AccountKind::id);
    let rows = statement.query_map(params![wanted.after, username, kind, filter.admin, wanted.limit + 1], kept)?;
    let rows: Vec<Kept> = rows.collect::<Result<_, _>>()?;
    Ok(Page::of(rows.into_iter().map(|kept| whole(change, kept)).collect::<Result<_, _>>()?, wanted))
}

fn check_username(name: &str) -> Result<String, Error> {
    let is_right =
        (1..=MAX_NAME).contains(&name.len()) && !name.chars().any(|char| char.is_whitespace() || char.is_control());
    if is_right {
        return Ok(name.to_lowercase());
    }
    let expected = format!("expected a name of 1 to {MAX_NAME} bytes without white space");
    Err(Error::Invalid(format!("{expected}, got `{}`", countersign_text::line(name))))
}

fn check_free(change: &Change<'_>, username: &str) -> Result<(), Error> {
    match named(change, username)? {
        None => Ok(()),
        Some(_) => Err(Error::Taken { what: "an account", name: username.to_owned() }),
    }
}

/// Makes an account. It has no credential yet, and is in no group.
pub(crate) fn create(change: &mut Change<'_>, new: &NewAccount) -> Result<Account, Error> {
    let username = check_username(&new.username)?;
    check_free(change, &username)?;
    let id = match &new.id {
        None => Kind::Account.new_id()?,
        Some(id) if !Kind::Account.is_id(id) => {
            let got = countersign_text::line(id);
            return Err(Error::Invalid(format!("expected an id of `acc-` and 24 of 0-9 and a-f, got `{got}`")));
        }
        Some(id) => id.clone(),
    };
    let usual = match new.kind {
        AccountKind::Person => Factor::Password,
        AccountKind::Service => Factor::ApiKey,
    };
    let required = new.required_factors.clone().unwrap_or_else(|| vec![usual]);
    let display_name = new.display_name.clone().unwrap_or_else(|| new.username.clone());
    let inserted = change
        .transaction
        .prepare_cached(
            "INSERT INTO accounts (id, username, display_name, kind, created, required_factors) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![id, username, display_name, new.kind.id(), change.now.0, serde_json::to_string(&required)?])?;
    if inserted == 0 {
        // Also that of one that was deleted.
        return Err(Error::Taken { what: "an account's id", name: id });
    }
    let account = get(change, &id)?;
    change.emit(&Draft::new(EventKind::AccountCreated).target(account.party()))?;
    Ok(account)
}

/// Deletes an account with its memberships and credentials, and ends its sessions. Its name is free then.
pub(crate) fn delete(change: &mut Change<'_>, id: &str, expected: &Expected) -> Result<Answer, Error> {
    let account = get(change, id)?;
    expected.check(Some(&account))?;
    session::end_all(change, &account, Reason::AccountDeleted)?;
    group::remove_all(change, &account)?;
    credential::delete_all(change, &account)?;
    change.transaction.execute("UPDATE accounts SET deleted = ?1 WHERE id = ?2", params![change.now.0, id])?;
    change.emit(&Draft::new(EventKind::AccountDeleted).target(account.party()))?;
    Answer::of(change, "deleted", &json!({ "id": id, "username": account.username, "deleted_at": change.now }))
}

/// One aspect of an account that is changed.
struct Aspect<'a> {
    column: &'static str,
    kind: EventKind,
    before: Value,
    after: Value,
    /// What is kept.
    value: Box<dyn ToSql + 'a>,
}

/// Changes an account: what is as wanted already stays, and no event comes of it.
pub(crate) fn patch(change: &mut Change<'_>, id: &str, patch: &Patch, expected: &Expected) -> Result<Answer, Error> {
    let account = get(change, id)?;
    expected.check(Some(&account))?;
    for aspect in aspects(change, &account, patch)? {
        set(change, &account.id, &aspect)?;
    }
    let account = get(change, id)?;
    Answer::of(change, "account", &account)
}

fn aspects<'a>(change: &Change<'_>, account: &Account, patch: &'a Patch) -> Result<Vec<Aspect<'a>>, Error> {
    let mut all: Vec<Aspect<'a>> = Vec::new();
    let mut flag = |column, wanted: Option<bool>, is: bool, [on, off]: [EventKind; 2]| {
        if let Some(after) = wanted.filter(|after| *after != is) {
            let kind = if after { on } else { off };
            all.push(Aspect { column, kind, before: json!(is), after: json!(after), value: Box::new(after) });
        }
    };
    flag("enabled", patch.enabled, account.enabled, [EventKind::AccountEnabled, EventKind::AccountDisabled]);
    let blocked = [EventKind::SignInBlocked, EventKind::SignInUnblocked];
    flag("sign_in_blocked", patch.sign_in_blocked, account.sign_in_blocked, blocked);
    // A suspension that ends in the past is none, and one that is none has no end.
    let suspended = patch.suspended.unwrap_or(account.suspended);
    let until = patch.suspended_until.unwrap_or(account.suspended_until.filter(|_| patch.suspended.is_none()));
    if patch.suspended_until.is_some_and(|until| until.is_some()) && !suspended {
        return Err(Error::Invalid(
            "expected `suspended` with `suspended_until`, got an account that isn't".to_owned(),
        ));
    }
    if until.is_some_and(|until| until <= change.now) {
        return Err(Error::Invalid(
            "expected a time in the future in `suspended_until`, got one that has come".to_owned(),
        ));
    }
    let until = until.filter(|_| suspended);
    let suspension = [EventKind::AccountSuspended, EventKind::AccountUnsuspended];
    flag("suspended", Some(suspended), account.suspended, suspension);
    if until != account.suspended_until {
        let value = Box::new(until.map(|until| until.0));
        let kind = if suspended { EventKind::AccountSuspended } else { EventKind::AccountUnsuspended };
        let (before, after) = (json!(account.suspended_until), json!(until));
        all.push(Aspect { column: "suspended_until", kind, before, after, value });
    }
    if let Some(wanted) = patch.username.as_ref().map(|name| check_username(name)).transpose()?
        && wanted != account.username
    {
        check_free(change, &wanted)?;
        let (before, after) = (json!(account.username), json!(wanted));
        all.push(Aspect {
            column: "username",
            kind: EventKind::AccountRenamed,
            before,
            after,
            value: Box::new(wanted),
        });
    }
    if let Some(wanted) = patch.display_name.as_ref().filter(|name| **name != account.display_name) {
        let (before, after) = (json!(account.display_name), json!(wanted));
        let kind = EventKind::AccountRenamed;
        all.push(Aspect { column: "display_name", kind, before, after, value: Box::new(wanted.clone()) });
    }
    if let Some(wanted) = patch.required_factors.as_ref().filter(|wanted| **wanted != account.required_factors) {
        let (before, after) = (json!(account.required_factors), json!(wanted));
        let value = Box::new(serde_json::to_string(wanted)?);
        all.push(Aspect { column: "required_factors", kind: EventKind::FactorsRequired, before, after, value });
    }
    if let Some(wanted) = patch.reauthenticate_before.filter(|wanted| *wanted != account.reauthenticate_before) {
        let (before, after) = (json!(account.reauthenticate_before), json!(wanted));
        let value = Box::new(wanted.map(|time| time.0));
        let kind = EventKind::AccountReauthentication;
        all.push(Aspect { column: "reauthenticate_before", kind, before, after, value });
    }
    if let Some(wanted) = patch.allowed_networks.as_ref().filter(|wanted| **wanted != account.allowed_networks) {
        let (before, after) = (json!(account.allowed_networks), json!(wanted));
        let value = Box::new(wanted.as_ref().map(serde_json::to_string).transpose()?);
        all.push(Aspect { column: "allowed_networks", kind: EventKind::NetworksRestricted, before, after, value });
    }
    Ok(all)
}

fn set(change: &mut Change<'_>, id: &str, aspect: &Aspect<'_>) -> Result<(), Error> {
    let account = get(change, id)?;
    let draft = Draft::new(aspect.kind).target(account.party());
    let event = change.emit(&draft.changed(aspect.column, aspect.before.clone(), aspect.after.clone()))?;
    let mut changed = account.changed;
    changed.insert(aspect.column.to_owned(), change.mark(event));
    let sql = format!("UPDATE accounts SET {} = ?1, changed = ?2, version = version + 1 WHERE id = ?3", aspect.column);
    let changed = serde_json::to_string(&changed)?;
    change.transaction.prepare_cached(&sql)?.execute(params![aspect.value, changed, id])?;
    Ok(())
}

/// Ends suspensions whose time has come.
pub(crate) fn lapse(change: &mut Change<'_>) -> Result<(), Error> {
    let ids: Vec<String> = {
        let sql = "SELECT id FROM accounts WHERE suspended_until <= ?1 AND deleted IS NULL ORDER BY suspended_until, n";
        let mut statement = change.transaction.prepare_cached(sql)?;
        let rows = statement.query_map([change.now.0], |row| row.get(0))?;
        rows.collect::<Result<_, _>>()?
    };
    for id in ids {
        let (kind, before, after) = (EventKind::AccountUnsuspended, json!(true), json!(false));
        set(change, &id, &Aspect { column: "suspended", kind, before, after, value: Box::new(false) })?;
        change.transaction.execute("UPDATE accounts SET suspended_until = NULL WHERE id = ?1", [&id])?;
    }
    Ok(())
}
