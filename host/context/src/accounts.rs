//! The tables about accounts: `domain-roles` and `identity-facts`.

use std::sync::Arc;

use countersign_declaration::ContextWanted;
use countersign_model::call::{Availability, ContextTable};
use countersign_model::vocabulary::Keying;
use countersign_model::{Account, Value};
use countersign_policy::{Directory, DirectoryIdentity, DomainRoles, RoleHolder};
use countersign_stream::ContextCall;

use crate::table::{TableRow, accounts, build, dated, text};

/// By row or key the roles of the account: an empty list where it has none, missing where there is no account. By batch,
/// every account and host with roles.
pub(crate) fn domain_roles(roles: &DomainRoles, wanted: &ContextWanted, call: &ContextCall<'_>) -> ContextTable {
    let availability = dated(roles.as_of(), wanted, call.now);
    if wanted.keying == Keying::Batch {
        let row = |holder: RoleHolder<'_>| {
            TableRow::new(wanted, availability, |column| role_cell(column, holder.account, Some(holder)))
        };
        return build(wanted, roles.iter().map(row).collect(), Some(availability));
    }
    let rows = accounts(wanted.keying, call).into_iter().map(|account| match account {
        Some(account) => {
            let holder = roles.find(&account);
            TableRow::new(wanted, availability, |column| role_cell(column, Some(&account), holder))
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

/// The operator's facts about the account: no values but the account where the directory has none, missing where there
/// is no account. The directory is the generation's own, so it is as of now.
pub(crate) fn identity_facts(directory: &Directory, wanted: &ContextWanted, call: &ContextCall<'_>) -> ContextTable {
    let availability = Availability::Fresh(call.now.micros());
    let rows = accounts(wanted.keying, call).into_iter().map(|account| match account {
        Some(account) => {
            let facts = directory.identity_of(&account);
            TableRow::new(wanted, availability, |column| match column {
                "account" => text(account.to_string()),
                _ => facts.and_then(|facts| fact_cell(column, facts)),
            })
        }
        None => TableRow::missing(wanted),
    });
    build(wanted, rows.collect(), None)
}

fn fact_cell(column: &str, facts: &DirectoryIdentity) -> Option<Value> {
    match column {
        "identity" => text(&facts.id),
        "type" => facts.identity_type.and_then(|one| text(one.id())),
        "tier" => text(facts.tier.id()),
        "environment" => facts.environment.as_ref().and_then(text),
        "owner" => facts.owner.as_ref().and_then(text),
        "protected" => Some(Value::Boolean(facts.protected)),
        "break-glass" => Some(Value::Boolean(facts.break_glass)),
        _ => None,
    }
}
