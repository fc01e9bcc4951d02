//! Which account a user object is: whose it is by the product, and its id only where that can't be given twice.

use std::borrow::Cow;

use countersign_model::Account;
use countersign_model::vocabulary::IdentityType;

use super::tree::Tree;
use crate::documentation::Table;
use crate::okta::accounts as okta;

/// Where the provider of a record's accounts is looked for, in this order; in lower case.
pub(crate) const PROVIDERS: &[&str] = &["cloud.provider", "metadata.product.vendor_name", "metadata.product.name"];

/// Where the tenant of an account is looked for, in this order: first in the user object, then in the record.
pub(crate) const USER_TENANTS: &[&str] = &["account.uid", "org.uid"];

/// See [`USER_TENANTS`]; the first three are the event's own tenant too.
pub(crate) const RECORD_TENANTS: &[&str] = &["metadata.tenant_uid", "cloud.account.uid", "cloud.org.uid"];

/// What OCSF's `user.type_id` proves: a user (1) and an administrator (2) can be software as well.
pub(crate) const TYPES: &[(u64, IdentityType)] = &[(3, IdentityType::Workload), (4, IdentityType::ServiceAccount)];

/// Beginnings of Windows security ids that are given by a domain or a directory, so that nobody else has them. All
/// others are the same on every machine.
pub(crate) const OWN_SIDS: &[&str] = &["S-1-5-21-", "S-1-12-1-"];

/// What an account is made of, for the documentation.
pub(super) fn table() -> Table {
    let paths = |prefix: &str, paths: &[&str]| {
        paths.iter().map(|path| format!("`{prefix}{path}`")).collect::<Vec<String>>().join(", ")
    };
    let sids = OWN_SIDS.iter().map(|sid| format!("`{sid}…`")).collect::<Vec<String>>().join(" or ");
    let tenants = format!("{}, {}", paths("user.", USER_TENANTS), paths("", RECORD_TENANTS));
    let rows = [
        ["provider", &format!("{}; in lower case", paths("", PROVIDERS))],
        ["tenant", &format!("{tenants}; of `okta` always `{}`", okta::TENANT)],
        [
            "subject",
            &format!(
                "`user.uid`; of `aws` the part before `:` of a role session's; a Windows security id only if it begins with {sids}"
            ),
        ],
    ];
    Table::new("accounts", &["part", "the first that the record has"], &rows)
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
}

/// The user object at a path as a principal.
pub(super) fn principal(tree: &Tree<'_>, path: &str) -> Principal {
    let Some(user) = tree.at(path) else { return Principal::default() };
    let provider = PROVIDERS.iter().find_map(|path| known(tree, path)).map(|name| name.to_lowercase());
    let uid = known(user, "uid").filter(|uid| is_own(uid));
    let own_tenant = USER_TENANTS.iter().find_map(|path| known(user, path));
    let tenant = own_tenant.or_else(|| RECORD_TENANTS.iter().find_map(|path| known(tree, path)));
    let type_id = user.member("type_id").unsigned();
    let mut principal = Principal {
        proved_type: TYPES.iter().find(|(id, _)| Some(*id) == type_id).map(|(_, proved)| *proved),
        ..Principal::default()
    };
    let (Some(provider), Some(uid)) = (provider, uid) else { return principal };
    // The same accounts as the sources of these providers give.
    let (tenant, subject) = match &*provider {
        okta::PROVIDER => (Some(okta::TENANT.into()), &*uid),
        "aws" => match uid.split_once(':') {
            Some((role, _)) if role.starts_with("AROA") => {
                principal.session = Some(uid.clone().into_owned());
                (tenant, role)
            }
            _ => (tenant, &*uid),
        },
        _ => (tenant, &*uid),
    };
    principal.shared = provider == "aws" && subject.starts_with("AROA");
    principal.account =
        tenant.filter(|_| !subject.is_empty()).map(|tenant| Account::new(&*provider, &*tenant, subject));
    principal
}

/// A text, unless it is one of the words for not knowing.
fn known<'a>(tree: &Tree<'a>, path: &str) -> Option<Cow<'a, str>> {
    tree.member(path).text().filter(|text| !unknown(text))
}

/// The words with which sources say that they don't know.
fn unknown(text: &str) -> bool {
    text.eq_ignore_ascii_case("unknown") || text == "-"
}

fn is_own(uid: &str) -> bool {
    !uid.starts_with("S-1-") || OWN_SIDS.iter().any(|own| uid.starts_with(own))
}
