//! Which account a caller is, by a table per record type.
//!
//! The tenant is the principal's own account id, never the recipient's; where the record leaves it out it is the account
//! in the principal's ARN. Without a principal id an account is unresolved, but for AWS services and Identity Center
//! users, who have an immutable id elsewhere.

use std::borrow::Cow;

use countersign_model::Account;
use countersign_model::vocabulary::IdentityType;

use super::caller::Caller;
use crate::documentation::Table;

/// The provider of every account that CloudTrail names.
pub(super) const PROVIDER: &str = "aws";

/// The tenant of AWS's own services.
const SERVICES: &str = "aws";

/// Which account a caller is, for the documentation; [`principal`] is the code of it.
#[rustfmt::skip]
const ACCOUNTS: &[[&str; 4]] = &[
    ["`IAMUser`", "account id", "principal id (`AIDA…`)", "–"],
    ["`AssumedRole`, `Role`", "account id, else the issuer's", "the part of the principal id before `:` (`AROA…`)", "whole principal id"],
    ["`Root`", "account id", "account id; a person, protected", "–"],
    ["`FederatedUser`", "account id", "whole principal id (`account:name`)", "whole principal id"],
    ["`WebIdentityUser`, `SAMLUser`", "identity provider", "the principal id without the provider", "whole principal id"],
    ["`IdentityCenterUser`", "identity store id", "user id", "–"],
    ["`AWSService`", "`aws`", "`invokedBy`; a workload", "–"],
    ["`AWSAccount`, `Directory`, `Unknown`, none, any other", "account id", "principal id; `AROA…:session` is cut as a role's", "as a role's"],
];

/// The table, for the documentation.
pub(super) fn table() -> Table {
    Table::new("accounts", &["`userIdentity.type`", "tenant", "subject", "session"], ACCOUNTS)
}

/// What the record proves about a principal.
pub(super) struct Principal<'a> {
    /// None when unresolved.
    pub(super) account: Option<Account>,
    pub(super) session: Option<Cow<'a, str>>,
    pub(super) proved_type: Option<IdentityType>,
    pub(super) shared: bool,
    pub(super) protected: bool,
}

/// The caller as a principal.
pub(super) fn principal<'a>(caller: &Caller<'a>) -> Principal<'a> {
    let kind = caller.kind();
    let principal = caller.identity.principal.text();
    let (account, session) = match (&*kind, principal) {
        ("AWSService", _) => (caller.invoked_by().map(|service| service_account(&service)), None),
        ("IdentityCenterUser", _) => (identity_center_user(caller), None),
        (_, None) => (None, None),
        ("Root", Some(principal)) => {
            let id = caller.identity.account.text().unwrap_or(principal);
            (Some(Account::new(PROVIDER, &*id, &*id)), None)
        }
        ("FederatedUser", Some(principal)) => {
            (tenant(caller).map(|tenant| Account::new(PROVIDER, tenant, &*principal)), Some(principal))
        }
        ("WebIdentityUser" | "SAMLUser", Some(principal)) => (federated(caller, &principal), Some(principal)),
        (kind, Some(principal)) => {
            let role = matches!(kind, "AssumedRole" | "Role") || principal.starts_with("AROA");
            let subject = if role { role_part(&principal) } else { &*principal };
            let account = tenant(caller).and_then(|tenant| account_of(&tenant, subject));
            let session = Some(principal).filter(|principal| role && principal.contains(':'));
            (account, session)
        }
    };
    let root = kind == "Root";
    let proved_type = match &*kind {
        "Root" => Some(IdentityType::Human),
        "AWSService" => Some(IdentityType::Workload),
        _ if caller.is_role() => session_type(caller),
        _ => None,
    };
    let shared = caller.is_role() || account.as_ref().is_some_and(|account| account.subject.starts_with("AROA"));
    Principal { account, session, proved_type, shared, protected: root }
}

/// The account of one of AWS's own services.
pub(super) fn service_account(service: &str) -> Account {
    Account::new(PROVIDER, SERVICES, service)
}

/// The account of an Identity Center user: the identity store is the tenant.
pub(super) fn identity_center_user(caller: &Caller<'_>) -> Option<Account> {
    let store = caller.on_behalf_of.store.text()?;
    account_of(store.rsplit_once('/')?.1, &caller.on_behalf_of.user.text()?)
}

/// The account of the user whose credentials a federated session was made from.
pub(super) fn issuing_user(caller: &Caller<'_>) -> Option<Account> {
    let principal = caller.issuer.principal.text()?;
    account_of(&caller.issuer.account.text()?, &principal)
}

/// The part of a role session's principal id that is the role.
pub(super) fn role_part(principal: &str) -> &str {
    principal.split_once(':').map_or(principal, |(role, _)| role)
}

/// An AWS account, unless a part is empty.
pub(super) fn account_of(tenant: &str, subject: &str) -> Option<Account> {
    (!tenant.is_empty() && !subject.is_empty()).then(|| Account::new(PROVIDER, tenant, subject))
}

/// The account id within an ARN.
pub(super) fn arn_account(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| !account.is_empty())
}

/// The type that a role's ARN proves: its path is reserved for AWS, so no customer can make one like it.
pub(super) fn role_type(arn: &str) -> Option<IdentityType> {
    let (_, path) = arn.split_once(":role/")?;
    if path.starts_with("aws-service-role/") {
        return Some(IdentityType::Workload);
    }
    let reserved = path.strip_prefix("aws-reserved/sso.amazonaws.com/")?;
    let name = reserved.rsplit_once('/').map_or(reserved, |(_, name)| name);
    name.starts_with("AWSReservedSSO_").then_some(IdentityType::Human)
}

/// The type that a role session proves.
fn session_type(caller: &Caller<'_>) -> Option<IdentityType> {
    let platform = caller.session.instance_delivery.json().is_some()
        || caller.in_scope_of.kind.text().is_some_and(|kind| kind.starts_with("AWS::"));
    if platform {
        return Some(IdentityType::Workload);
    }
    caller.issuer.arn.text().as_deref().and_then(role_type)
}

fn tenant(caller: &Caller<'_>) -> Option<String> {
    let own = caller.identity.account.text().or_else(|| caller.issuer.account.text());
    own.map(Cow::into_owned).or_else(|| arn_account(&caller.identity.arn.text()?).map(str::to_owned))
}

fn federated(caller: &Caller<'_>, principal: &str) -> Option<Account> {
    let provider = caller.identity.identity_provider.text()?;
    let subject = principal.strip_prefix(&*provider).and_then(|rest| rest.strip_prefix(':')).unwrap_or(principal);
    account_of(&provider, subject)
}
