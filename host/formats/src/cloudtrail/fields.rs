//! The table of fields: which field of the vocabulary comes from what of a CloudTrail record.

use std::borrow::Cow;
use std::net::IpAddr;

use countersign_model::Value;
use countersign_model::vocabulary::FieldId;
use serde_json::value::RawValue;

use super::accounts::account_id;
use super::outcome::{is_sign_in_service, member};
use super::record::{Additional, Described, Resource};
use super::target::arn_name;
use super::{Call, CloudTrail};
use crate::intern::Interner;
use crate::json::Member;
use crate::normalise::FieldRow;
use crate::values::{first, json, known, object, rare, text, time, truth};

type Row = FieldRow<CloudTrail>;

/// Every field that CloudTrail has a value for.
#[rustfmt::skip]
pub(super) const FIELDS: &[Row] = &[
    Row { field: FieldId::MetadataEventCode, from: "`eventType`", value: |call, texts| text(call.top.event_type, texts) },
    Row { field: FieldId::MetadataProductName, from: "always `CloudTrail`", value: |_, texts| known(Some("CloudTrail"), texts) },
    Row { field: FieldId::StatusId, from: "2 with `errorCode`, `errorMessage` or a failed sign-in, else 1; absent for a step of a sign-in that decides nothing; an `errorCode` of 200 to 299 and `serviceEventDetails.result` say success", value: status_id },
    Row { field: FieldId::StatusCode, from: "`errorCode`, else a sign-in's outcome", value: |call, texts| known(call.outcome.code.as_deref(), texts) },
    Row { field: FieldId::StatusDetail, from: "`errorMessage`", value: |call, _| rare(call.top.error_message) },
    Row { field: FieldId::ActionId, from: "2 denied, 1 of success; absent for other errors, which say nothing about rights", value: action_id },
    Row { field: FieldId::IsMfa, from: "`additionalEventData.MFAUsed` of sign-ins, else the session's `mfaAuthenticated`", value: is_mfa },
    Row { field: FieldId::AuthFactorsFactorType, from: "`additionalEventData.CredentialType` of the sign-in service", value: factors },
    Row { field: FieldId::CloudProvider, from: "always `AWS`", value: |_, texts| known(Some("AWS"), texts) },
    Row { field: FieldId::CloudAccountUid, from: "`recipientAccountId`", value: |call, texts| account(call.top.recipient_account, texts) },
    Row { field: FieldId::CloudRegion, from: "`awsRegion`", value: |call, texts| text(call.top.region, texts) },
    Row { field: FieldId::ApiOperation, from: "`eventName`", value: |call, texts| text(call.top.event_name, texts) },
    Row { field: FieldId::ApiServiceName, from: "`eventSource`", value: |call, texts| text(call.top.event_source, texts) },
    Row { field: FieldId::ApiRequestUid, from: "`requestID`", value: |call, _| rare(call.top.request_id) },
    Row { field: FieldId::ApiRequestData, from: "`requestParameters`", value: |call, _| json(call.top.request) },
    Row { field: FieldId::ApiResponseData, from: "`responseElements`", value: |call, _| json(call.top.response) },
    Row { field: FieldId::ApiResponseError, from: "`errorCode`, unless it says success", value: error },
    Row { field: FieldId::ApiResponseMessage, from: "`errorMessage`", value: |call, _| rare(call.top.error_message) },
    Row { field: FieldId::ActorUserUid, from: "the account's subject", value: actor_uid },
    Row { field: FieldId::ActorUserUidAlt, from: "`userIdentity.arn`", value: |call, texts| text(call.caller.identity.arn, texts) },
    Row { field: FieldId::ActorUserName, from: "`userIdentity.userName`, of a role's session the issuer's", value: |call, texts| text(call.caller.name(), texts) },
    Row { field: FieldId::ActorUserType, from: "`userIdentity.type`", value: |call, texts| text(call.caller.identity.kind, texts) },
    Row { field: FieldId::ActorUserAccountUid, from: "the account's tenant; unresolved: `userIdentity.accountId`", value: actor_tenant },
    Row { field: FieldId::ActorUserCredentialUid, from: "`userIdentity.accessKeyId`", value: |call, texts| text(call.caller.identity.access_key, texts) },
    Row { field: FieldId::ActorSessionUid, from: "the account table's session", value: |call, texts| known(call.principal.session.as_deref(), texts) },
    Row { field: FieldId::ActorSessionIssuer, from: "`sessionIssuer.arn`", value: |call, texts| text(call.caller.issuer.arn, texts) },
    Row { field: FieldId::ActorSessionIsMfa, from: "the session's `mfaAuthenticated`", value: |call, _| truth(call.caller.attributes.is_mfa) },
    Row { field: FieldId::ActorSessionCreatedTime, from: "the session's `creationDate`", value: |call, _| time(call.caller.attributes.created) },
    Row { field: FieldId::ActorInvokedBy, from: "`userIdentity.invokedBy`", value: |call, texts| text(call.caller.identity.invoked_by, texts) },
    Row { field: FieldId::ActorIdpName, from: "`userIdentity.identityProvider`, else `webIdFederationData.federatedProvider`", value: |call, texts| text(first(&[call.caller.identity.identity_provider, call.caller.web.provider]), texts) },
    Row { field: FieldId::UserUid, from: "the target's subject, only where the record proves it", value: |call, texts| known(call.acted.account.as_ref().map(|account| &*account.subject), texts) },
    Row { field: FieldId::UserUidAlt, from: "the ARN of the user or role acted on", value: |call, texts| known(call.acted.arn.as_deref(), texts) },
    Row { field: FieldId::UserName, from: "its name: `requestParameters.userName`, `.roleName`, else the ARN's last part", value: user_name },
    Row { field: FieldId::UserType, from: "`User` or `Role`", value: |call, texts| known(call.acted.kind, texts) },
    Row { field: FieldId::UserCredentialUid, from: "the id of the key, password, factor or certificate made or changed", value: |call, texts| known(call.acted.credential.as_deref(), texts) },
    Row { field: FieldId::GroupName, from: "`requestParameters.groupName`", value: |call, texts| text(call.bodies.request.group_name, texts) },
    Row { field: FieldId::GroupUid, from: "`responseElements.group.groupId`, else `groupId` of the request or response", value: group_uid },
    Row { field: FieldId::PolicyUid, from: "`policyArn`, `managedPolicyArn`, else `policy.arn` of the response", value: |call, texts| text(policy(call), texts) },
    Row { field: FieldId::PolicyName, from: "`policyName`, else the last part of the policy's ARN", value: policy_name },
    Row { field: FieldId::ResourcesUid, from: "`resources[].ARN`", value: resources },
    Row { field: FieldId::SessionUid, from: "STS: `assumedRoleUser.assumedRoleId` or `federatedUser.federatedUserId`", value: opened_session },
    Row { field: FieldId::SessionCredentialUid, from: "STS: `credentials.accessKeyId`", value: |call, texts| text(described(call.bodies.response.credentials).access_key, texts) },
    Row { field: FieldId::DeviceInstanceUid, from: "the instance, where the record proves that the credentials are the platform's", value: |call, texts| known(call.caller.instance().as_deref(), texts) },
    Row { field: FieldId::SrcEndpointIp, from: "`sourceIPAddress`, if it is an address", value: source_address },
    Row { field: FieldId::SrcEndpointDomain, from: "`sourceIPAddress`, if it is none", value: source_domain },
    Row { field: FieldId::SrcEndpointUid, from: "`vpcEndpointId`", value: |call, texts| text(call.top.vpc_endpoint, texts) },
    Row { field: FieldId::HttpRequestUserAgent, from: "`userAgent`", value: |call, texts| text(call.top.user_agent, texts) },
    Row { field: FieldId::Unmapped, from: "every other member at the top of the record, such as `additionalEventData`", value: |call, _| object(&call.top.unmapped) },
];

fn status_id(call: &Call<'_>, _: &mut Interner) -> Option<Value> {
    call.outcome.success.map(|success| Value::Unsigned(if success { 1 } else { 2 }))
}

fn error(call: &Call<'_>, texts: &mut Interner) -> Option<Value> {
    match &call.outcome.error {
        Some(error) => known(Some(error), texts),
        // A code of success is no error.
        None if call.top.error_code.word().is_some() => None,
        None => text(call.top.error_code, texts),
    }
}

/// The id of an AWS account.
fn account(member: Member<'_>, texts: &mut Interner) -> Option<Value> {
    match account_id(member) {
        Some(id) => known(Some(&id), texts),
        None => text(member, texts),
    }
}

fn action_id(call: &Call<'_>, _: &mut Interner) -> Option<Value> {
    let outcome = &call.outcome;
    (outcome.denied || outcome.success == Some(true)).then_some(Value::Unsigned(if outcome.denied { 2 } else { 1 }))
}

fn is_mfa(call: &Call<'_>, _: &mut Interner) -> Option<Value> {
    let used = sign_in_details(call).map(|details| details.mfa_used).filter(|used| used.json().is_some());
    let Some(used) = used else { return truth(call.caller.attributes.is_mfa) };
    Some(match used.text().as_deref() {
        Some("Yes") => Value::Boolean(true),
        Some("No") => Value::Boolean(false),
        _ => Value::WrongType,
    })
}

fn factors(call: &Call<'_>, texts: &mut Interner) -> Option<Value> {
    let factor = sign_in_details(call)?.credential_type;
    match factor.text() {
        Some(factor) => Some(Value::TextList(vec![texts.share(&factor)])),
        None => factor.json().map(|_| Value::WrongType),
    }
}

/// What the sign-in service adds about a sign-in; none of other services.
fn sign_in_details<'a>(call: &Call<'a>) -> Option<Additional<'a>> {
    is_sign_in_service(&call.top).then(|| member(&call.top, "additionalEventData").members())
}

fn actor_uid(call: &Call<'_>, texts: &mut Interner) -> Option<Value> {
    match &call.principal.account {
        Some(account) => known(Some(&account.subject), texts),
        None => call.caller.identity.principal.is_wrong_type_for_text().then_some(Value::WrongType),
    }
}

fn actor_tenant(call: &Call<'_>, texts: &mut Interner) -> Option<Value> {
    match &call.principal.account {
        Some(account) => known(Some(&account.tenant), texts),
        None => account(call.caller.identity.account, texts),
    }
}

fn user_name(call: &Call<'_>, texts: &mut Interner) -> Option<Value> {
    let request = &call.bodies.request;
    match &call.acted.name {
        Some(name) => known(Some(name), texts),
        None if request.user_name.json().is_some() => text(request.user_name, texts),
        None => text(request.role_name, texts),
    }
}

fn group_uid(call: &Call<'_>, texts: &mut Interner) -> Option<Value> {
    let (request, response) = (&call.bodies.request, &call.bodies.response);
    text(first(&[described(response.group).group_id, request.group, response.group_id]), texts)
}

fn policy<'a>(call: &Call<'a>) -> Member<'a> {
    let request = &call.bodies.request;
    first(&[request.policy_arn, request.managed_policy_arn, described(call.bodies.response.policy).arn])
}

fn policy_name(call: &Call<'_>, texts: &mut Interner) -> Option<Value> {
    let named = first(&[call.bodies.request.policy_name, described(call.bodies.response.policy).policy_name]);
    text(named, texts).or_else(|| known(policy(call).text().as_deref().and_then(arn_name).as_deref(), texts))
}

fn resources(call: &Call<'_>, texts: &mut Interner) -> Option<Value> {
    let json = call.top.resources.json()?;
    let Ok(resources) = serde_json::from_str::<Vec<&RawValue>>(json) else { return Some(Value::WrongType) };
    let arns = resources.into_iter().filter_map(|resource| {
        let resource: Resource<'_> = Member::new(resource.get()).members();
        resource.arn.text()
    });
    Some(Value::TextList(arns.map(|arn| texts.share(&arn)).collect()))
}

fn opened_session(call: &Call<'_>, texts: &mut Interner) -> Option<Value> {
    let response = &call.bodies.response;
    let assumed = described(response.assumed_role).assumed_role;
    text(first(&[assumed, described(response.federated_user).federated_user]), texts)
}

fn source_address(call: &Call<'_>, texts: &mut Interner) -> Option<Value> {
    match call.top.source_address.text() {
        Some(source) => source.parse::<IpAddr>().ok().map(Value::Address),
        None => text(call.top.source_address, texts),
    }
}

fn source_domain(call: &Call<'_>, texts: &mut Interner) -> Option<Value> {
    let source: Cow<'_, str> = call.top.source_address.text()?;
    source.parse::<IpAddr>().is_err().then(|| Value::Text(texts.share(&source)))
}

fn described(member: Member<'_>) -> Described<'_> {
    member.members()
}
