//! What AWS says in OCSF, as what CloudTrail says: the same accounts, targets and trusts, by the code of that format.
//!
//! Security Lake maps a CloudTrail record member by member, and differently from version to version: until 1.0 `uid` is the
//! principal's id and `uuid` its ARN, since 1.1 `uid` is the ARN and `uid_alt` the principal's id. So the record is put
//! together again.

use std::borrow::Cow;

use countersign_model::vocabulary::EventClass;

use super::accounts::{Part, Principal, USER_TENANTS, known};
use super::tree::Tree;
use crate::cloudtrail::accounts;
use crate::cloudtrail::caller::Caller;
use crate::cloudtrail::record::{OnBehalfOf, SessionIssuer, Top, UserIdentity};
use crate::cloudtrail::target::{Acted, Bodies, acted};
use crate::cloudtrail::{classes, trust};
use crate::json::{Entries, Member};

/// CloudTrail's types of callers.
const KINDS: &[&str] = &[
    "IAMUser",
    "AssumedRole",
    "Role",
    "Root",
    "FederatedUser",
    "WebIdentityUser",
    "SAMLUser",
    "IdentityCenterUser",
    "Unknown",
    "AWSService",
    "AWSAccount",
    "Directory",
];

/// A user object of AWS as a principal; `proved` has what `type_id` proves.
pub(super) fn principal(tree: &Tree<'_>, user: &Tree<'_>, part: Part, proved: Principal) -> Principal {
    let caller = caller(tree, user, part);
    let own = accounts::principal(&caller);
    Principal {
        account: own.account,
        session: own.session.map(Cow::into_owned),
        proved_type: own.proved_type.or(proved.proved_type),
        shared: own.shared,
        protected: own.protected,
        temporary: own.temporary,
        person: own.person.map(Cow::into_owned),
    }
}

/// A user object as the caller of a CloudTrail record.
fn caller<'a>(tree: &Tree<'a>, user: &Tree<'a>, part: Part) -> Caller<'a> {
    let is_known = |path: &str| known(user, path).is_some();
    let is_arn = |path: &str| known(user, path).is_some_and(|id| id.starts_with("arn:"));
    let first = |paths: &[&str], is: &dyn Fn(&str) -> bool| {
        paths.iter().find(|path| is(path)).map_or_else(Member::default, |path| user.member(path))
    };
    let principal = first(&["uid", "uid_alt"], &|path| is_known(path) && !is_arn(path));
    let arn = first(&["uid", "uuid", "uid_alt"], &is_arn);
    let of_actor = |path: &str| if part == Part::Actor { tree.member(path) } else { Member::default() };
    let account = first(USER_TENANTS, &is_known);
    let kind = user.member("type");
    let id = principal.text();
    let is_root = arn.text().is_some_and(|arn| arn.ends_with(":root"));
    // Of a product that has words of its own for types, the id says what CloudTrail calls it.
    let foreign = !KINDS.contains(&&*kind.text().unwrap_or_default());
    let is_account = |id: &str| accounts::is_account_id(id) || account.text().as_deref() == Some(id);
    let kind = match id.as_deref() {
        _ if is_root => Member::new("\"Root\""),
        Some(id) if foreign && is_account(id) => Member::new("\"Root\""),
        Some(id) if foreign && accounts::is_role_id(id) => Member::new("\"AssumedRole\""),
        _ => kind,
    };
    let is_store_user = kind.text().as_deref() == Some("IdentityCenterUser");
    let identity = UserIdentity {
        kind,
        principal: if is_root && id.is_none() { account } else { principal },
        arn,
        account,
        access_key: user.member("credential_uid"),
        user_name: user.member("name"),
        invoked_by: of_actor("actor.invoked_by"),
        identity_provider: of_actor("actor.idp.name"),
        ..UserIdentity::default()
    };
    Caller {
        on_behalf_of: OnBehalfOf {
            user: if is_store_user { principal } else { Member::default() },
            store: of_actor("actor.idp.uid"),
        },
        issuer: SessionIssuer { arn: of_actor("actor.session.issuer"), ..SessionIssuer::default() },
        identity,
        ..Caller::of(Member::default())
    }
}

/// Whether a record was one of CloudTrail's.
pub(super) fn is_cloudtrail(tree: &Tree<'_>) -> bool {
    let product = tree.member("metadata.product.name").text();
    product.is_some_and(|product| product.eq_ignore_ascii_case("CloudTrail"))
}

/// A member that Security Lake has no place for.
pub(super) fn unmapped<'a>(tree: &Tree<'a>, name: &str) -> Member<'a> {
    let unmapped: Entries<'a> = tree.member("unmapped").members();
    let found = unmapped.all.into_iter().rev().find(|(known, _)| known == name);
    found.map_or_else(Member::default, |(_, json)| Member::new(json))
}

/// CloudTrail's `eventType`, wherever the version has it.
pub(super) fn event_type<'a>(tree: &Tree<'a>) -> Option<Cow<'a, str>> {
    let places = [tree.member("metadata.event_code"), tree.member("metadata.log_name"), unmapped(tree, "eventType")];
    places.into_iter().find_map(Member::text)
}

/// The account that received the call.
pub(super) fn recipient<'a>(tree: &Tree<'a>) -> Member<'a> {
    let own = tree.member("cloud.account.uid");
    if own.text().is_some() { own } else { unmapped(tree, "recipientAccountId") }
}

/// What a call of CloudTrail acted on, and the trust that it made or changed.
pub(super) fn effect<'a>(tree: &Tree<'a>, success: Option<bool>) -> (Acted<'a>, Option<String>) {
    let top = Top {
        event_name: tree.member("api.operation"),
        event_source: tree.member("api.service.name"),
        recipient_account: recipient(tree),
        request: tree.member("api.request.data"),
        response: tree.member("api.response.data"),
        ..Top::default()
    };
    let text = |member: Member<'a>| member.text().unwrap_or_default();
    let class: EventClass = classes::class(&text(top.event_source), &text(top.event_name));
    let bodies = Bodies::of(&top, class);
    let none = Tree::default();
    let caller = caller(tree, tree.at("actor.user").unwrap_or(&none), Part::Actor);
    let principal = accounts::principal(&caller);
    let trust = trust::trust(&top, &bodies, success);
    (acted(&top, class, &bodies, &caller, &principal), trust)
}
