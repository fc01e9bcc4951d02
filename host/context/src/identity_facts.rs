//! The table `identity-facts`: the operator's facts about accounts, from the directory.

use countersign_declaration::ContextWanted;
use countersign_model::Value;
use countersign_model::call::{Availability, ContextTable};
use countersign_policy::{Directory, DirectoryIdentity};
use countersign_stream::ContextCall;

use crate::table::{TableRow, accounts, build, text};

/// The table's name.
pub(crate) const NAME: &str = "identity-facts";

/// The operator's facts about the account: no values but the account where the directory has none, missing where there
/// is no account. The directory is the generation's own, so it is as of now.
pub(crate) fn table(directory: &Directory, wanted: &ContextWanted, call: &ContextCall<'_>) -> ContextTable {
    let availability = Availability::Fresh(call.now.micros());
    let rows = accounts(wanted.keying, call).into_iter().map(|account| match account {
        Some(account) => {
            let facts = directory.identity_of(&account);
            TableRow::of(wanted, availability, |column| match column {
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
