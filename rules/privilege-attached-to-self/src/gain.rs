//! How much a grant gains.

use countersign_sdk::cloudtrail::is_request_out_of_sight;
use countersign_sdk::{Json, prelude::Severity};

use crate::policy::document_gain;
use crate::{Event, Parameters};

/// What a grant gains, from little to much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gain {
    /// Looking at things.
    Reading,
    /// Some rights, or unknown ones.
    Rights,
    /// What a boundary kept out.
    Boundary,
    /// Rights to take more rights.
    Escalation,
    /// Everything, or all that decides on rights.
    Everything,
}

impl Gain {
    /// The confidence of the grant alone, before who did it and how is considered.
    pub(crate) const fn confidence(self) -> u8 {
        match self {
            Gain::Reading => 55,
            Gain::Rights => 65,
            Gain::Boundary => 70,
            Gain::Escalation => 80,
            Gain::Everything => 85,
        }
    }

    pub(crate) const fn severity(self) -> Severity {
        match self {
            Gain::Reading => Severity::Low,
            Gain::Rights => Severity::Medium,
            Gain::Boundary | Gain::Escalation | Gain::Everything => Severity::High,
        }
    }

    /// For the message.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Gain::Reading => "rights to read",
            Gain::Rights => "more rights",
            Gain::Boundary => "what the boundary kept out",
            Gain::Escalation => "rights to take more rights",
            Gain::Everything => "an administrator's rights",
        }
    }
}

/// What the event's grant gains; none if it only takes away.
pub(crate) fn gain(event: &Event<'_>, parameters: &Parameters<'_>) -> Option<Gain> {
    match event.api_operation()? {
        "AttachUserPolicy" | "AttachRolePolicy" => managed_gain(event, parameters),
        // IAM takes no document of this size but one that is padded with white space, which hides what it gains.
        "PutUserPolicy" | "PutRolePolicy" if is_request_out_of_sight(event) => Some(Gain::Everything),
        "PutUserPolicy" | "PutRolePolicy" => {
            let request = event.api_request_data().and_then(Json::parse);
            document_gain(request.and_then(|body| body.get("policyDocument")).and_then(Json::text).as_deref())
        }
        "AddUserToGroup" => Some(group_gain(event.group_name(), parameters)),
        "DeleteUserPermissionsBoundary" | "DeleteRolePermissionsBoundary" => Some(Gain::Boundary),
        _ => None,
    }
}

/// What a managed policy gains, as far as its name shows.
fn managed_gain(event: &Event<'_>, parameters: &Parameters<'_>) -> Option<Gain> {
    let Some(name) = event.policy_name() else { return Some(Gain::Rights) };
    let arn = event.policy_uid();
    let listed = |policy: &String| policy.eq_ignore_ascii_case(name) || Some(policy.as_str()) == arn;
    if parameters.admin_policies.iter().any(listed) {
        return Some(Gain::Everything);
    }
    // Only the names of AWS's own policies show what is in them: customers may give theirs any name.
    if arn.and_then(|arn| arn.split(':').nth(4)) != Some("aws") {
        return Some(Gain::Rights);
    }
    if name == "AWSDenyAll" || name.starts_with("AWSCompromisedKeyQuarantine") {
        return None;
    }
    let reading = ["ReadOnlyAccess", "ReadOnly", "ViewOnlyAccess", "SecurityAudit"];
    Some(if reading.iter().any(|end| name.ends_with(end)) { Gain::Reading } else { Gain::Rights })
}

fn group_gain(name: Option<&str>, parameters: &Parameters<'_>) -> Gain {
    let name = name.unwrap_or_default().to_ascii_lowercase();
    let of_administrators = |part: &String| !part.is_empty() && name.contains(part.to_ascii_lowercase().as_str());
    if parameters.admin_groups.iter().any(of_administrators) { Gain::Everything } else { Gain::Rights }
}
