//! The table of fields: each field of an OCSF record is at its own path, but for a few rows.

use std::sync::Arc;

use countersign_model::Value;
use countersign_model::vocabulary::{EventClass, FieldId, FieldType};

use super::tree::Tree;
use super::{Ocsf, OcsfRecord, time};
use crate::intern::Interner;
use crate::normalise::FieldRow;
use crate::os;
use crate::values::{address, float, json, known, text, truth, unsigned};

/// A row a field: its own path, unless a place and a function are given.
macro_rules! rows {
    ($($field:ident $(: $from:literal = $value:expr)?,)+) => {
        &[$(FieldRow { field: FieldId::$field, from: rows!(@from $field $($from)?), value: rows!(@value $field $($value)?) },)+]
    };
    (@from $field:ident) => { "the same path" };
    (@from $field:ident $from:literal) => { $from };
    (@value $field:ident) => { |record, texts| at(&record.tree, FieldId::$field, FieldId::$field.field().path, texts) };
    (@value $field:ident $value:expr) => { $value };
}

/// Every field of the vocabulary but those that no format fills itself.
pub(super) const FIELDS: &[FieldRow<Ocsf>] = rows![
    MetadataEventCode,
    MetadataProductName,
    MetadataCorrelationUid,
    ActivityId,
    SeverityId,
    Message,
    StatusId: "the same path, else `status`: 1 of `Success`, 2 of `Failure`; 0 and 99 are absent" = status_id,
    StatusCode,
    StatusDetail,
    ActionId: "the same path; 0 and 99 are absent" = action_id,
    IsMfa: "the same path, else `mfa`" = |record, texts| first(record, FieldId::IsMfa, &["is_mfa", "mfa"], texts),
    AuthProtocol,
    AuthFactorsFactorType,
    LogonTypeId,
    IsRemote,
    RiskLevel,
    Privileges,
    ServiceName,
    ServiceUid,
    AuthenticationTokenEncryptionDetailsAlgorithm,
    AuthenticationTokenKerberosFlags,
    WinPreAuthType,
    CloudProvider,
    CloudAccountUid,
    CloudRegion,
    ApiOperation,
    ApiServiceName,
    ApiRequestUid,
    ApiRequestData,
    ApiResponseData,
    ApiResponseError,
    ApiResponseMessage,
    ActorUserUid: "the account's subject; unresolved: the same path" = actor_uid,
    ActorUserUidAlt: "`uid_alt` of the user object that acted: see \"who acted\"; of AWS its ARN, which may be in `uid` or `uuid`" = |record, texts| uid_alt(record, FieldId::ActorUserUidAlt, record.actor, texts),
    ActorUserName: "`name` of the user object that acted" = |record, texts| of_actor(record, FieldId::ActorUserName, "name", texts),
    ActorUserDomain: "`domain` of the user object that acted" = |record, texts| of_actor(record, FieldId::ActorUserDomain, "domain", texts),
    ActorUserType: "`type` of the user object that acted" = |record, texts| of_actor(record, FieldId::ActorUserType, "type", texts),
    ActorUserAccountUid: "the account's tenant; unresolved: `account.uid` of the user object that acted" = actor_tenant,
    ActorUserCredentialUid: "`credential_uid` of the user object that acted" = |record, texts| of_actor(record, FieldId::ActorUserCredentialUid, "credential_uid", texts),
    ActorSessionUid: "the actor's session" = |record, texts| known(record.session.as_deref(), texts),
    ActorSessionIssuer,
    ActorSessionIsMfa: "the same path, else `actor.session.mfa`" = |record, texts| first(record, FieldId::ActorSessionIsMfa, &["actor.session.is_mfa", "actor.session.mfa"], texts),
    ActorSessionCreatedTime,
    ActorInvokedBy,
    ActorIdpName,
    ActorAppUid,
    ActorAppName,
    ActorProcessName,
    UserUid,
    UserUidAlt: "the same path; of AWS the ARN, which may be in `user.uid` or `user.uuid`" = |record, texts| uid_alt(record, FieldId::UserUidAlt, "user", texts),
    UserName,
    UserDomain,
    UserAccountUid: "the same path, else `user.account_uid`" = |record, texts| first(record, FieldId::UserAccountUid, &["user.account.uid", "user.account_uid"], texts),
    UserType,
    UserCredentialUid,
    GroupName,
    GroupUid,
    PolicyUid,
    PolicyName,
    ResourcesUid,
    ResourcesName,
    ResourcesType,
    EntityUid,
    EntityName,
    EntityType,
    AccessMask,
    AccessList,
    WinObjectProperties,
    SessionUid,
    SessionCredentialUid,
    DeviceInstanceUid,
    DeviceUid,
    DeviceHostname,
    DeviceDomain,
    DeviceOsName: "the family of `device.os.type`, else of `device.os.name`, by the table of systems" = os_name,
    SrcEndpointIp,
    SrcEndpointDomain,
    SrcEndpointUid,
    SrcEndpointHostname,
    SrcEndpointPort,
    SrcEndpointIntermediateIps,
    SrcEndpointLocationCountry,
    SrcEndpointLocationCity,
    SrcEndpointLocationLat: "the same path, else the second of `location.coordinates`; −90 to 90" = |record, texts| degrees(record, FieldId::SrcEndpointLocationLat, 1, 90.0, texts),
    SrcEndpointLocationLong: "the same path, else the first of `location.coordinates`; −180 to 180" = |record, texts| degrees(record, FieldId::SrcEndpointLocationLong, 0, 180.0, texts),
    SrcEndpointLocationIsp,
    SrcEndpointAutonomousSystemNumber,
    SrcEndpointAutonomousSystemName,
    DstEndpointHostname,
    HttpRequestUserAgent,
    Unmapped,
];

/// The value at a path, by the field's type. A list is made of an array of texts, or of what an array of objects has at
/// the path's last name (`resources[].uid`); an object without its text is an empty one, so that lists stay in step.
fn at(tree: &Tree<'_>, field: FieldId, path: &str, texts: &mut Interner) -> Option<Value> {
    let member = tree.member(path);
    match field.field().ty {
        FieldType::Unsigned => unsigned(member),
        FieldType::Float => float(member),
        FieldType::Boolean => truth(member),
        FieldType::Text => text(member, texts),
        FieldType::Address => address(member),
        FieldType::Json => json(member),
        FieldType::Timestamp => {
            let time = time::at(tree, path)?;
            Some(time.map_or(Value::WrongType, |time| Value::Timestamp(time.micros())))
        }
        FieldType::TextList => list(tree, path, texts),
        // No field has this type.
        FieldType::Signed => member.json().map(|_| Value::WrongType),
    }
}

fn list(tree: &Tree<'_>, path: &str, texts: &mut Interner) -> Option<Value> {
    if let Some(own) = tree.at(path).filter(|own| own.value().json().is_some()) {
        let Some(elements) = own.elements() else { return Some(Value::WrongType) };
        let found: Option<Vec<Arc<str>>> =
            elements.iter().map(|element| element.value().text().map(|text| texts.share(&text))).collect();
        return Some(found.map_or(Value::WrongType, Value::TextList));
    }
    let (array, name) = path.rsplit_once('.')?;
    let found: Vec<Arc<str>> = tree
        .at(array)?
        .elements()?
        .iter()
        .map(|element| texts.share(&element.member(name).text().unwrap_or_default()))
        .collect();
    found.iter().any(|text| !text.is_empty()).then_some(Value::TextList(found))
}

fn status_id(record: &OcsfRecord<'_>, _: &mut Interner) -> Option<Value> {
    match record.status {
        Some(status) => Some(Value::Unsigned(status)),
        None => unsigned(record.tree.member("status_id")).filter(|value| *value == Value::WrongType),
    }
}

fn action_id(record: &OcsfRecord<'_>, _: &mut Interner) -> Option<Value> {
    unsigned(record.tree.member("action_id")).filter(|value| matches!(value, Value::WrongType | Value::Unsigned(1 | 2)))
}

fn actor_uid(record: &OcsfRecord<'_>, texts: &mut Interner) -> Option<Value> {
    match &record.principal.account {
        Some(account) => known(Some(&account.subject), texts),
        None => of_actor(record, FieldId::ActorUserUid, "uid", texts),
    }
}

fn actor_tenant(record: &OcsfRecord<'_>, texts: &mut Interner) -> Option<Value> {
    match &record.principal.account {
        Some(account) => known(Some(&account.tenant), texts),
        None => of_actor(record, FieldId::ActorUserAccountUid, "account.uid", texts)
            .or_else(|| of_actor(record, FieldId::ActorUserAccountUid, "account_uid", texts)),
    }
}

fn of_actor(record: &OcsfRecord<'_>, field: FieldId, name: &str, texts: &mut Interner) -> Option<Value> {
    at(record.tree.at(record.actor)?, field, name, texts)
}

/// The value at the first of several paths, which versions of the schema have renamed.
fn first(record: &OcsfRecord<'_>, field: FieldId, paths: &[&str], texts: &mut Interner) -> Option<Value> {
    paths.iter().find_map(|path| at(&record.tree, field, path, texts))
}

/// The other id of a user object: AWS's second is the ARN, whichever of the two a version of the schema calls so.
fn uid_alt(record: &OcsfRecord<'_>, field: FieldId, path: &str, texts: &mut Interner) -> Option<Value> {
    let user = record.tree.at(path)?;
    let arn = ["uid", "uuid"].iter().find(|name| user.member(name).text().is_some_and(|id| id.starts_with("arn:")));
    at(user, field, arn.unwrap_or(&"uid_alt"), texts)
}

fn os_name(record: &OcsfRecord<'_>, texts: &mut Interner) -> Option<Value> {
    let family = |path| record.tree.member(path).text().and_then(|system| os::family(&system));
    known(family("device.os.type").or_else(|| family("device.os.name")), texts)
}

fn degrees(record: &OcsfRecord<'_>, field: FieldId, place: usize, max: f64, texts: &mut Interner) -> Option<Value> {
    let path = field.field().path;
    let coordinates = || {
        let pair = record.tree.at("src_endpoint.location.coordinates")?.elements()?;
        float(pair.get(place)?.value())
    };
    at(&record.tree, field, path, texts).or_else(coordinates).map(|value| match value {
        Value::Float(degrees) if degrees.abs() > max => Value::WrongType,
        value => value,
    })
}

/// Whether the class's actor is its `user`: in authentication `user` authenticates, and `actor` only requested it.
pub(super) fn user_acts(class: EventClass) -> bool {
    class == EventClass::Authentication
}

#[cfg(test)]
mod tests {
    use countersign_model::vocabulary::FIELDS as VOCABULARY;

    use super::*;

    #[test]
    fn every_field_is_filled_but_those_that_no_source_fills_itself() {
        let rows: Vec<&str> = FIELDS.iter().map(|row| row.field.field().path).collect();
        for field in VOCABULARY {
            let not_ours =
                matches!(field.path, "metadata.uid" | "class_uid" | "raw_data") || field.path.starts_with("finding.");
            assert_eq!(rows.contains(&field.path), !not_ours, "{}", field.path);
        }
    }
}
