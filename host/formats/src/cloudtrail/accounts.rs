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
use crate::json::Member;

/// The provider of every account that CloudTrail names.
pub(crate) const PROVIDER: &str = "aws";

/// The tenant of AWS's own services.
const SERVICES: &str = "aws";

/// Which account a caller is, for the documentation; [`principal`] is the code of it.
#[rustfmt::skip]
const ACCOUNTS: &[[&str; 4]] = &[
    ["`IAMUser`", "account id", "principal id (`AIDA…`)", "–"],
    ["`AssumedRole`, `Role`", "account id, else the issuer's", "the part of the principal id before `:` (`AROA…`)", "whole principal id"],
    ["`Root`", "account id", "account id; a person, protected", "–"],
    ["any but `Root`, with the account id as principal id", "–", "unresolved", "–"],
    ["`FederatedUser`", "account id", "whole principal id (`account:name`)", "whole principal id"],
    ["`WebIdentityUser`, `SAMLUser`", "identity provider", "the principal id without the provider", "whole principal id"],
    ["`IdentityCenterUser`; `Unknown` with `onBehalfOf`", "identity store id", "`onBehalfOf`'s user id", "–"],
    ["`Unknown` without", "–", "unresolved", "–"],
    ["`AWSService`", "`aws`", "`invokedBy`; a workload", "–"],
    ["`AWSAccount`, `Directory`, none, any other", "account id", "principal id; `AROA…:session` is cut as a role's; any role is shared", "as a role's"],
];

/// The table, for the documentation.
pub(super) fn table() -> Table {
    Table::new("accounts", &["`userIdentity.type`", "tenant", "subject", "session"], ACCOUNTS)
}

/// What the record proves about a principal.
pub(crate) struct Principal<'a> {
    /// None when unresolved.
    pub(crate) account: Option<Account>,
    pub(crate) session: Option<Cow<'a, str>>,
    pub(crate) proved_type: Option<IdentityType>,
    pub(crate) shared: bool,
    pub(crate) protected: bool,
    /// The credential in evidence lapses by itself and can't be disabled alone.
    pub(crate) temporary: bool,
    /// The session's name, where Identity Center gave it.
    pub(crate) person: Option<Cow<'a, str>>,
}

/// The caller as a principal.
pub(crate) fn principal<'a>(caller: &Caller<'a>) -> Principal<'a> {
    let kind = caller.kind();
    let principal = account_id(caller.identity.principal);
    let (account, session) = match (&*kind, principal) {
        ("AWSService", _) => (caller.invoked_by().map(|service| service_account(&service)), None),
        _ if caller.is_store_user() => (identity_center_user(caller), None),
        ("Unknown", _) | (_, None) => (None, None),
        ("Root", Some(principal)) => {
            let id = account_id(caller.identity.account).unwrap_or(principal);
            (Some(Account::new(PROVIDER, &*id, &*id)), None)
        }
        // The account's own id is that of its root user; of a principal of another kind it says nothing.
        (_, Some(principal)) if is_account_id(&principal) => (None, None),
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
    let shared = caller.is_role() || account.as_ref().is_some_and(|account| is_role_id(&account.subject));
    let key = caller.identity.access_key.text();
    let temporary = session.is_some() || shared || key.as_deref().is_some_and(is_temporary_key);
    let person = session.as_ref().filter(|_| caller.is_role()).and_then(|session| {
        person(session, caller.issuer.arn.text().as_deref()?).map(|person| Cow::Owned(person.to_owned()))
    });
    Principal { account, session, proved_type, shared, protected: root, temporary, person }
}

/// Whether a principal's id is that of a role.
pub(crate) fn is_role_id(subject: &str) -> bool {
    subject.starts_with("AROA")
}

/// Whether an access key's id is that of temporary credentials ("IAM identifiers", unique identifiers).
pub(crate) fn is_temporary_key(key: &str) -> bool {
    key.starts_with("ASIA")
}

/// The name of a role's session, if the role is one of Identity Center's permission sets, by its ARN: Identity Center alone
/// assumes these, and names the session after the user. For any other role the caller chooses the name.
pub(crate) fn person<'p>(principal: &'p str, role_arn: &str) -> Option<&'p str> {
    let (_, name) = principal.split_once(':').filter(|(_, name)| !name.is_empty())?;
    is_permission_set(role_arn).then_some(name)
}

/// Whether an id has the form of an account's own.
pub(crate) fn is_account_id(principal: &str) -> bool {
    principal.len() == ACCOUNT_DIGITS && principal.bytes().all(|byte| byte.is_ascii_digit())
}

/// The digits of an account's id.
const ACCOUNT_DIGITS: usize = 12;

/// An id that may be an account's: as a text; or as a number, which has lost the zeros before it.
pub(crate) fn account_id(member: Member<'_>) -> Option<Cow<'_, str>> {
    member.text().or_else(|| {
        let digits = member.word().filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()))?;
        Some(Cow::Owned(format!("{digits:0>ACCOUNT_DIGITS$}")))
    })
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
    account_of(&account_id(caller.issuer.account)?, &principal)
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
pub(crate) fn arn_account(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| !account.is_empty())
}

/// The type that a role's ARN proves: its path is reserved for AWS, so no customer can make one like it.
pub(super) fn role_type(arn: &str) -> Option<IdentityType> {
    let (_, path) = arn.split_once(":role/")?;
    if path.starts_with("aws-service-role/") {
        return Some(IdentityType::Workload);
    }
    is_permission_set(arn).then_some(IdentityType::Human)
}

/// Whether a role is that of one of Identity Center's permission sets.
fn is_permission_set(arn: &str) -> bool {
    let path = arn.split_once(":role/").map(|(_, path)| path);
    path.and_then(|path| path.strip_prefix("aws-reserved/sso.amazonaws.com/"))
        .is_some_and(|reserved| reserved.rsplit('/').next().is_some_and(|name| name.starts_with("AWSReservedSSO_")))
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
    let own = account_id(caller.identity.account).or_else(|| account_id(caller.issuer.account));
    own.map(Cow::into_owned).or_else(|| arn_account(&caller.identity.arn.text()?).map(str::to_owned))
}

fn federated(caller: &Caller<'_>, principal: &str) -> Option<Account> {
    let provider = caller.identity.identity_provider.text()?;
    let subject = principal.strip_prefix(&*provider).and_then(|rest| rest.strip_prefix(':')).unwrap_or(principal);
    account_of(&provider, subject)
}
