//! The account that a call acted on, where the record proves which it is: an immutable id in the response or the request,
//! or the caller itself. Never a name alone, since names get reused.

use std::borrow::Cow;

use countersign_model::Account;
use countersign_model::vocabulary::{EventClass, IdentityType};

use super::accounts::{Principal, account_id, account_of, arn_account, role_part, role_type};
use super::caller::Caller;
use super::record::{Described, GroupMember, Request, Response, Top};
use crate::json::Member;

/// The entity that a call acted on, as far as the record shows.
#[derive(Default)]
pub(crate) struct Acted<'a> {
    /// Its account, where the record proves it.
    pub(crate) account: Option<Account>,
    /// The type that the record proves.
    pub(crate) proved_type: Option<IdentityType>,
    /// Several may use it: a role.
    pub(crate) shared: bool,
    /// The credential made or changed.
    pub(crate) credential: Option<Cow<'a, str>>,
    /// `User` or `Role`.
    pub(crate) kind: Option<&'static str>,
    /// Its name.
    pub(crate) name: Option<Cow<'a, str>>,
    /// Its ARN.
    pub(crate) arn: Option<Cow<'a, str>>,
}

/// Request and response of an identity operation.
pub(crate) struct Bodies<'a> {
    pub(crate) request: Request<'a>,
    pub(crate) response: Response<'a>,
}

impl<'a> Bodies<'a> {
    /// Of a record of this class; other classes' bodies aren't looked into, but for credentials handed out.
    pub(crate) fn of(top: &Top<'a>, class: EventClass) -> Bodies<'a> {
        match class {
            EventClass::ApiActivity => Bodies { request: Request::default(), response: Response::default() },
            _ => Bodies { request: top.request.members(), response: top.response.members() },
        }
    }
}

/// The entity that the call acted on.
pub(crate) fn acted<'a>(
    top: &Top<'a>,
    class: EventClass,
    bodies: &Bodies<'a>,
    caller: &Caller<'a>,
    principal: &Principal<'a>,
) -> Acted<'a> {
    let service = top.event_source.text().unwrap_or_default();
    let mut acted = match service.split_once('.').map_or(&*service, |(name, _)| name) {
        "iam" if class != EventClass::ApiActivity => iam(top, class, bodies, caller, principal),
        "sts" => sts(top, bodies, caller, principal),
        "identitystore" | "sso-directory" => directory(bodies),
        _ => Acted::default(),
    };
    acted.credential = credential(bodies);
    acted
}

/// The id of the credential made or changed.
fn credential<'a>(bodies: &Bodies<'a>) -> Option<Cow<'a, str>> {
    let Bodies { request, response } = bodies;
    let described = |member: Member<'a>| member.members::<Described<'a>>();
    described(response.access_key)
        .access_key
        .text()
        .or_else(|| request.access_key.text())
        .or_else(|| described(response.credentials).access_key.text())
        .or_else(|| described(response.mfa_device).serial_number.text())
        .or_else(|| request.serial_number.text())
        .or_else(|| described(response.service_credential).service_credential.text())
        .or_else(|| request.service_credential.text())
        .or_else(|| described(response.ssh_public_key).ssh_public_key.text())
        .or_else(|| request.ssh_public_key.text())
        .or_else(|| described(response.certificate).certificate.text())
        .or_else(|| request.certificate.text())
}

fn iam<'a>(
    top: &Top<'a>,
    class: EventClass,
    bodies: &Bodies<'a>,
    caller: &Caller<'a>,
    principal: &Principal<'a>,
) -> Acted<'a> {
    let Bodies { request, response } = bodies;
    let recipient = account_id(top.recipient_account);
    // Names are compared within one account only.
    let own = principal.account.as_ref().filter(|account| Some(&*account.tenant) == recipient.as_deref());
    let tenant =
        |arn: Option<&str>| arn.and_then(arn_account).map(str::to_owned).or(recipient.as_deref().map(str::to_owned));
    let user: Described<'a> = response.user.members();
    let role: Described<'a> = response.role.members();
    if let Some(id) = role.role_id.text() {
        let arn = role.arn.text();
        return Acted {
            account: tenant(arn.as_deref()).and_then(|tenant| account_of(&tenant, &id)),
            proved_type: arn.as_deref().and_then(role_type),
            shared: true,
            kind: Some("Role"),
            name: request.role_name.text().or_else(|| arn.as_deref().and_then(arn_name)),
            arn,
            ..Acted::default()
        };
    }
    if let Some(id) = user.user_id.text() {
        let arn = user.arn.text();
        return Acted {
            account: tenant(arn.as_deref()).and_then(|tenant| account_of(&tenant, &id)),
            kind: Some("User"),
            name: request.user_name.text(),
            arn,
            ..Acted::default()
        };
    }
    let itself = |kind: &'static str, name: Option<Cow<'a, str>>| Acted {
        account: own.cloned(),
        proved_type: principal.proved_type,
        shared: principal.shared,
        kind: Some(kind),
        name,
        arn: if caller.is_role() { caller.issuer.arn.text() } else { caller.identity.arn.text() },
        ..Acted::default()
    };
    // A user's or role's name is unique in its account at any one time, whatever its case, so a caller of the same name
    // is the same one.
    let same = |own: Member<'a>, named: &str| own.text().is_some_and(|own| own.eq_ignore_ascii_case(named));
    match (request.user_name.text(), request.role_name.text()) {
        (Some(name), _) if own.is_some() && caller.kind() == "IAMUser" && same(caller.identity.user_name, &name) => {
            itself("User", Some(name))
        }
        (None, Some(name)) if own.is_some() && caller.is_role() && same(caller.issuer.user_name, &name) => {
            itself("Role", Some(name))
        }
        (Some(name), _) => Acted { kind: Some("User"), name: Some(name), ..Acted::default() },
        (None, Some(name)) => Acted { kind: Some("Role"), name: Some(name), ..Acted::default() },
        // IAM takes an absent user name for the caller's own.
        (None, None)
            if own.is_some()
                && class == EventClass::AccountChange
                && request.user_name.json().is_none()
                && takes_the_caller(top)
                && matches!(&*caller.kind(), "IAMUser" | "Root") =>
        {
            itself("User", caller.identity.user_name.text())
        }
        (None, None) => Acted::default(),
    }
}

/// Operations on credentials whose user name may be left out; IAM then takes the caller.
fn takes_the_caller(top: &Top<'_>) -> bool {
    matches!(
        top.event_name.text().as_deref(),
        Some(
            "ChangePassword"
                | "CreateAccessKey"
                | "UpdateAccessKey"
                | "DeleteAccessKey"
                | "CreateLoginProfile"
                | "UpdateLoginProfile"
                | "DeleteLoginProfile"
                | "DeactivateMFADevice"
                | "EnableMFADevice"
                | "ResyncMFADevice"
                | "UploadSigningCertificate"
                | "UpdateSigningCertificate"
                | "DeleteSigningCertificate"
                | "UpdateServiceSpecificCredential"
                | "DeleteServiceSpecificCredential"
                | "ResetServiceSpecificCredential"
        )
    )
}

fn sts<'a>(top: &Top<'a>, bodies: &Bodies<'a>, caller: &Caller<'a>, principal: &Principal<'a>) -> Acted<'a> {
    let Bodies { request, response } = bodies;
    let assumed: Described<'a> = response.assumed_role.members();
    let federated: Described<'a> = response.federated_user.members();
    if let Some(role_arn) = request.role_arn.text() {
        let account = assumed.assumed_role.text().and_then(|id| {
            let arn = assumed.arn.text();
            let tenant = arn.as_deref().and_then(arn_account).or_else(|| arn_account(&role_arn))?;
            account_of(tenant, role_part(&id))
        });
        return Acted {
            proved_type: role_type(&role_arn),
            account,
            shared: true,
            kind: Some("Role"),
            name: arn_name(&role_arn),
            arn: Some(role_arn),
            ..Acted::default()
        };
    }
    if let Some(id) = federated.federated_user.text() {
        let arn = federated.arn.text();
        let account = arn.as_deref().and_then(arn_account).and_then(|tenant| account_of(tenant, &id));
        return Acted { account, kind: Some("User"), arn, ..Acted::default() };
    }
    if top.event_name.text().as_deref() == Some("GetSessionToken") && response.credentials.json().is_some() {
        return Acted {
            account: principal.account.clone(),
            proved_type: principal.proved_type,
            kind: Some("User"),
            name: caller.identity.user_name.text(),
            arn: caller.identity.arn.text(),
            ..Acted::default()
        };
    }
    Acted::default()
}

fn directory<'a>(bodies: &Bodies<'a>) -> Acted<'a> {
    let Bodies { request, response } = bodies;
    let member: GroupMember<'a> = request.member.members();
    let id = response.user_id.text().or_else(|| request.user.text()).or_else(|| member.user.text());
    let Some(id) = id else { return Acted::default() };
    let account = request.identity_store.text().and_then(|store| account_of(&store, &id));
    Acted { account, kind: Some("User"), name: request.user_name.text(), ..Acted::default() }
}

/// The last part of an ARN's path: the name of a user, role or policy.
pub(crate) fn arn_name<'a>(arn: &str) -> Option<Cow<'a, str>> {
    arn.rsplit_once('/').map(|(_, name)| Cow::Owned(name.to_owned()))
}
