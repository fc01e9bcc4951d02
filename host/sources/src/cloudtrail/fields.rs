//! Fills the fields of the vocabulary that CloudTrail has a value for.
//!
//! | field | from |
//! | --- | --- |
//! | `metadata.uid`, `.event_code`, `.product.name` | `eventID` or what stands for it, `eventType`, `CloudTrail` |
//! | `class_uid` | the class table |
//! | `status_id` | 2 with `errorCode`, `errorMessage` or a failed sign-in, else 1 |
//! | `status_code`, `status_detail` | `errorCode`, else a sign-in's outcome; `errorMessage` |
//! | `action_id` | 2 denied, 1 without an error; absent for other errors, which say nothing about rights |
//! | `is_mfa` | `additionalEventData.MFAUsed`, else the session's `mfaAuthenticated` |
//! | `cloud.provider`, `.account.uid`, `.region` | `AWS`, `recipientAccountId`, `awsRegion` |
//! | `api.operation`, `.service.name`, `.request.uid` | `eventName`, `eventSource`, `requestID` |
//! | `api.request.data`, `.response.data` | `requestParameters`, `responseElements` |
//! | `api.response.error`, `.message` | `errorCode`, `errorMessage` |
//! | `actor.user.uid`, `.account.uid` | the account's subject and tenant; unresolved: `accountId` alone |
//! | `actor.user.uid_alt`, `.name`, `.type`, `.credential_uid` | `userIdentity`: `arn`; `userName`, of a role's session the issuer's; `type`; `accessKeyId` |
//! | `actor.session.uid`, `.issuer` | the account table's session; `sessionIssuer.arn` |
//! | `actor.session.is_mfa`, `.created_time` | session attributes `mfaAuthenticated`, `creationDate` |
//! | `actor.invoked_by`, `actor.idp.name` | `invokedBy`; `identityProvider`, else `webIdFederationData.federatedProvider` |
//! | `user.*` | the user or role acted on: see the target's rules; `user.uid` only where its id is proved |
//! | `group.name`, `.uid` | `requestParameters.groupName`; `group.groupId` of the response, else `groupId` |
//! | `policy.uid`, `.name` | `policyArn`, `managedPolicyArn`, else `policy.arn` of the response; `policyName`, else the ARN's last part |
//! | `resources.uid` | `resources[].ARN` |
//! | `session.uid`, `.credential_uid` | STS: `assumedRoleUser.assumedRoleId` or `federatedUser.federatedUserId`; `credentials.accessKeyId` |
//! | `device.instance_uid` | the instance, where the record proves that the credentials are the platform's |
//! | `src_endpoint.ip`, `.domain`, `.uid` | `sourceIPAddress`: an address, else the domain; `vpcEndpointId` |
//! | `http_request.user_agent` | `userAgent` |
//! | `unmapped` | every other member at the top of the record, such as `additionalEventData` and `serviceEventDetails` |
//! | `raw_data` | the record as delivered |
//!
//! A member that is absent, null or an empty text leaves its field absent; one of another JSON type makes it
//! wrong-type. `finding.*` are never the source's.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use countersign_model::vocabulary::{EventClass, FieldId};
use countersign_model::{Fields, Timestamp, Value};
use serde_json::value::RawValue;

use super::accounts::Principal;
use super::caller::Caller;
use super::json::Member;
use super::outcome::{Outcome, is_sign_in_service, member};
use super::record::{Additional, Described, Resource, Top};
use super::target::{Acted, Bodies, arn_name};
use crate::intern::Interner;

/// All that a record's fields are made from.
pub(super) struct Parts<'r, 'a> {
    pub(super) raw: &'a str,
    pub(super) id: &'r Arc<str>,
    pub(super) class: EventClass,
    pub(super) top: &'r Top<'a>,
    pub(super) caller: &'r Caller<'a>,
    pub(super) principal: &'r Principal<'a>,
    pub(super) outcome: &'r Outcome<'a>,
    pub(super) bodies: &'r Bodies<'a>,
    pub(super) acted: &'r Acted<'a>,
}

/// The fields of a record.
pub(super) fn fields(parts: &Parts<'_, '_>, texts: &mut Interner) -> Fields {
    let mut filler = Filler { fields: Fields::default(), texts };
    filler.event(parts);
    filler.actor(parts);
    filler.acted_on(parts);
    filler.bodies(parts);
    filler.fields
}

struct Filler<'t> {
    fields: Fields,
    texts: &'t mut Interner,
}

impl Filler<'_> {
    fn event(&mut self, parts: &Parts<'_, '_>) {
        let Parts { top, outcome, .. } = parts;
        self.fields.set(FieldId::MetadataUid, Value::Text(Arc::clone(parts.id)));
        self.text(FieldId::MetadataEventCode, top.event_type);
        self.known(FieldId::MetadataProductName, Some("CloudTrail"));
        self.fields.set(FieldId::ClassUid, Value::Unsigned(parts.class.uid().into()));
        self.fields.set(FieldId::StatusId, Value::Unsigned(if outcome.success { 1 } else { 2 }));
        self.known(FieldId::StatusCode, outcome.code.as_deref());
        self.rare(FieldId::StatusDetail, top.error_message);
        if outcome.denied || outcome.success {
            self.fields.set(FieldId::ActionId, Value::Unsigned(if outcome.denied { 2 } else { 1 }));
        }
        self.is_mfa(parts);
        self.known(FieldId::CloudProvider, Some("AWS"));
        self.text(FieldId::CloudAccountUid, top.recipient_account);
        self.text(FieldId::CloudRegion, top.region);
        self.text(FieldId::ApiOperation, top.event_name);
        self.text(FieldId::ApiServiceName, top.event_source);
        self.rare(FieldId::ApiRequestUid, top.request_id);
        self.text(FieldId::ApiResponseError, top.error_code);
        self.rare(FieldId::ApiResponseMessage, top.error_message);
        match top.source_address.text().map(|source| (source.parse::<IpAddr>(), source)) {
            Some((Ok(address), _)) => self.fields.set(FieldId::SrcEndpointIp, Value::Address(address)),
            Some((Err(_), domain)) => self.known(FieldId::SrcEndpointDomain, Some(&domain)),
            None => self.text(FieldId::SrcEndpointIp, top.source_address),
        }
        self.text(FieldId::SrcEndpointUid, top.vpc_endpoint);
        self.text(FieldId::HttpRequestUserAgent, top.user_agent);
    }

    fn is_mfa(&mut self, parts: &Parts<'_, '_>) {
        let used = is_sign_in_service(parts.top)
            .then(|| member(parts.top, "additionalEventData").members::<Additional<'_>>().mfa_used)
            .filter(|used| used.json().is_some());
        match used {
            None => self.truth(FieldId::IsMfa, parts.caller.attributes.is_mfa),
            Some(used) => {
                let value = match used.text().as_deref() {
                    Some("Yes") => Value::Boolean(true),
                    Some("No") => Value::Boolean(false),
                    _ => Value::WrongType,
                };
                self.fields.set(FieldId::IsMfa, value);
            }
        }
    }

    fn actor(&mut self, parts: &Parts<'_, '_>) {
        let Parts { caller, principal, .. } = parts;
        let identity = &caller.identity;
        match &principal.account {
            Some(account) => {
                self.known(FieldId::ActorUserUid, Some(&account.subject));
                self.known(FieldId::ActorUserAccountUid, Some(&account.tenant));
            }
            None => {
                if identity.principal.is_wrong_type_for_text() {
                    self.fields.set(FieldId::ActorUserUid, Value::WrongType);
                }
                self.text(FieldId::ActorUserAccountUid, identity.account);
            }
        }
        self.text(FieldId::ActorUserUidAlt, identity.arn);
        self.text(FieldId::ActorUserName, caller.name());
        self.text(FieldId::ActorUserType, identity.kind);
        self.text(FieldId::ActorUserCredentialUid, identity.access_key);
        self.known(FieldId::ActorSessionUid, principal.session.as_deref());
        self.text(FieldId::ActorSessionIssuer, caller.issuer.arn);
        self.truth(FieldId::ActorSessionIsMfa, caller.attributes.is_mfa);
        if let Some(created) = caller.attributes.created.json() {
            let time = caller.attributes.created.text().and_then(|text| text.parse::<Timestamp>().ok());
            let value = time.map_or(Value::WrongType, |time| Value::Timestamp(time.micros()));
            if created != "\"\"" {
                self.fields.set(FieldId::ActorSessionCreatedTime, value);
            }
        }
        self.text(FieldId::ActorInvokedBy, identity.invoked_by);
        self.either(FieldId::ActorIdpName, identity.identity_provider, caller.web.provider);
        self.known(FieldId::DeviceInstanceUid, caller.instance().as_deref());
    }

    fn acted_on(&mut self, parts: &Parts<'_, '_>) {
        let Parts { acted, bodies, .. } = parts;
        let Bodies { request, response } = bodies;
        self.known(FieldId::UserUid, acted.account.as_ref().map(|account| &*account.subject));
        self.known(FieldId::UserUidAlt, acted.arn.as_deref());
        match &acted.name {
            Some(name) => self.known(FieldId::UserName, Some(name)),
            None if request.user_name.json().is_some() => self.text(FieldId::UserName, request.user_name),
            None => self.text(FieldId::UserName, request.role_name),
        }
        self.known(FieldId::UserType, acted.kind);
        self.known(FieldId::UserCredentialUid, acted.credential.as_deref());
        self.text(FieldId::GroupName, request.group_name);
        self.either(FieldId::GroupUid, response.group.members::<Described<'_>>().group_id, request.group);
        if self.fields.get(FieldId::GroupUid).is_none() {
            self.text(FieldId::GroupUid, response.group_id);
        }
        let made: Described<'_> = response.policy.members();
        self.either(FieldId::PolicyUid, request.policy_arn, request.managed_policy_arn);
        if self.fields.get(FieldId::PolicyUid).is_none() {
            self.text(FieldId::PolicyUid, made.arn);
        }
        self.either(FieldId::PolicyName, request.policy_name, made.policy_name);
        if self.fields.get(FieldId::PolicyName).is_none() {
            let name = self.fields.text(FieldId::PolicyUid).and_then(arn_name).map(Cow::into_owned);
            self.known(FieldId::PolicyName, name.as_deref());
        }
        let (assumed, federated): (Described<'_>, Described<'_>) =
            (response.assumed_role.members(), response.federated_user.members());
        self.either(FieldId::SessionUid, assumed.assumed_role, federated.federated_user);
        self.text(FieldId::SessionCredentialUid, response.credentials.members::<Described<'_>>().access_key);
        self.resources(parts.top.resources);
    }

    fn resources(&mut self, resources: Member<'_>) {
        let Some(json) = resources.json() else { return };
        let value = match serde_json::from_str::<Vec<&RawValue>>(json) {
            Err(_) => Value::WrongType,
            Ok(resources) => Value::TextList(
                resources
                    .into_iter()
                    .filter_map(|resource| {
                        let resource: Resource<'_> = Member::new(resource.get()).members();
                        resource.arn.text().or_else(|| resource.arn_lower.text())
                    })
                    .map(|arn| self.texts.share(&arn))
                    .collect(),
            ),
        };
        self.fields.set(FieldId::ResourcesUid, value);
    }

    fn bodies(&mut self, parts: &Parts<'_, '_>) {
        let mut json = |field, member: Member<'_>| {
            if let Some(json) = member.json() {
                self.fields.set(field, Value::Json(Arc::from(json)));
            }
        };
        json(FieldId::ApiRequestData, parts.top.request);
        json(FieldId::ApiResponseData, parts.top.response);
        if !parts.top.unmapped.is_empty() {
            self.fields.set(FieldId::Unmapped, Value::Json(object(&parts.top.unmapped).into()));
        }
        self.fields.set(FieldId::RawData, Value::Json(Arc::from(parts.raw)));
    }

    /// A text that repeats among records.
    fn text(&mut self, field: FieldId, member: Member<'_>) {
        match member.text() {
            Some(text) => self.known(field, Some(&text)),
            None => self.wrong_type(field, member),
        }
    }

    /// A text that hardly repeats: sharing it would push others out.
    fn rare(&mut self, field: FieldId, member: Member<'_>) {
        match member.text() {
            Some(text) => self.fields.set(field, Value::Text(Arc::from(&*text))),
            None => self.wrong_type(field, member),
        }
    }

    fn either(&mut self, field: FieldId, first: Member<'_>, second: Member<'_>) {
        self.text(field, if first.text().is_some() || second.json().is_none() { first } else { second });
    }

    fn known(&mut self, field: FieldId, text: Option<&str>) {
        if let Some(text) = text {
            let text = self.texts.share(text);
            self.fields.set(field, Value::Text(text));
        }
    }

    fn truth(&mut self, field: FieldId, member: Member<'_>) {
        if member.json().is_some() {
            self.fields.set(field, member.truth().map_or(Value::WrongType, Value::Boolean));
        }
    }

    fn wrong_type(&mut self, field: FieldId, member: Member<'_>) {
        if member.is_wrong_type_for_text() {
            self.fields.set(field, Value::WrongType);
        }
    }
}

/// The members as an object, in the record's order.
fn object(members: &[(Cow<'_, str>, &str)]) -> String {
    let mut text = String::with_capacity(members.iter().map(|(name, json)| name.len() + json.len() + 4).sum());
    for (name, json) in members {
        text.push(if text.is_empty() { '{' } else { ',' });
        text.push_str(&serde_json::Value::from(&**name).to_string());
        text.push(':');
        text.push_str(json);
    }
    text.push('}');
    text
}
