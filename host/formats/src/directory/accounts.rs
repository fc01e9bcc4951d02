//! Which account an actor or a target is, by a table per `type`.

use countersign_model::Account;
use countersign_model::vocabulary::IdentityType;

use super::record::Party;
use crate::documentation::Table;
use crate::json::Member;

/// The provider of every account.
pub(crate) const PROVIDER: &str = "directory";

/// The subject of the directory itself.
const ITSELF: &str = "system";

/// Which account a party is and what that proves, for the documentation; [`principal`] is the code of it, and a test
/// compares them.
#[rustfmt::skip]
const ACCOUNTS: &[[&str; 3]] = &[
    ["`account`", "`id` (`acc-…`)", "service-account where `account_type` is `service`, else nothing: software signs in as people too"],
    ["`principal`", "`id` (`prn-…`): an administrative credential", "service-account"],
    ["`system`", "`system`: the directory itself", "workload"],
    ["`session`, `token`, `credential`", "`account`, to which it belongs", "service-account where `account_type` is `service`, else nothing"],
    ["`anonymous`, `console`, `group`, any other", "unresolved", "nothing"],
];

/// The table, for the documentation.
pub(super) fn table() -> Table {
    Table::new("accounts", &["`type`", "subject", "proves"], ACCOUNTS)
}

/// What an event proves about one of its parties.
#[derive(Clone, Debug, Default)]
pub(super) struct Principal {
    /// None when unresolved.
    pub(super) account: Option<Account>,
    pub(super) proved_type: Option<IdentityType>,
}

/// The party as a principal of a directory.
pub(super) fn principal(party: &Party<'_>, tenant: &str) -> Principal {
    let account = |subject: Member<'_>| subject.text().map(|id| Account::new(PROVIDER, tenant, &*id));
    let is_service = party.account_type.text().as_deref() == Some("service");
    let of_service = is_service.then_some(IdentityType::ServiceAccount);
    match party.kind.text().as_deref() {
        Some("account") => Principal { account: account(party.id), proved_type: of_service },
        Some("principal") => Principal { account: account(party.id), proved_type: Some(IdentityType::ServiceAccount) },
        Some("system") => Principal {
            account: Some(Account::new(PROVIDER, tenant, ITSELF)),
            proved_type: Some(IdentityType::Workload),
        },
        Some("session" | "token" | "credential") => {
            Principal { account: account(party.account), proved_type: of_service }
        }
        _ => Principal::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_agrees_with_the_code() {
        for [kinds, subject, proves] in ACCOUNTS {
            for kind in kinds.split(", ").map(|kind| kind.trim_matches('`')) {
                let json = format!(r#"{{"type":"{kind}","id":"acc-1","account":"acc-2","account_type":"service"}}"#);
                let party: Party<'_> = Member::new(&json).members();
                let principal = principal(&party, "acme");
                let is = match &principal.account {
                    Some(account) if account.subject == "acc-1" => "`id`",
                    Some(account) if account.subject == "acc-2" => "`account`",
                    Some(account) => &format!("`{}`", account.subject),
                    None => "unresolved",
                };
                assert!(subject.starts_with(is), "{json}: {is}");
                assert!(proves.starts_with(principal.proved_type.map_or("nothing", IdentityType::id)), "{json}");
            }
        }
    }
}
