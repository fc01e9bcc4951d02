//! Which account an actor or a target is, by a table per `type`.

use countersign_model::Account;
use countersign_model::vocabulary::IdentityType;

use super::record::{DebugData, Party, text_of};
use crate::documentation::Table;

/// The provider of every account that Okta names.
pub(crate) const PROVIDER: &str = "okta";

/// The tenant of every account but Okta's own. An event doesn't name its org: what looks like it (`debugData.origin`, an
/// issuer) is in few events, and the first is a header that the caller chose. Okta's ids are unique across orgs, so one
/// name for all orgs of an operator keeps each account one.
pub(crate) const TENANT: &str = "org";

/// The tenant and the subject of Okta itself.
const ITSELF: (&str, &str) = ("okta", "system");

/// Which account a party is and what that proves, for the documentation; [`principal`] is the code of it, and a test
/// compares them.
#[rustfmt::skip]
const ACCOUNTS: &[[&str; 4]] = &[
    ["`User`", "`org`", "`id` (`00u…`)", "nothing: software signs in as users too"],
    ["`SystemPrincipal`", "`okta`", "`system`: Okta itself", "workload"],
    ["`PublicClientApp`", "`org`", "`id`; shared", "service-account where `debugData.grantType` is `client_credentials`, else nothing"],
    ["`IP address`", "–", "unresolved", "nothing"],
    ["any other, or none", "`org`", "`id`; shared", "nothing"],
];

/// The table, for the documentation.
pub(super) fn table() -> Table {
    Table::new("accounts", &["`type`", "tenant", "subject", "proves"], ACCOUNTS)
}

/// What an event proves about one of its parties.
#[derive(Clone, Default)]
pub(super) struct Principal {
    /// None when unresolved: no id, or `unknown`.
    pub(super) account: Option<Account>,
    pub(super) proved_type: Option<IdentityType>,
    pub(super) shared: bool,
}

/// The party as a principal.
pub(super) fn principal(party: &Party<'_>, debug: &DebugData<'_>) -> Principal {
    let kind = party.kind.text().unwrap_or_default();
    let account = || text_of(party.id).map(|id| Account::new(PROVIDER, TENANT, &*id));
    match &*kind {
        "User" => Principal { account: account(), ..Principal::default() },
        "SystemPrincipal" => Principal {
            account: Some(Account::new(PROVIDER, ITSELF.0, ITSELF.1)),
            proved_type: Some(IdentityType::Workload),
            shared: false,
        },
        "IP address" => Principal::default(),
        kind => {
            // A client that takes a token for itself proves a secret of its own, and that it is no person.
            let own = is_client(kind) && debug.grant_type.text().as_deref() == Some("client_credentials");
            let account = account();
            Principal { shared: account.is_some(), account, proved_type: own.then_some(IdentityType::ServiceAccount) }
        }
    }
}

/// Whether a `type` is that of an OAuth client.
pub(super) fn is_client(kind: &str) -> bool {
    kind == "PublicClientApp"
}

/// Whether an id is that of a user: clients, apps and groups have others.
pub(crate) fn is_user_id(id: &str) -> bool {
    id.starts_with("00u")
}

/// The account of a user by its id alone.
pub(super) fn user(id: &str) -> Account {
    Account::new(PROVIDER, TENANT, id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Member;

    #[test]
    fn the_table_agrees_with_the_code() {
        for [kind, tenant, subject, proves] in ACCOUNTS {
            let json = format!(r#"{{"type":"{}","id":"00u1"}}"#, kind.trim_matches('`'));
            let party: Party<'_> = Member::new(&json).members();
            let debug: DebugData<'_> = Member::new(r#"{"grantType":"client_credentials"}"#).members();
            let principal = principal(&party, &debug);
            let (its_tenant, its_subject) = match &principal.account {
                Some(account) if account.subject == "00u1" => (format!("`{}`", account.tenant), "`id`".to_owned()),
                Some(account) => (format!("`{}`", account.tenant), format!("`{}`", account.subject)),
                None => ("–".to_owned(), "unresolved".to_owned()),
            };
            assert_eq!(*tenant, its_tenant, "{json}");
            assert!(subject.starts_with(&its_subject), "{json}");
            assert_eq!(subject.ends_with("shared"), principal.shared, "{json}");
            assert!(proves.starts_with(principal.proved_type.map_or("nothing", IdentityType::id)), "{json}");
        }
    }

    #[test]
    fn without_an_id_a_party_is_unresolved() {
        for id in [r#""unknown""#, r#""UNKNOWN""#, r#""""#, "null", "7", "{}", r#""null""#] {
            let json = format!(r#"{{"type":"User","id":{id},"alternateId":"a@example.com"}}"#);
            let party: Party<'_> = Member::new(&json).members();
            assert_eq!(principal(&party, &DebugData::default()).account, None, "{json}");
        }
    }
}
