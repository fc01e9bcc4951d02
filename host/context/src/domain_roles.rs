//! The table `domain-roles`: which accounts have a role in a directory domain.

use std::sync::Arc;

use countersign_declaration::ContextWanted;
use countersign_model::call::ContextTable;
use countersign_model::vocabulary::Keying;
use countersign_model::{Account, Value};
use countersign_policy::{DomainRoles, MAX_BYTES, RoleHolder};
use countersign_stream::ContextCall;

use crate::files::{FileTable, TextTable};
use crate::table::{TableRow, accounts, build, dated, text};

pub(crate) const TABLE: FileTable = FileTable {
    name: "domain-roles",
    help: "Which accounts and hosts are domain controllers, synchronise directories or sign for them [default: not known]",
    repeatable: false,
    max_bytes: MAX_BYTES,
    empty: || TextTable::empty(DomainRoles::parse, table),
};

/// By row or key the roles of the account: an empty list where it has none, missing where there is no account. By batch
/// every account and host with roles.
fn table(roles: &DomainRoles, wanted: &ContextWanted, call: &ContextCall<'_>) -> ContextTable {
    let availability = dated(roles.as_of(), wanted, call.now);
    if wanted.keying == Keying::Batch {
        let row = |holder: RoleHolder<'_>| {
            TableRow::of(wanted, availability, |column| role_cell(column, holder.account, Some(holder)))
        };
        return build(wanted, roles.iter().map(row).collect(), Some(availability));
    }
    let rows = accounts(wanted.keying, call).into_iter().map(|account| match account {
        Some(account) => {
            let holder = roles.find(&account);
            TableRow::of(wanted, availability, |column| role_cell(column, Some(&account), holder))
        }
        None => TableRow::missing(wanted),
    });
    build(wanted, rows.collect(), None)
}

fn role_cell(column: &str, account: Option<&Account>, holder: Option<RoleHolder<'_>>) -> Option<Value> {
    match column {
        "account" => account.and_then(|account| text(account.to_string())),
        "host" => holder.and_then(|holder| holder.host).and_then(text),
        "roles" => {
            let roles = holder.into_iter().flat_map(|holder| holder.roles).map(|role| Arc::from(role.id()));
            Some(Value::TextList(roles.collect()))
        }
        _ => None,
    }
}
