//! Which accounts and hosts have a role in a directory domain: `domain-roles.toml`.

use std::collections::{BTreeMap, BTreeSet};

use countersign_document::{Diagnostic, Problem, quoted};
use countersign_model::vocabulary::DomainRole;
use countersign_model::{Account, Timestamp};

use crate::reader::{Item, as_of, optional_text, read_file, version};

/// Most accounts and hosts together. A rule may ask for all of them with every call, so they are few.
const MAX_ENTRIES: usize = 4_096;

/// The security ids that every host has, so that the host is their tenant: LocalSystem, LocalService, NetworkService.
const SIDS_OF_A_HOST: [&str; 3] = ["S-1-5-18", "S-1-5-19", "S-1-5-20"];

/// The provider of accounts of Windows.
const WINDOWS: &str = "windows";

/// The roles that the operator states, as of a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainRoles {
    as_of: Timestamp,
    accounts: BTreeMap<Account, BTreeSet<DomainRole>>,
    /// By name in small letters.
    hosts: BTreeMap<String, BTreeSet<DomainRole>>,
}

/// An account or host with its roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleHolder<'r> {
    /// The account, where the role is an account's.
    pub account: Option<&'r Account>,
    /// The host's name in small letters, where the role is a host's.
    pub host: Option<&'r str>,
    /// The roles; at least one.
    pub roles: &'r BTreeSet<DomainRole>,
}

impl DomainRoles {
    /// Reads `domain-roles.toml`: `version = 1`, `as-of`, `[[account]]` with `account`, `roles`, `name`, and `[[host]]`
    /// with `host`, `roles`.
    ///
    /// # Errors
    /// Everything wrong with it at once.
    pub fn parse(text: &str) -> Result<DomainRoles, Vec<Diagnostic>> {
        read_file(text, |table| {
            version(table);
            let as_of = as_of(table).unwrap_or(Timestamp::MIN);
            let mut read = DomainRoles { as_of, accounts: BTreeMap::new(), hosts: BTreeMap::new() };
            for item in table.tables("account") {
                read.read_account(item);
            }
            for item in table.tables("host") {
                read.read_host(item);
            }
            let entries = read.accounts.len() + read.hosts.len();
            if entries > MAX_ENTRIES {
                let expected = format!("at most {MAX_ENTRIES} accounts and hosts");
                table.item().refuse::<()>(Problem::OutOfRange, expected, entries.to_string(), None);
            }
            read
        })
    }

    fn read_account(&mut self, item: Item<'_>) {
        let Some(table) = item.table() else { return };
        let account = table.required("account", "an account `provider:tenant:subject`").and_then(|item| {
            let text = item.text()?;
            match text.parse::<Account>() {
                Ok(account) => Some((item, account)),
                Err(_) => item.invalid(
                    "an account `provider:tenant:subject` with `:` and `%` inside a part percent-encoded",
                ),
            }
        });
        let roles = table.read("roles", "a list of roles, at least one", roles);
        // For people only: names are reused.
        optional_text(&table, "name");
        table.finish();
        if let Some((item, account)) = account
            && self.accounts.insert(account.clone(), roles.unwrap_or_default()).is_some()
        {
            item.refuse::<()>(Problem::DuplicateValue, "an account once", quoted(&account.to_string()), None);
        }
    }

    fn read_host(&mut self, item: Item<'_>) {
        let Some(table) = item.table() else { return };
        let host = table
            .required("host", "the host's name as the records have it, such as `dc01.corp.example`")
            .and_then(|item| Some((item, item.text()?.to_lowercase())));
        let roles = table.read("roles", "a list of roles, at least one", roles);
        table.finish();
        if let Some((item, host)) = host
            && self.hosts.insert(host.clone(), roles.unwrap_or_default()).is_some()
        {
            item.refuse::<()>(Problem::DuplicateValue, "a host once", quoted(&host), None);
        }
    }

    /// The time that it is as of.
    #[must_use]
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// The roles of an account: those stated for it, else those of the host whose own account it is (`S-1-5-18` of a
    /// domain controller is the domain controller). A name that ends with `$` proves nothing.
    #[must_use]
    pub fn find(&self, account: &Account) -> Option<RoleHolder<'_>> {
        if let Some((account, roles)) = self.accounts.get_key_value(account) {
            return Some(RoleHolder { account: Some(account), host: None, roles });
        }
        if account.provider != WINDOWS || !SIDS_OF_A_HOST.contains(&account.subject.as_str()) {
            return None;
        }
        let (host, roles) = self.hosts.get_key_value(&account.tenant.to_lowercase())?;
        Some(RoleHolder { account: None, host: Some(host), roles })
    }

    /// Every account and host with roles: accounts in order, then hosts in order.
    pub fn iter(&self) -> impl Iterator<Item = RoleHolder<'_>> {
        let accounts =
            self.accounts.iter().map(|(account, roles)| RoleHolder { account: Some(account), host: None, roles });
        let hosts = self.hosts.iter().map(|(host, roles)| RoleHolder { account: None, host: Some(host), roles });
        accounts.chain(hosts)
    }
}

/// `roles`: at least one, each once.
fn roles(item: Item<'_>) -> Option<BTreeSet<DomainRole>> {
    let bounds = (1, DomainRole::ALL.len());
    item.set(bounds, |item| item.word("a role", DomainRole::ALL, DomainRole::id))
        .map(|roles| roles.into_iter().collect())
}
