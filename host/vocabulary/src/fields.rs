//! The closed table of fields: OCSF 1.x attribute paths, with a type each. A rule sees only the fields it declared.

/// The type of a field's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// Unsigned 64-bit.
    Unsigned,
    /// Signed 64-bit.
    Signed,
    /// 64-bit floating point.
    Float,
    /// True or false.
    Boolean,
    /// UTF-8 text.
    Text,
    /// A list of UTF-8 texts.
    TextList,
    /// Microseconds since 1970-01-01T00:00:00Z.
    Timestamp,
    /// IPv4 or IPv6 address.
    Address,
    /// A body without a home in the schema, as JSON.
    Json,
}

impl FieldType {
    /// The id used in the schema hash and in messages.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            FieldType::Unsigned => "unsigned",
            FieldType::Signed => "signed",
            FieldType::Float => "float",
            FieldType::Boolean => "boolean",
            FieldType::Text => "text",
            FieldType::TextList => "text-list",
            FieldType::Timestamp => "timestamp",
            FieldType::Address => "address",
            FieldType::Json => "json",
        }
    }
}

/// One field of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The OCSF attribute path.
    pub path: &'static str,
    /// The accessor's name in SDKs: the path with underscores.
    pub accessor: &'static str,
    /// The type of its values.
    pub ty: FieldType,
    /// What it holds.
    pub meaning: &'static str,
}

/// A field's place in [`FIELDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(u16);

impl FieldId {
    /// The field with this path.
    #[must_use]
    pub fn from_path(path: &str) -> Option<FieldId> {
        FIELDS.iter().zip(0u16..).find(|(field, _)| field.path == path).map(|(_, index)| FieldId(index))
    }

    /// Its place in [`FIELDS`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The table's row.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "made only from places in the table")]
    pub const fn field(self) -> &'static Field {
        &FIELDS[self.0 as usize]
    }
}

/// Calls a macro with the whole table, so that an SDK can make an accessor a field from the same source.
#[macro_export]
macro_rules! for_each_field {
    ($callback:ident) => {
        $callback! {
            (MetadataUid, metadata_uid, "metadata.uid", Text, "the event's id, unique within source and tenant"),
            (MetadataEventCode, metadata_event_code, "metadata.event_code", Text, "the source's own name or number of the kind of event"),
            (MetadataProductName, metadata_product_name, "metadata.product.name", Text, "the product that wrote the record"),
            (ClassUid, class_uid, "class_uid", Unsigned, "OCSF class"),
            (StatusId, status_id, "status_id", Unsigned, "1 success, 2 failure"),
            (StatusCode, status_code, "status_code", Text, "the source's own code of the outcome"),
            (StatusDetail, status_detail, "status_detail", Text, "the source's own words about the outcome"),
            (ActionId, action_id, "action_id", Unsigned, "1 allowed, 2 denied: refused for want of rights, not throttled or malformed"),
            (IsMfa, is_mfa, "is_mfa", Boolean, "whether the sign-in used a second factor"),
            (CloudProvider, cloud_provider, "cloud.provider", Text, "the cloud"),
            (CloudAccountUid, cloud_account_uid, "cloud.account.uid", Text, "the account or tenant that received the call"),
            (CloudRegion, cloud_region, "cloud.region", Text, "the region"),
            (ApiOperation, api_operation, "api.operation", Text, "the operation called"),
            (ApiServiceName, api_service_name, "api.service.name", Text, "the service called"),
            (ApiRequestUid, api_request_uid, "api.request.uid", Text, "the request's id"),
            (ApiRequestData, api_request_data, "api.request.data", Json, "the request's parameters"),
            (ApiResponseData, api_response_data, "api.response.data", Json, "the response's elements"),
            (ApiResponseError, api_response_error, "api.response.error", Text, "the error code"),
            (ApiResponseMessage, api_response_message, "api.response.message", Text, "the error message"),
            (ActorUserUid, actor_user_uid, "actor.user.uid", Text, "the actor's immutable subject id"),
            (ActorUserUidAlt, actor_user_uid_alt, "actor.user.uid_alt", Text, "the actor's other name in the source: an ARN, a distinguished name"),
            (ActorUserName, actor_user_name, "actor.user.name", Text, "the actor's name, which can be reused"),
            (ActorUserType, actor_user_type, "actor.user.type", Text, "the source's own type of the actor"),
            (ActorUserAccountUid, actor_user_account_uid, "actor.user.account.uid", Text, "the actor's own tenant"),
            (ActorUserCredentialUid, actor_user_credential_uid, "actor.user.credential_uid", Text, "the id of the credential used: an access key id"),
            (ActorSessionUid, actor_session_uid, "actor.session.uid", Text, "the actor's session"),
            (ActorSessionIssuer, actor_session_issuer, "actor.session.issuer", Text, "who issued the session: a role's ARN"),
            (ActorSessionIsMfa, actor_session_is_mfa, "actor.session.is_mfa", Boolean, "whether the session began with a second factor"),
            (ActorSessionCreatedTime, actor_session_created_time, "actor.session.created_time", Timestamp, "when the session began"),
            (ActorInvokedBy, actor_invoked_by, "actor.invoked_by", Text, "the service that called on the actor's behalf"),
            (ActorIdpName, actor_idp_name, "actor.idp.name", Text, "the identity provider that vouched for the actor"),
            (UserUid, user_uid, "user.uid", Text, "the immutable subject id of the user acted on"),
            (UserUidAlt, user_uid_alt, "user.uid_alt", Text, "another name of the user acted on: an ARN"),
            (UserName, user_name, "user.name", Text, "the name of the user acted on, which can be reused"),
            (UserType, user_type, "user.type", Text, "what is acted on: User, Role"),
            (UserCredentialUid, user_credential_uid, "user.credential_uid", Text, "the id of the credential made or changed"),
            (GroupName, group_name, "group.name", Text, "the group acted on"),
            (GroupUid, group_uid, "group.uid", Text, "the immutable id of the group acted on"),
            (PolicyUid, policy_uid, "policy.uid", Text, "the policy granted, by ARN"),
            (PolicyName, policy_name, "policy.name", Text, "the policy granted, by name"),
            (ResourcesUid, resources_uid, "resources.uid", TextList, "the resources touched"),
            (SessionUid, session_uid, "session.uid", Text, "the session that the event opened"),
            (SessionCredentialUid, session_credential_uid, "session.credential_uid", Text, "the credential id of the session that the event opened"),
            (DeviceInstanceUid, device_instance_uid, "device.instance_uid", Text, "the machine instance whose platform credentials the actor used"),
            (SrcEndpointIp, src_endpoint_ip, "src_endpoint.ip", Address, "the source address"),
            (SrcEndpointDomain, src_endpoint_domain, "src_endpoint.domain", Text, "the source where it isn't an address: a service's domain"),
            (SrcEndpointUid, src_endpoint_uid, "src_endpoint.uid", Text, "the private endpoint through which the call came"),
            (HttpRequestUserAgent, http_request_user_agent, "http_request.user_agent", Text, "the user agent, which the caller chose"),
            (Unmapped, unmapped, "unmapped", Json, "what the record had beside"),
            (RawData, raw_data, "raw_data", Json, "the whole record as delivered"),
            (FindingRule, finding_rule, "finding.rule", Text, "on a finding row: the rule that found it"),
            (FindingClass, finding_class, "finding.class", Text, "on a finding row: its signal class"),
            (FindingConfidence, finding_confidence, "finding.confidence", Unsigned, "on a finding row: its confidence, 0–100"),
            (FindingSeverity, finding_severity, "finding.severity", Unsigned, "on a finding row: its OCSF severity_id"),
            (FindingRole, finding_role, "finding.role", Text, "on a finding row: its subject's role"),
        }
    };
}

macro_rules! table {
    ($(($name:ident, $accessor:ident, $path:literal, $ty:ident, $meaning:literal),)+) => {
        /// Every field, in the table's order.
        pub const FIELDS: &[Field] = &[
            $(Field { path: $path, accessor: stringify!($accessor), ty: FieldType::$ty, meaning: $meaning },)+
        ];

        #[allow(clippy::upper_case_acronyms, reason = "the names follow the paths")]
        #[repr(u16)]
        enum Place { $($name,)+ }

        #[allow(non_upper_case_globals, reason = "named like the SDK's traits, after the paths")]
        impl FieldId {
            $(
                #[doc = concat!("`", $path, "`: ", $meaning, ".")]
                pub const $name: FieldId = FieldId(Place::$name as u16);
            )+
        }
    };
}

for_each_field!(table);

#[cfg(feature = "serde")]
impl serde::Serialize for FieldId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.field().path)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for FieldId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::from_path(&path).ok_or_else(|| serde::de::Error::custom(format!("`{path}` is not a field")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accessors_are_paths_with_underscores_and_every_path_is_found() {
        for (index, field) in FIELDS.iter().enumerate() {
            assert_eq!(field.accessor, field.path.replace('.', "_"));
            assert_eq!(FieldId::from_path(field.path).map(FieldId::index), Some(index));
        }
        assert_eq!(FieldId::FindingRole.field().path, "finding.role");
    }
}
