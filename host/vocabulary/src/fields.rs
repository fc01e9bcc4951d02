//! The closed table of fields: OCSF 1.x attribute paths, with a type each. A rule sees only the fields it declared.

use crate::text_ids;

text_ids! {
    /// The type of a field's values. Its id is used in the schema hash and in messages.
    pub enum FieldType {
        /// Unsigned 64-bit.
        Unsigned = "unsigned",
        /// Signed 64-bit.
        Signed = "signed",
        /// 64-bit floating point.
        Float = "float",
        /// True or false.
        Boolean = "boolean",
        /// UTF-8 text.
        Text = "text",
        /// A list of UTF-8 texts.
        TextList = "text-list",
        /// Microseconds since 1970-01-01T00:00:00Z.
        Timestamp = "timestamp",
        /// IPv4 or IPv6 address.
        Address = "address",
        /// A body without a home in the schema, as JSON.
        Json = "json",
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

    /// Every field, in the table's order.
    pub fn all() -> impl Iterator<Item = FieldId> {
        (0u16..).take(FIELDS.len()).map(FieldId)
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
            (MetadataCorrelationUid, metadata_correlation_uid, "metadata.correlation_uid", Text, "what the source groups this record with others by: a transaction"),
            (ClassUid, class_uid, "class_uid", Unsigned, "OCSF class"),
            (ActivityId, activity_id, "activity_id", Unsigned, "OCSF activity within the class: of authentication 1 logon, 2 logoff, 3 ticket, 4 service ticket"),
            (SeverityId, severity_id, "severity_id", Unsigned, "OCSF severity, as the record rates it"),
            (Message, message, "message", Text, "the source's description of the event"),
            (StatusId, status_id, "status_id", Unsigned, "1 success, 2 failure"),
            (StatusCode, status_code, "status_code", Text, "the source's own code of the outcome"),
            (StatusDetail, status_detail, "status_detail", Text, "the source's description of the outcome"),
            (ActionId, action_id, "action_id", Unsigned, "1 allowed, 2 denied: refused for want of rights, not throttled or malformed"),
            (IsMfa, is_mfa, "is_mfa", Boolean, "whether the sign-in used a second factor"),
            (AuthProtocol, auth_protocol, "auth_protocol", Text, "the protocol of the sign-in: Kerberos, NTLM, SAML, OpenID"),
            (AuthFactorsFactorType, auth_factors_factor_type, "auth_factors.factor_type", TextList, "the factors asked for or used, as the source names them"),
            (LogonTypeId, logon_type_id, "logon_type_id", Unsigned, "OCSF logon type, which is Windows' own: 2 interactive, 3 network, 5 service, 10 remote interactive"),
            (IsRemote, is_remote, "is_remote", Boolean, "whether the sign-in came over a network"),
            (RiskLevel, risk_level, "risk_level", Text, "the source's own rating of the risk"),
            (Privileges, privileges, "privileges", TextList, "the rights that the session was given"),
            (ServiceName, service_name, "service.name", Text, "the service or application signed in to: a Kerberos service, an app"),
            (ServiceUid, service_uid, "service.uid", Text, "its immutable id"),
            (AuthenticationTokenEncryptionDetailsAlgorithm, authentication_token_encryption_details_algorithm, "authentication_token.encryption_details.algorithm", Text, "how the ticket is encrypted, by its IANA name: rc4-hmac, aes256-cts-hmac-sha1-96"),
            (AuthenticationTokenKerberosFlags, authentication_token_kerberos_flags, "authentication_token.kerberos_flags", Text, "the ticket options, as the source writes them"),
            (WinPreAuthType, win_pre_auth_type, "win.pre_auth_type", Text, "Kerberos pre-authentication type, 0 for none"),
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
            (ActorUserDomain, actor_user_domain, "actor.user.domain", Text, "the domain of the actor's name"),
            (ActorUserType, actor_user_type, "actor.user.type", Text, "the source's own type of the actor"),
            (ActorUserAccountUid, actor_user_account_uid, "actor.user.account.uid", Text, "the actor's own tenant"),
            (ActorUserCredentialUid, actor_user_credential_uid, "actor.user.credential_uid", Text, "the id of the credential used: an access key id"),
            (ActorSessionUid, actor_session_uid, "actor.session.uid", Text, "the actor's session"),
            (ActorSessionIssuer, actor_session_issuer, "actor.session.issuer", Text, "who issued the session: a role's ARN"),
            (ActorSessionIsMfa, actor_session_is_mfa, "actor.session.is_mfa", Boolean, "whether the session began with a second factor"),
            (ActorSessionCreatedTime, actor_session_created_time, "actor.session.created_time", Timestamp, "when the session began"),
            (ActorInvokedBy, actor_invoked_by, "actor.invoked_by", Text, "the service that called on the actor's behalf"),
            (ActorIdpName, actor_idp_name, "actor.idp.name", Text, "the identity provider that vouched for the actor"),
            (ActorAppUid, actor_app_uid, "actor.app_uid", Text, "the client through which the actor came: an OAuth client id"),
            (ActorAppName, actor_app_name, "actor.app_name", Text, "that client's name"),
            (ActorProcessName, actor_process_name, "actor.process.name", Text, "the program that acted"),
            (UserUid, user_uid, "user.uid", Text, "the immutable subject id of the user acted on"),
            (UserUidAlt, user_uid_alt, "user.uid_alt", Text, "another name of the user acted on: an ARN"),
            (UserName, user_name, "user.name", Text, "the name of the user acted on, which can be reused"),
            (UserDomain, user_domain, "user.domain", Text, "the domain of that name"),
            (UserAccountUid, user_account_uid, "user.account.uid", Text, "the tenant of the user acted on"),
            (UserType, user_type, "user.type", Text, "what is acted on: User, Role"),
            (UserCredentialUid, user_credential_uid, "user.credential_uid", Text, "the id of the credential made or changed"),
            (GroupName, group_name, "group.name", Text, "the group acted on"),
            (GroupUid, group_uid, "group.uid", Text, "the immutable id of the group acted on"),
            (PolicyUid, policy_uid, "policy.uid", Text, "the policy granted, by ARN"),
            (PolicyName, policy_name, "policy.name", Text, "the policy granted, by name"),
            (ResourcesUid, resources_uid, "resources.uid", TextList, "the resources touched"),
            (ResourcesName, resources_name, "resources.name", TextList, "their names, in the same order"),
            (ResourcesType, resources_type, "resources.type", TextList, "their types, in the same order"),
            (EntityUid, entity_uid, "entity.uid", Text, "the managed entity touched, by its id: a directory object"),
            (EntityName, entity_name, "entity.name", Text, "its name"),
            (EntityType, entity_type, "entity.type", Text, "its type, as the source names it"),
            (AccessMask, access_mask, "access_mask", Unsigned, "the rights asked for, as bits"),
            (AccessList, access_list, "access_list", TextList, "the rights asked for, as the source names them"),
            (WinObjectProperties, win_object_properties, "win.object_properties", TextList, "the property sets and extended rights asked for: GUIDs in lower case without braces"),
            (SessionUid, session_uid, "session.uid", Text, "the session that the event opened"),
            (SessionCredentialUid, session_credential_uid, "session.credential_uid", Text, "the credential id of the session that the event opened"),
            (DeviceInstanceUid, device_instance_uid, "device.instance_uid", Text, "the machine instance whose platform credentials the actor used"),
            (DeviceUid, device_uid, "device.uid", Text, "the device that was used, by the id that its management gave it"),
            (DeviceHostname, device_hostname, "device.hostname", Text, "the device's or the logging machine's name"),
            (DeviceDomain, device_domain, "device.domain", Text, "the domain of that machine"),
            (DeviceOsName, device_os_name, "device.os.name", Text, "the operating system's family"),
            (SrcEndpointIp, src_endpoint_ip, "src_endpoint.ip", Address, "the source address"),
            (SrcEndpointDomain, src_endpoint_domain, "src_endpoint.domain", Text, "the source where it isn't an address: a service's domain"),
            (SrcEndpointUid, src_endpoint_uid, "src_endpoint.uid", Text, "the private endpoint through which the call came"),
            (SrcEndpointHostname, src_endpoint_hostname, "src_endpoint.hostname", Text, "the name of the machine at the source, which it chose"),
            (SrcEndpointPort, src_endpoint_port, "src_endpoint.port", Unsigned, "its port"),
            (SrcEndpointIntermediateIps, src_endpoint_intermediate_ips, "src_endpoint.intermediate_ips", TextList, "the addresses through which the request came, the nearest to the source first"),
            (SrcEndpointLocationCountry, src_endpoint_location_country, "src_endpoint.location.country", Text, "the source's country: ISO 3166-1 alpha-2, or as the record names it"),
            (SrcEndpointLocationCity, src_endpoint_location_city, "src_endpoint.location.city", Text, "the city"),
            (SrcEndpointLocationLat, src_endpoint_location_lat, "src_endpoint.location.lat", Float, "degrees, north positive"),
            (SrcEndpointLocationLong, src_endpoint_location_long, "src_endpoint.location.long", Float, "degrees, east positive"),
            (SrcEndpointLocationIsp, src_endpoint_location_isp, "src_endpoint.location.isp", Text, "who provides the network"),
            (SrcEndpointAutonomousSystemNumber, src_endpoint_autonomous_system_number, "src_endpoint.autonomous_system.number", Unsigned, "the number of the autonomous system that announces the address"),
            (SrcEndpointAutonomousSystemName, src_endpoint_autonomous_system_name, "src_endpoint.autonomous_system.name", Text, "its name"),
            (DstEndpointHostname, dst_endpoint_hostname, "dst_endpoint.hostname", Text, "the machine acted on"),
            (HttpRequestUserAgent, http_request_user_agent, "http_request.user_agent", Text, "the user agent, which the caller chose"),
            (Unmapped, unmapped, "unmapped", Json, "what else the record had"),
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
