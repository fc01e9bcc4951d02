//! Which accounts and hosts have a role in a directory domain: `domain-roles.toml`.

use std::collections::{BTreeMap, BTreeSet};

use countersign_model::vocabulary::DomainRole;
use countersign_model::{Account, Timestamp};

use crate::fault::Fault;
use crate::node::{Node, NodeValue};
use crate::reader::{Faults, TableReader, as_of, tables, version};

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

/// Somebody with roles.
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
    pub fn parse(text: &str) -> Result<DomainRoles, Vec<Fault>> {
        let root = Node::parse(text).map_err(|fault| vec![fault])?;
        let faults = Faults::default();
        let mut read = DomainRoles { as_of: Timestamp::MIN, accounts: BTreeMap::new(), hosts: BTreeMap::new() };
        if let Some(table) = TableReader::new(&root, &faults) {
            version(&table, &faults);
            if let Some(time) = as_of(&table, &faults) {
                read.as_of = time;
            }
            for node in tables(table.get("account"), &faults) {
                read.read_account(node, &faults);
            }
            for node in tables(table.get("host"), &faults) {
                read.read_host(node, &faults);
            }
            table.finish();
        }
        let entries = read.accounts.len() + read.hosts.len();
        if entries > MAX_ENTRIES {
            let expected = format!("at most {MAX_ENTRIES} accounts and hosts");
            faults.push(root.fault(expected, None).with_got(&format!("{entries} of them")));
        }
        faults.finish(read)
    }

    fn read_account(&mut self, node: &Node, faults: &Faults) {
        let Some(table) = TableReader::new(node, faults) else { return };
        let account = table.required("account", "an account `provider:tenant:subject`").and_then(|node| {
            let text = crate::reader::text(node, faults)?;
            let account: Option<Account> = text.parse().ok();
            if account.is_none() {
                let expected = "an account `provider:tenant:subject` with `:` and `%` inside a part percent-encoded";
                faults.push(node.fault(expected, None));
            }
            Some((node, account?))
        });
        let roles = roles(&table, faults);
        // For people only: names are reused.
        table.text("name");
        table.finish();
        if let Some((node, account)) = account
            && self.accounts.insert(account.clone(), roles).is_some()
        {
            faults.push(node.fault("an account once", None).with_got(&account.to_string()));
        }
    }

    fn read_host(&mut self, node: &Node, faults: &Faults) {
        let Some(table) = TableReader::new(node, faults) else { return };
        let host = table
            .required("host", "the host's name as the records have it, such as `dc01.corp.example`")
            .and_then(|node| Some((node, crate::reader::text(node, faults)?.to_lowercase())));
        let roles = roles(&table, faults);
        table.finish();
        if let Some((node, host)) = host
            && self.hosts.insert(host.clone(), roles).is_some()
        {
            faults.push(node.fault("a host once", None).with_got(&host));
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

    /// Everybody with roles: accounts in order, then hosts in order.
    pub fn iter(&self) -> impl Iterator<Item = RoleHolder<'_>> {
        let accounts =
            self.accounts.iter().map(|(account, roles)| RoleHolder { account: Some(account), host: None, roles });
        let hosts = self.hosts.iter().map(|(host, roles)| RoleHolder { account: None, host: Some(host), roles });
        accounts.chain(hosts)
    }
}

/// `roles`: at least one, each once.
fn roles(table: &TableReader<'_>, faults: &Faults) -> BTreeSet<DomainRole> {
    let what = "a role: domain-controller, sync-account, federation-service or certificate-authority";
    let mut roles = BTreeSet::new();
    let Some(node) = table.required("roles", "a list of roles, at least one") else { return roles };
    let NodeValue::Array(items) = &node.value else {
        faults.push(node.fault("a list of roles", None));
        return roles;
    };
    if items.is_empty() {
        faults.push(node.fault("a list of roles, at least one", None));
    }
    for item in items {
        let role = crate::reader::word(item, DomainRole::ALL, DomainRole::id, what, faults);
        if role.is_some_and(|role| !roles.insert(role)) {
            faults.push(item.fault("a role once", None));
        }
    }
    roles
}
