//! What an AWS CloudTrail record contains about its caller. Each function reads fields that the rule must declare.

use countersign_vocabulary::FieldId;

use crate::rule::DetectionDeclaration;
use crate::{Event, Json, fields};

/// The path and name of the role that the caller assumed: the text behind the first `:role/` of its ARN (a path may
/// contain another). None for callers without a role.
#[must_use]
pub fn role_path<'a, R: DetectionDeclaration + fields::ActorSessionIssuer>(event: &Event<'a, R>) -> Option<&'a str> {
    event.actor_session_issuer()?.split_once(":role/").map(|(_, path)| path)
}

/// Whether only a service of the provider can assume the caller's role.
#[must_use]
pub fn is_service_role<R: DetectionDeclaration + fields::ActorSessionIssuer>(event: &Event<'_, R>) -> bool {
    role_path(event).is_some_and(|path| path.starts_with("aws-service-role/"))
}

/// Whether the provider itself acted: as a service principal, or in a role that only a service can assume.
#[must_use]
pub fn is_provider<R: DetectionDeclaration + fields::ActorSessionIssuer + fields::ActorUserType>(
    event: &Event<'_, R>,
) -> bool {
    event.actor_user_type() == Some("AWSService") || is_service_role(event)
}

/// Whether the operator expects this caller: its unique id (`AIDA…`, `AROA…`) is among those named.
#[must_use]
pub fn is_expected<R: DetectionDeclaration + fields::ActorUserUid>(event: &Event<'_, R>, expected: &[String]) -> bool {
    event.actor_user_uid().is_some_and(|caller| expected.iter().any(|id| id == caller))
}

/// Whether the request is larger than what the record shows of it: than a field may be (64 KiB), or than CloudTrail writes
/// down (100 KB). The caller may have padded it with white space.
#[must_use]
pub fn is_request_out_of_sight<R: DetectionDeclaration + fields::ApiRequestData>(event: &Event<'_, R>) -> bool {
    let omitted = |body: Json<'_>| body.get("omitted").and_then(Json::truth) == Some(true);
    event.has_wrong_type(FieldId::ApiRequestData) || event.api_request_data().and_then(Json::parse).is_some_and(omitted)
}

/// The caller for a message: its ARN, else its name.
#[must_use]
pub fn caller<'a, R: DetectionDeclaration + fields::ActorUserUidAlt + fields::ActorUserName>(
    event: &Event<'a, R>,
) -> &'a str {
    event.actor_user_uid_alt().or(event.actor_user_name()).unwrap_or("an unnamed caller")
}
