//! Which account a user object is: by the provider of the product, and by its id where that is unique.

use std::borrow::Cow;

use countersign_model::Account;
use countersign_model::vocabulary::IdentityType;

use super::aws;
use super::tree::Tree;
use crate::cloudtrail::accounts::PROVIDER as AWS;
use crate::documentation::Table;
use crate::okta::accounts as okta;
use crate::windows::accounts as windows;

/// Where the provider of a record's accounts is looked for, in this order; in lower case.
const PROVIDERS: &[&str] = &["cloud.provider", "metadata.product.vendor_name", "metadata.product.name"];

/// Where the tenant of an account is looked for, in this order: first in the user object, then in the record.
pub(super) const USER_TENANTS: &[&str] = &["account.uid", "account_uid", "org.uid", "org_uid"];

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
            "any other, of the provider `aws`",
            "`aws`",
            "as in `cloudtrail`",
            "as in `cloudtrail`, by `type`: the principal's id is `uid`, or `uid_alt` where `uid` is an ARN or absent; of an \
             `IdentityCenterUser` with the store in `actor.idp.uid`",
        ],
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
    /// The session's name, where Identity Center gave it.
    pub(super) person: Option<String>,
}

/// Which part a user object has in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// It acted: the session and the identity provider of the event are its own.
    Actor,
    /// It was acted on.
    Target,
}

/// The user object at a path as a principal.
pub(super) fn principal(tree: &Tree<'_>, path: &str, part: Part) -> Principal {
    let Some(user) = tree.at(path) else { return Principal::default() };
    let uid = known(user, "uid");
    let type_id = user.member("type_id").unsigned();
    let mut principal = Principal {
        proved_type: TYPES.iter().find(|(id, _)| Some(*id) == type_id).map(|(_, proved)| *proved),
        ..Principal::default()
    };
    if let Some(uid) = uid.as_deref().filter(|uid| uid.starts_with("S-1-")) {
        principal.account = sid_tenant(uid).map(|tenant| Account::new("windows", tenant, uid));
        (principal.shared, principal.protected) = (windows::is_shared_sid(uid), windows::is_protected_sid(uid));
        return principal;
    }
    let Some(provider) = provider(tree) else { return principal };
    // The same accounts as the formats of these providers give.
    if provider == AWS {
        return aws::principal(tree, user, part, principal);
    }
    let Some(uid) = uid else { return principal };
    let own_tenant = USER_TENANTS.iter().find_map(|path| known(user, path));
    let tenant = match &*provider {
        okta::PROVIDER => Some(okta::TENANT.into()),
        _ => own_tenant.or_else(|| RECORD_TENANTS.iter().find_map(|path| known(tree, path))),
    };
    principal.shared = if provider == okta::PROVIDER { !okta::is_user_id(&uid) } else { is_shared_kind(user) };
    principal.account = tenant.map(|tenant| Account::new(&*provider, &*tenant, &*uid));
    principal
}

/// The provider of a record's accounts, in lower case.
pub(super) fn provider(tree: &Tree<'_>) -> Option<String> {
    PROVIDERS.iter().find_map(|path| known(tree, path)).map(|name| name.to_lowercase())
}

/// Whether two user objects name the same principal by one of their ids.
pub(super) fn are_same(one: &Tree<'_>, other: &Tree<'_>) -> bool {
    const IDS: &[&str] = &["uid", "uid_alt", "uuid"];
    let ids =
        |user: &Tree<'_>| IDS.iter().filter_map(|path| known(user, path).map(Cow::into_owned)).collect::<Vec<_>>();
    let others = ids(other);
    ids(one).iter().any(|id| others.contains(id))
}

/// Whether a user object has an id.
pub(super) fn has_id(user: &Tree<'_>) -> bool {
    known(user, "uid").or_else(|| known(user, "uid_alt")).is_some()
}

/// Whether a user object says that it is something several may use.
fn is_shared_kind(user: &Tree<'_>) -> bool {
    let kind = known(user, "type").unwrap_or_default();
    SHARED_KINDS.iter().any(|shared| kind.eq_ignore_ascii_case(shared))
}

/// A text, unless it stands for an unknown value.
pub(super) fn known<'a>(tree: &Tree<'a>, path: &str) -> Option<Cow<'a, str>> {
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
