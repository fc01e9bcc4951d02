//! The table of fields: which field of the vocabulary comes from what of a directory's event.

use std::sync::Arc;

use countersign_model::Value;
use countersign_model::vocabulary::{EventClass, FieldId};

use super::{Act, DirectoryLog};
use crate::intern::Interner;
use crate::json::Member;
use crate::normalise::FieldRow;
use crate::values::{address, known, object, rare, text};

type Row = FieldRow<DirectoryLog>;

/// Every field that a directory has a value for.
#[rustfmt::skip]
pub(super) const FIELDS: &[Row] = &[
    Row { field: FieldId::MetadataEventCode, from: "`type`", value: |act, texts| known(Some(&act.kind), texts) },
    Row { field: FieldId::MetadataProductName, from: "always `Countersign directory`", value: |_, texts| known(Some("Countersign directory"), texts) },
    Row { field: FieldId::MetadataCorrelationUid, from: "`request.idempotency_key`", value: |act, _| rare(act.request.key) },
    Row { field: FieldId::ActivityId, from: "the class table", value: |act, _| act.activity.map(Value::Unsigned) },
    Row { field: FieldId::StatusId, from: "1 of `outcome` `success`, 2 of `failure`", value: |act, _| act.success().map(|success| Value::Unsigned(if success { 1 } else { 2 })) },
    Row { field: FieldId::StatusCode, from: "`outcome`", value: |act, texts| text(act.top.outcome, texts) },
    Row { field: FieldId::StatusDetail, from: "`reason`", value: |act, texts| text(act.top.reason, texts) },
    Row { field: FieldId::ActionId, from: "2 of `access.denied`, 1 of success; absent of other failures", value: allowed },
    Row { field: FieldId::IsMfa, from: "of a `session.started` that succeeded whether `factors` has two or more", value: is_mfa },
    Row { field: FieldId::AuthFactorsFactorType, from: "`factors`: of a failure those that were proved all the same", value: |act, texts| list(act.top.factors, texts) },
    Row { field: FieldId::ApiRequestUid, from: "`request.id`", value: |act, _| rare(act.request.id) },
    Row { field: FieldId::ActorUserUid, from: "the account's subject", value: |act, texts| known(act.principal.account.as_ref().map(|account| &*account.subject), texts) },
    Row { field: FieldId::ActorUserName, from: "`actor.name`: as typed where there is no such account", value: |act, texts| text(act.actor.name, texts) },
    Row { field: FieldId::ActorUserType, from: "`actor.account_type`, else `actor.type`", value: |act, texts| text(crate::values::first(&[act.actor.account_type, act.actor.kind]), texts) },
    Row { field: FieldId::ActorUserAccountUid, from: "the account's tenant", value: |act, texts| known(act.principal.account.as_ref().map(|account| &*account.tenant), texts) },
    Row { field: FieldId::ActorUserCredentialUid, from: "`actor.token`, else `actor.credential`", value: |act, texts| text(act.credential(), texts) },
    Row { field: FieldId::ActorSessionUid, from: "`actor.session`: of a sign-in the one that it began", value: |act, texts| text(act.actor.session, texts) },
    Row { field: FieldId::UserUid, from: "of a target `account` its `id`, of a `principal` too, of others `target.account`", value: |act, texts| known(act.target_principal.account.as_ref().map(|account| &*account.subject), texts) },
    Row { field: FieldId::UserName, from: "its `name`, else `target.account_name`", value: user_name },
    Row { field: FieldId::UserAccountUid, from: "its account's tenant", value: |act, texts| known(act.target_principal.account.as_ref().map(|account| &*account.tenant), texts) },
    Row { field: FieldId::UserType, from: "`target.account_type`", value: |act, texts| text(act.target.account_type, texts) },
    Row { field: FieldId::UserCredentialUid, from: "`target.id` of a `credential` and of a `token`", value: |act, texts| known(act.changed_credential().as_deref(), texts) },
    Row { field: FieldId::GroupName, from: "`group.name`, of a target `group` its `name`", value: |act, texts| text(act.group.name, texts) },
    Row { field: FieldId::GroupUid, from: "`group.id`, of a target `group` its `id`", value: |act, texts| text(act.group.id, texts) },
    Row { field: FieldId::EntityUid, from: "of entity management `target.id`", value: |act, texts| of_entity(act, act.target.id, texts) },
    Row { field: FieldId::EntityName, from: "of entity management `target.name`", value: |act, texts| of_entity(act, act.target.name, texts) },
    Row { field: FieldId::EntityType, from: "of entity management `target.type`", value: |act, texts| of_entity(act, act.target.kind, texts) },
    Row { field: FieldId::SessionUid, from: "`session` of a `session.started` that succeeded", value: |act, texts| if act.begins_a_session() { text(act.top.session, texts) } else { None } },
    Row { field: FieldId::SrcEndpointIp, from: "`request.address`", value: |act, _| address(act.request.address) },
    Row { field: FieldId::SrcEndpointIntermediateIps, from: "`request.proxy`, who passed it on for that address", value: |act, texts| act.request.proxy.text().map(|proxy| Value::TextList(vec![texts.share(&proxy)])) },
    Row { field: FieldId::HttpRequestUserAgent, from: "`request.user_agent`", value: |act, texts| text(act.request.agent, texts) },
    Row { field: FieldId::Unmapped, from: "`sequence`, and every member that isn't read, such as `changes` and `scope`", value: unmapped },
];

fn allowed(act: &Act<'_>, _: &mut Interner) -> Option<Value> {
    let refused = act.kind == "access.denied";
    let allowed = if refused { Some(false) } else { act.success().filter(|success| *success) };
    allowed.map(|allowed| Value::Unsigned(if allowed { 1 } else { 2 }))
}

fn is_mfa(act: &Act<'_>, texts: &mut Interner) -> Option<Value> {
    match list(act.top.factors, texts) {
        Some(Value::TextList(factors)) if act.begins_a_session() => Some(Value::Boolean(factors.len() > 1)),
        _ => None,
    }
}

/// A list of texts; of any other type it is wrong.
fn list(member: Member<'_>, texts: &mut Interner) -> Option<Value> {
    let items: Option<Vec<&serde_json::value::RawValue>> = serde_json::from_str(member.json()?).ok();
    let shared: Option<Vec<Arc<str>>> = items.and_then(|items| {
        items.iter().map(|item| Member::new(item.get()).text().map(|text| texts.share(&text))).collect()
    });
    Some(shared.map_or(Value::WrongType, Value::TextList))
}

fn user_name(act: &Act<'_>, texts: &mut Interner) -> Option<Value> {
    let is_itself = matches!(act.target.kind.text().as_deref(), Some("account" | "principal"));
    text(if is_itself { act.target.name } else { act.target.account_name }, texts)
}

fn of_entity(act: &Act<'_>, member: Member<'_>, texts: &mut Interner) -> Option<Value> {
    if act.class == EventClass::EntityManagement { text(member, texts) } else { None }
}

fn unmapped(act: &Act<'_>, _: &mut Interner) -> Option<Value> {
    let sequence = act.top.sequence.json().map(|json| ("sequence", json));
    let others = act.top.others.iter().map(|(name, json)| (&**name, *json));
    object(&sequence.into_iter().chain(others).collect::<Vec<(&str, &str)>>())
}
