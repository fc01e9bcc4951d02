//! The members of a CloudTrail record that we know, as the user guide names them ("CloudTrail record contents",
//! "CloudTrail userIdentity element"), in any spelling: tables of query engines have them in lower case.

use crate::json::members;

members!(
    /// A record.
    Top in any_spelling {
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
        // Where Logstash moves `eventTime`.
        timestamp = "@timestamp",
        // The generator's envelope; see `CloudTrail`.
        receipt_time = "countersign.ingestTime",
        ..unmapped
    }
);

members!(
    /// Who made the call.
    UserIdentity in any_spelling {
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
    SessionContext in any_spelling {
        issuer = "sessionIssuer",
        attributes = "attributes",
        web_federation = "webIdFederationData",
        instance_delivery = "ec2RoleDelivery",
        source_identity = "sourceIdentity",
    }
);

members!(
    /// Whose credentials the temporary ones were made from.
    SessionIssuer in any_spelling {
        kind = "type",
        principal = "principalId",
        arn = "arn",
        account = "accountId",
        user_name = "userName",
    }
);

members!(
    /// Attributes of a session.
    SessionAttributes in any_spelling {
        is_mfa = "mfaAuthenticated",
        created = "creationDate",
    }
);

members!(
    /// The web identity that a session began with.
    WebFederation in any_spelling {
        provider = "federatedProvider",
    }
);

members!(
    /// The Identity Center user on whose behalf the call was made.
    OnBehalfOf in any_spelling {
        user = "userId",
        store = "identityStoreArn",
    }
);

members!(
    /// What credentials were issued to by a platform.
    InScopeOf in any_spelling {
        kind = "issuerType",
        issued_to = "credentialsIssuedTo",
    }
);

members!(
    /// The parameters of identity operations.
    Request in any_spelling {
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
    Response in any_spelling {
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
    Described in any_spelling {
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
    GroupMember in any_spelling {
        user = "userId",
    }
);

members!(
    /// One of the resources touched.
    Resource in any_spelling {
        arn = "ARN",
    }
);

members!(
    /// Details of sign-ins.
    Additional in any_spelling {
        mfa_used = "MFAUsed",
        credential_type = "CredentialType",
    }
);

members!(
    /// How a service's own act went.
    ServiceOutcome in any_spelling {
        kind = "statusType",
        code = "statusCode",
    }
);
