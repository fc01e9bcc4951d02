//! The table of fields: which field of the vocabulary comes from what of a System Log event.

use std::sync::Arc;

use countersign_model::Value;
use countersign_model::vocabulary::{EventClass, FieldId};

use super::authenticated::has_second_factor;
use super::outcome::{DENIED_PUSH, allowed, api_token, is_oauth_client, session, success};
use super::record::{Detail, Geolocation, Hop, LogOnly, Party, Risk, elements, text_of};
use super::target::credential;
use super::{Act, Okta, accounts};
use crate::intern::Interner;
use crate::json::Member;
use crate::normalise::FieldRow;
use crate::os;
use crate::values::{address, float, known, object, rare, text, unsigned};

type Row = FieldRow<Okta>;

/// Every field that the System Log has a value for.
#[rustfmt::skip]
pub(super) const FIELDS: &[Row] = &[
    Row { field: FieldId::MetadataEventCode, from: "`eventType`, else `legacyEventType`", value: |act, texts| known(Some(&act.event_type), texts) },
    Row { field: FieldId::MetadataProductName, from: "always `Okta System Log`", value: |_, texts| known(Some("Okta System Log"), texts) },
    Row { field: FieldId::MetadataCorrelationUid, from: "`transaction.id`", value: |act, _| rare(act.transaction.id) },
    Row { field: FieldId::ActivityId, from: "the class table", value: |act, _| act.activity.map(Value::Unsigned) },
    Row { field: FieldId::SeverityId, from: "`severity`: 1 of `DEBUG` and `INFO`, 3 of `WARN`, 4 of `ERROR`", value: severity },
    Row { field: FieldId::Message, from: "`displayMessage`", value: |act, texts| text(act.top.display_message, texts) },
    Row { field: FieldId::StatusId, from: "1 of `outcome.result` `SUCCESS` and `ALLOW`, 2 of `FAILURE`, `DENY`, denied pushes and attempts to get past a factor; absent of others", value: |act, _| success(act).map(|success| Value::Unsigned(if success { 1 } else { 2 })) },
    Row { field: FieldId::StatusCode, from: "`outcome.result`", value: |act, texts| text(act.outcome.result, texts) },
    Row { field: FieldId::StatusDetail, from: "`outcome.reason`", value: |act, texts| text(act.outcome.reason, texts) },
    Row { field: FieldId::ActionId, from: "2 of `DENY` and of an app that was not to be accessed, 1 of success; absent of other failures", value: |act, _| allowed(act).map(|allowed| Value::Unsigned(if allowed { 1 } else { 2 })) },
    Row { field: FieldId::IsMfa, from: "true of a `user.authentication.auth_via_mfa` that succeeded with a factor other than a password, and of a `user.session.start` that did with two or more targets `AuthenticatorEnrollment`; else absent: the event doesn't prove either", value: is_mfa },
    Row { field: FieldId::AuthProtocol, from: "`debugData.signOnMode`", value: |act, texts| text(act.debug.sign_on_mode, texts) },
    Row { field: FieldId::AuthFactorsFactorType, from: "`debugData.factor`, `authenticationContext.credentialType`, of targets `AuthenticatorEnrollment` `displayName` and `detailEntry.methodTypeUsed`; `OKTA_VERIFY_PUSH` of a denied push that doesn't say", value: factors },
    Row { field: FieldId::RiskLevel, from: "`level` of `debugData.risk`, else of `debugData.logOnlySecurityData.risk`", value: risk },
    Row { field: FieldId::Privileges, from: "`debugData.privilegeGranted`, at its commas", value: privileges },
    Row { field: FieldId::ServiceName, from: "`displayName` of the target `AppInstance`", value: |act, texts| of_target(act, "AppInstance", |party| party.display_name, texts) },
    Row { field: FieldId::ServiceUid, from: "`id` of the target `AppInstance`", value: |act, texts| of_target(act, "AppInstance", |party| party.id, texts) },
    Row { field: FieldId::ApiRequestUid, from: "`debugData.requestId`", value: |act, _| rare(act.debug.request_id) },
    Row { field: FieldId::ActorUserUid, from: "the account's subject", value: actor_uid },
    Row { field: FieldId::ActorUserName, from: "`actor.alternateId`: the login, as typed where a sign-in failed", value: |act, texts| said_text(act.actor.alternate_id, texts) },
    Row { field: FieldId::ActorUserType, from: "`actor.type`", value: |act, texts| text(act.actor.kind, texts) },
    Row { field: FieldId::ActorUserAccountUid, from: "the account's tenant", value: |act, texts| known(act.principal.account.as_ref().map(|account| &*account.tenant), texts) },
    Row { field: FieldId::ActorUserCredentialUid, from: "`transaction.detail.requestApiTokenId`", value: |act, texts| known(api_token(act).as_deref(), texts) },
    Row { field: FieldId::ActorSessionUid, from: "`authenticationContext.externalSessionId`", value: |act, texts| said_text(act.authentication.session, texts) },
    Row { field: FieldId::ActorSessionIssuer, from: "`authenticationContext.issuer.id`", value: |act, texts| known(act.issuer().as_deref(), texts) },
    Row { field: FieldId::ActorIdpName, from: "`authenticationContext.authenticationProvider`", value: |act, texts| text(act.authentication.provider, texts) },
    Row { field: FieldId::ActorAppUid, from: "`client.id`, else `actor.id` of an OAuth client", value: app_uid },
    Row { field: FieldId::ActorAppName, from: "`actor.displayName` of an OAuth client", value: |act, texts| if is_oauth_client(act) { text(act.actor.display_name, texts) } else { None } },
    Row { field: FieldId::UserUid, from: "`id` of the first target `User`", value: |act, texts| of_target(act, "User", |party| party.id, texts) },
    Row { field: FieldId::UserName, from: "its `alternateId`", value: |act, texts| of_target(act, "User", |party| party.alternate_id, texts) },
    Row { field: FieldId::UserAccountUid, from: "its account's tenant", value: user_tenant },
    Row { field: FieldId::UserType, from: "its `type`", value: |act, texts| of_target(act, "User", |party| party.kind, texts) },
    Row { field: FieldId::UserCredentialUid, from: "`id` of the target `Token`", value: |act, texts| known(credential(act).as_deref(), texts) },
    Row { field: FieldId::GroupName, from: "`displayName` of the target `UserGroup`", value: |act, texts| of_target(act, "UserGroup", |party| party.display_name, texts) },
    Row { field: FieldId::GroupUid, from: "`id` of the target `UserGroup`", value: |act, texts| of_target(act, "UserGroup", |party| party.id, texts) },
    Row { field: FieldId::PolicyUid, from: "`id` of the target `PolicyEntity`", value: |act, texts| of_target(act, "PolicyEntity", |party| party.id, texts) },
    Row { field: FieldId::PolicyName, from: "`displayName` of the target `PolicyEntity`", value: |act, texts| of_target(act, "PolicyEntity", |party| party.display_name, texts) },
    Row { field: FieldId::ResourcesUid, from: "`target[].id`; an empty text for one without", value: |act, texts| targets(act, |party| party.id, texts) },
    Row { field: FieldId::ResourcesName, from: "`target[].displayName`; an empty text for one without", value: |act, texts| targets(act, |party| party.display_name, texts) },
    Row { field: FieldId::ResourcesType, from: "`target[].type`; an empty text for one without", value: |act, texts| targets(act, |party| party.kind, texts) },
    Row { field: FieldId::EntityUid, from: "of entity management `id` of the first target", value: |act, texts| of_entity(act, |party| party.id, texts) },
    Row { field: FieldId::EntityName, from: "its `displayName`", value: |act, texts| of_entity(act, |party| party.display_name, texts) },
    Row { field: FieldId::EntityType, from: "its `type`", value: |act, texts| of_entity(act, |party| party.kind, texts) },
    Row { field: FieldId::SessionUid, from: "`authenticationContext.externalSessionId` of a `user.session.start` that succeeded", value: opened_session },
    Row { field: FieldId::DeviceUid, from: "`device.id` of a registered device; not `debugData.dtHash` or `.deviceFingerprint`, which are of what the caller sends", value: |act, texts| known(text_of(act.device.id).as_deref(), texts) },
    Row { field: FieldId::DeviceHostname, from: "`device.name`", value: |act, texts| text(act.device.name, texts) },
    Row { field: FieldId::DeviceOsName, from: "the family of `client.userAgent.os`, by the table of systems", value: |act, texts| known(act.user_agent.os.text().as_deref().and_then(os::family), texts) },
    Row { field: FieldId::SrcEndpointIp, from: "`client.ipAddress`", value: |act, _| address(act.client.address) },
    Row { field: FieldId::SrcEndpointIntermediateIps, from: "`request.ipChain[].ip`: the client's, then the proxies'", value: hops },
    Row { field: FieldId::SrcEndpointLocationCountry, from: "`client.geographicalContext.country`, a name", value: |act, texts| text(act.geography.country, texts) },
    Row { field: FieldId::SrcEndpointLocationCity, from: "`client.geographicalContext.city`", value: |act, texts| text(act.geography.city, texts) },
    Row { field: FieldId::SrcEndpointLocationLat, from: "`client.geographicalContext.geolocation.lat`", value: |act, _| degrees(geolocation(act).lat, 90.0) },
    Row { field: FieldId::SrcEndpointLocationLong, from: "`client.geographicalContext.geolocation.lon`", value: |act, _| degrees(geolocation(act).lon, 180.0) },
    Row { field: FieldId::SrcEndpointLocationIsp, from: "`securityContext.isp`", value: |act, texts| text(act.security.isp, texts) },
    Row { field: FieldId::SrcEndpointAutonomousSystemNumber, from: "`securityContext.asNumber`, unless 0", value: |act, _| unsigned(act.security.number).filter(|number| *number != Value::Unsigned(0)) },
    Row { field: FieldId::SrcEndpointAutonomousSystemName, from: "`securityContext.asOrg`", value: |act, texts| text(act.security.organisation, texts) },
    Row { field: FieldId::HttpRequestUserAgent, from: "`client.userAgent.rawUserAgent`", value: |act, texts| text(act.user_agent.raw, texts) },
    Row { field: FieldId::Unmapped, from: "`authenticationContext`, `client`, `debugContext`, `device`, `securityContext`, `transaction`, and every member that the reference doesn't know", value: unmapped },
];

/// A text, unless Okta writes it for an unknown value.
fn said_text(member: Member<'_>, texts: &mut Interner) -> Option<Value> {
    match member.text() {
        Some(_) => known(text_of(member).as_deref(), texts),
        None => text(member, texts),
    }
}

fn of_target<'a>(act: &Act<'a>, kind: &str, part: fn(&Party<'a>) -> Member<'a>, texts: &mut Interner) -> Option<Value> {
    said_text(part(act.target(kind)?), texts)
}

fn of_entity<'a>(act: &Act<'a>, part: fn(&Party<'a>) -> Member<'a>, texts: &mut Interner) -> Option<Value> {
    let target = act.targets.first().filter(|_| act.class == EventClass::EntityManagement)?;
    said_text(part(target), texts)
}

fn targets<'a>(act: &Act<'a>, part: fn(&Party<'a>) -> Member<'a>, texts: &mut Interner) -> Option<Value> {
    if act.top.target.json().is_some_and(|json| !json.starts_with('[')) {
        return Some(Value::WrongType);
    }
    let parts = act.targets.iter().map(|target| texts.share(&part(target).text().unwrap_or_default()));
    Some(Value::TextList(parts.collect())).filter(|_| !act.targets.is_empty())
}

fn severity(act: &Act<'_>, texts: &mut Interner) -> Option<Value> {
    match act.top.severity.text().as_deref() {
        Some("DEBUG" | "INFO") => Some(Value::Unsigned(1)),
        Some("WARN") => Some(Value::Unsigned(3)),
        Some("ERROR") => Some(Value::Unsigned(4)),
        Some(_) => None,
        None => text(act.top.severity, texts),
    }
}

fn is_mfa(act: &Act<'_>, _: &mut Interner) -> Option<Value> {
    let proved = match &*act.event_type {
        "user.authentication.auth_via_mfa" => has_second_factor(act),
        "user.session.start" => act.targets.iter().filter(|target| is_enrolment(target)).count() > 1,
        _ => false,
    };
    (proved && success(act) == Some(true)).then_some(Value::Boolean(true))
}

fn is_enrolment(target: &Party<'_>) -> bool {
    target.kind.text().as_deref() == Some("AuthenticatorEnrollment")
}

fn factors(act: &Act<'_>, texts: &mut Interner) -> Option<Value> {
    let mut factors: Vec<Arc<str>> = Vec::new();
    let mut add = |factor: Option<&str>| {
        if let Some(factor) = factor
            && !factors.iter().any(|known| **known == *factor)
        {
            factors.push(texts.share(factor));
        }
    };
    let factor = text_of(act.debug.factor);
    let denied = factor.is_none() && act.event_type.starts_with(DENIED_PUSH);
    add(factor.as_deref());
    add(denied.then_some("OKTA_VERIFY_PUSH"));
    add(text_of(act.authentication.credential_type).as_deref());
    for enrolment in act.targets.iter().filter(|target| is_enrolment(target)) {
        add(text_of(enrolment.display_name).as_deref());
        add(text_of(enrolment.detail.members::<Detail<'_>>().method).as_deref());
    }
    (!factors.is_empty()).then_some(Value::TextList(factors))
}

/// Okta writes a risk as an object, as the text of one, or as Java prints a map: `{reasons=…, level=HIGH}`.
fn risk(act: &Act<'_>, texts: &mut Interner) -> Option<Value> {
    let log_only = act.debug.log_only;
    let level = level(act.debug.risk).or_else(|| {
        let text = log_only.text();
        let inner = text.as_deref().map_or(log_only, Member::new);
        level(inner.members::<LogOnly<'_>>().risk)
    });
    known(level.as_deref(), texts)
}

fn level(risk: Member<'_>) -> Option<String> {
    let text = risk.text();
    let members = text.as_deref().map_or(risk, Member::new).members::<Risk<'_>>();
    if let Some(level) = text_of(members.level) {
        return Some(level.into_owned());
    }
    let map = text.as_deref()?.strip_prefix('{')?.strip_suffix('}')?;
    map.split(',').find_map(|part| part.trim().strip_prefix("level=")).map(str::to_owned)
}

fn privileges(act: &Act<'_>, texts: &mut Interner) -> Option<Value> {
    let Some(granted) = act.debug.privileges.text() else { return text(act.debug.privileges, texts) };
    Some(Value::TextList(granted.split(',').map(|privilege| texts.share(privilege.trim())).collect()))
}

fn actor_uid(act: &Act<'_>, texts: &mut Interner) -> Option<Value> {
    match &act.principal.account {
        Some(account) => known(Some(&account.subject), texts),
        None => act.actor.id.is_wrong_type_for_text().then_some(Value::WrongType),
    }
}

fn user_tenant(act: &Act<'_>, texts: &mut Interner) -> Option<Value> {
    text_of(act.user_target()?.id)?;
    known(Some(accounts::TENANT), texts)
}

fn app_uid(act: &Act<'_>, texts: &mut Interner) -> Option<Value> {
    match text_of(act.client.id) {
        Some(id) => known(Some(&id), texts),
        None if is_oauth_client(act) => said_text(act.actor.id, texts),
        None => None,
    }
}

fn opened_session(act: &Act<'_>, texts: &mut Interner) -> Option<Value> {
    let opened = act.event_type == "user.session.start" && success(act) == Some(true);
    known(session(act).filter(|_| opened).as_deref(), texts)
}

fn hops(act: &Act<'_>, texts: &mut Interner) -> Option<Value> {
    act.request.chain.json()?;
    let Some(hops) = elements(act.request.chain) else { return Some(Value::WrongType) };
    let addresses: Vec<Arc<str>> = hops
        .into_iter()
        .filter_map(|hop| text_of(hop.members::<Hop<'_>>().address))
        .map(|address| texts.share(&address))
        .collect();
    (!addresses.is_empty()).then_some(Value::TextList(addresses))
}

fn geolocation<'a>(act: &Act<'a>) -> Geolocation<'a> {
    act.geography.geolocation.members()
}

/// A number of degrees up to `max` either way; any other is of a wrong type.
fn degrees(member: Member<'_>, max: f64) -> Option<Value> {
    float(member).map(|value| match value {
        Value::Float(degrees) if degrees.abs() > max => Value::WrongType,
        value => value,
    })
}

fn unmapped(act: &Act<'_>, _: &mut Interner) -> Option<Value> {
    let top = &act.top;
    let partly = [
        ("authenticationContext", top.authentication_context),
        ("client", top.client),
        ("debugContext", top.debug_context),
        ("device", top.device),
        ("securityContext", top.security_context),
        ("transaction", top.transaction),
    ];
    let partly = partly.iter().filter_map(|(name, member)| Some((*name, member.json()?)));
    let others = top.others.iter().map(|(name, json)| (&**name, *json));
    object(&partly.chain(others).collect::<Vec<(&str, &str)>>())
}
