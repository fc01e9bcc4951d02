//! Which account a user object is: by the provider of the product, and by its id where that is unique.

use std::borrow::Cow;

use countersign_model::Account;
use countersign_model::vocabulary::IdentityType;

use super::tree::Tree;
use crate::cloudtrail::accounts as aws;
use crate::documentation::Table;
use crate::okta::accounts as okta;
use crate::windows::accounts as windows;

/// Where the provider of a record's accounts is looked for, in this order; in lower case.
const PROVIDERS: &[&str] = &["cloud.provider", "metadata.product.vendor_name", "metadata.product.name"];

/// Where the tenant of an account is looked for, in this order: first in the user object, then in the record.
const USER_TENANTS: &[&str] = &["account.uid", "org.uid"];

/// See [`USER_TENANTS`]; the event's own tenant is looked for here too.
pub(super) const RECORD_TENANTS: &[&str] = &["metadata.tenant_uid", "cloud.account.uid", "cloud.org.uid"];

/// Texts of `user.type` for principals behind which there are several, whatever the case.
const SHARED_KINDS: &[&str] = &["Role", "AssumedRole", "Group", "Client", "Application", "ServicePrincipal"];

/// What OCSF's `user.type_id` proves: a user (1) and an administrator (2) can be software as well.
const TYPES: &[(u64, IdentityType)] = &[(3, IdentityType::Workload), (4, IdentityType::ServiceAccount)];

/// What an account is made of, for the documentation.
pub(super) fn table() -> Table {
    let paths = |prefix: &str, paths: &[&str]| {
        paths.iter().map(|path| format!("`{prefix}{path}`")).collect::<Vec<String>>().join(", ")
    };
    let providers = format!("the first of {}; in lower case", paths("", PROVIDERS));
    let own = format!("the first of {}: the principal's own, never the recipient's", paths("user.", USER_TENANTS));
    let tenants = format!("the first of {}, {}", paths("user.", USER_TENANTS), paths("", RECORD_TENANTS));
    let shared: Vec<String> = SHARED_KINDS.iter().map(|kind| format!("`{kind}`")).collect();
    let rows = [
        ["`S-1-5-21-…`, `S-1-12-1-…`", "`windows`", "as in `windows-security`", "`uid`"],
        ["any other Windows security id", "–", "–", "unresolved: it is the same on every machine"],
        [
            "any other, of the provider `okta`",
            "`okta`",
            &format!("`{}`", okta::TENANT),
            "`uid`; shared, unless it is a user's (`00u…`)",
        ],
        [
            "`AROA…:session`, of the provider `aws`",
            "`aws`",
            &own,
            "the part before `:`; the whole is the session; shared, as any `AROA…`",
        ],
        ["an ARN, of the provider `aws`", "`aws`", &own, "as `uid_alt`, which has the principal's id"],
        ["any other, of the provider `aws`", "`aws`", &own, "`uid`; protected if it is the account's own id: root"],
        ["any other", &providers, &tenants, &format!("`uid`; shared if `user.type` is one of {}", shared.join(", "))],
        ["none, `unknown`, `-`", "–", "–", "unresolved"],
    ];
    Table::new("accounts", &["`user.uid`", "provider", "tenant", "subject"], &rows)
}

/// What identity types are proved, for the documentation.
pub(super) fn types() -> Table {
    let rows = TYPES.iter().map(|(id, proved)| vec![id.to_string(), proved.to_string()]);
    let rest = vec!["any other, or none".to_owned(), "nothing".to_owned()];
    Table { name: "identity types", head: &["`type_id`", "proves"], rows: rows.chain([rest]).collect() }
}

/// What a record proves about a user object.
#[derive(Clone, Default)]
pub(super) struct Principal {
    /// None when unresolved: no id, no provider, no tenant.
    pub(super) account: Option<Account>,
    /// The session that the id itself names: that of an assumed role.
    pub(super) session: Option<String>,
    pub(super) proved_type: Option<IdentityType>,
    pub(super) shared: bool,
    pub(super) protected: bool,
    /// It is a session of temporary credentials.
    pub(super) temporary: bool,
}

/// The user object at a path as a principal.
pub(super) fn principal(tree: &Tree<'_>, path: &str) -> Principal {
    let Some(user) = tree.at(path) else { return Principal::default() };
    let provider = PROVIDERS.iter().find_map(|path| known(tree, path)).map(|name| name.to_lowercase());
    // AWS writes the ARN, which is made of names, into `uid`, and the principal's id beside it.
    let uid = match known(user, "uid") {
        Some(arn) if provider.as_deref() == Some(aws::PROVIDER) && arn.starts_with("arn:") => known(user, "uid_alt"),
        uid => uid,
    };
    let own_tenant = USER_TENANTS.iter().find_map(|path| known(user, path));
    let tenant = own_tenant.clone().or_else(|| RECORD_TENANTS.iter().find_map(|path| known(tree, path)));
    let type_id = user.member("type_id").unsigned();
    let mut principal = Principal {
        proved_type: TYPES.iter().find(|(id, _)| Some(*id) == type_id).map(|(_, proved)| *proved),
        ..Principal::default()
    };
    let Some(uid) = uid else { return principal };
    if uid.starts_with("S-1-") {
        principal.account = sid_tenant(&uid).map(|tenant| Account::new("windows", tenant, &*uid));
        (principal.shared, principal.protected) = (windows::is_shared_sid(&uid), windows::is_protected_sid(&uid));
        return principal;
    }
    let Some(provider) = provider else { return principal };
    // The same accounts as the formats of these providers give.
    let (tenant, subject) = match &*provider {
        okta::PROVIDER => (Some(okta::TENANT.into()), &*uid),
        // The principal's own account, never the one that received the call.
        aws::PROVIDER => match uid.split_once(':') {
            Some((role, _)) if aws::is_role_id(role) => {
                principal.session = Some(uid.to_string());
                (own_tenant, role)
            }
            _ => (own_tenant, &*uid),
        },
        _ => (tenant, &*uid),
    };
    principal.shared = match &*provider {
        aws::PROVIDER => aws::is_role_id(subject),
        okta::PROVIDER => !okta::is_user_id(subject),
        _ => is_shared_kind(user),
    };
    principal.temporary = principal.session.is_some();
    principal.protected = provider == aws::PROVIDER && tenant.as_deref() == Some(subject);
    principal.account =
        tenant.filter(|_| !subject.is_empty()).map(|tenant| Account::new(&*provider, &*tenant, subject));
    principal
}

/// Whether a user object says that it is something several may use.
fn is_shared_kind(user: &Tree<'_>) -> bool {
    let kind = known(user, "type").unwrap_or_default();
    SHARED_KINDS.iter().any(|shared| kind.eq_ignore_ascii_case(shared))
}

/// A text, unless it stands for an unknown value.
fn known<'a>(tree: &Tree<'a>, path: &str) -> Option<Cow<'a, str>> {
    tree.member(path).text().filter(|text| !unknown(text))
}

/// Texts that stand for an unknown value.
fn unknown(text: &str) -> bool {
    text.eq_ignore_ascii_case("unknown") || text == "-"
}

/// The tenant of a Windows security id, as the format `windows-security` has it; none for ids that are the same on
/// every machine.
fn sid_tenant(sid: &str) -> Option<&str> {
    if sid.starts_with("S-1-5-21-") {
        return sid.rsplit_once('-').map(|(domain, _)| domain);
    }
    sid.starts_with("S-1-12-1-").then_some("S-1-12-1")
}
