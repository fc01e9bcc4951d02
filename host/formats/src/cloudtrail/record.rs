//! The members of a CloudTrail record that we know, as the user guide names them ("CloudTrail record contents",
//! "CloudTrail userIdentity element").

use crate::json::members;

members!(
    /// A record.
    Top {
        event_time = "eventTime",
        event_name = "eventName",
        event_source = "eventSource",
        event_id = "eventID",
        event_type = "eventType",
        region = "awsRegion",
        recipient_account = "recipientAccountId",
        request_id = "requestID",
        source_address = "sourceIPAddress",
        vpc_endpoint = "vpcEndpointId",
        user_agent = "userAgent",
        user_identity = "userIdentity",
        request = "requestParameters",
        response = "responseElements",
        resources = "resources",
        error_code = "errorCode",
        error_message = "errorMessage",
        // The generator's envelope; see `CloudTrail`.
        receipt_time = "countersign.ingestTime",
        ..unmapped
    }
);

members!(
    /// Who made the call.
    UserIdentity {
        kind = "type",
        principal = "principalId",
        arn = "arn",
        account = "accountId",
        access_key = "accessKeyId",
        user_name = "userName",
        invoked_by = "invokedBy",
        identity_provider = "identityProvider",
        session_context = "sessionContext",
        on_behalf_of = "onBehalfOf",
        in_scope_of = "inScopeOf",
    }
);

members!(
    /// The session of temporary credentials.
    SessionContext {
        issuer = "sessionIssuer",
        attributes = "attributes",
        web_federation = "webIdFederationData",
        instance_delivery = "ec2RoleDelivery",
        source_identity = "sourceIdentity",
    }
);

members!(
    /// Whose credentials the temporary ones were made from.
    SessionIssuer {
        kind = "type",
        principal = "principalId",
        arn = "arn",
        account = "accountId",
        user_name = "userName",
    }
);

members!(
    /// Attributes of a session.
    SessionAttributes {
        is_mfa = "mfaAuthenticated",
        created = "creationDate",
    }
);

members!(
    /// The web identity that a session began with.
    WebFederation {
        provider = "federatedProvider",
    }
);

members!(
    /// The Identity Center user on whose behalf the call was made.
    OnBehalfOf {
        user = "userId",
        store = "identityStoreArn",
    }
);

members!(
    /// What credentials were issued to by a platform.
    InScopeOf {
        kind = "issuerType",
        issued_to = "credentialsIssuedTo",
    }
);

members!(
    /// The parameters of identity operations.
    Request {
        user_name = "userName",
        role_name = "roleName",
        group_name = "groupName",
        policy_arn = "policyArn",
        managed_policy_arn = "managedPolicyArn",
        policy_name = "policyName",
        role_arn = "roleArn",
        access_key = "accessKeyId",
        serial_number = "serialNumber",
        ssh_public_key = "sSHPublicKeyId",
        certificate = "certificateId",
        service_credential = "serviceSpecificCredentialId",
        user = "userId",
        group = "groupId",
        member = "memberId",
        identity_store = "identityStoreId",
        saml_provider = "sAMLProviderArn",
        oidc_provider = "openIDConnectProviderArn",
    }
);

members!(
    /// The elements of identity operations' responses.
    Response {
        user = "user",
        role = "role",
        group = "group",
        policy = "policy",
        access_key = "accessKey",
        service_credential = "serviceSpecificCredential",
        ssh_public_key = "sSHPublicKey",
        certificate = "certificate",
        mfa_device = "virtualMFADevice",
        credentials = "credentials",
        assumed_role = "assumedRoleUser",
        federated_user = "federatedUser",
        user_id = "userId",
        group_id = "groupId",
        saml_provider = "sAMLProviderArn",
        oidc_provider = "openIDConnectProviderArn",
    }
);

members!(
    /// A thing in a response: each has some of these.
    Described {
        arn = "arn",
        user_id = "userId",
        role_id = "roleId",
        group_id = "groupId",
        policy_name = "policyName",
        access_key = "accessKeyId",
        serial_number = "serialNumber",
        ssh_public_key = "sSHPublicKeyId",
        certificate = "certificateId",
        service_credential = "serviceSpecificCredentialId",
        assumed_role = "assumedRoleId",
        federated_user = "federatedUserId",
    }
);

members!(
    /// A member of a group in the identity store.
    GroupMember {
        user = "userId",
    }
);

members!(
    /// One of the resources touched.
    Resource {
        arn = "ARN",
        arn_lower = "arn",
    }
);

members!(
    /// Details of sign-ins.
    Additional {
        mfa_used = "MFAUsed",
    }
);
