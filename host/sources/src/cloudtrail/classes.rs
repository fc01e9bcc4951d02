//! Which OCSF class a record has: exactly one, by its service and operation.
//!
//! | service | operations | class |
//! | --- | --- | --- |
//! | `signin`, `sts` | all | authentication 3002 |
//! | `iam` | those of [`is_account_change`] | account change 3001 |
//! | `iam` | those of [`is_grant`]: policies attached or written, roles and their trust | user access 3005 |
//! | `iam` | those of [`is_group_change`] | group management 3006 |
//! | `identitystore`, `sso-directory`, `sso` | users; groups; account assignments and permission sets | 3001; 3006; 3005 |
//! | any | the rest, all that only read among them | API activity 6003 |
//!
//! A policy attached to a group is a grant (3005). An operation has its class also where it failed.

use countersign_model::vocabulary::EventClass;

/// The class of an operation of a service, such as `CreateUser` of `iam.amazonaws.com`.
pub(super) fn class(service: &str, operation: &str) -> EventClass {
    match service.split_once('.').map_or(service, |(name, _)| name) {
        "signin" | "sts" => EventClass::Authentication,
        "iam" if is_account_change(operation) => EventClass::AccountChange,
        "iam" if is_grant(operation) => EventClass::UserAccess,
        "iam" if is_group_change(operation) => EventClass::GroupManagement,
        "identitystore" | "sso-directory" => directory_class(operation),
        "sso" if is_assignment(operation) => EventClass::UserAccess,
        _ => EventClass::ApiActivity,
    }
}

/// A user or a credential made, changed or removed.
fn is_account_change(operation: &str) -> bool {
    matches!(
        operation,
        "CreateUser"
            | "DeleteUser"
            | "UpdateUser"
            | "TagUser"
            | "UntagUser"
            | "CreateAccessKey"
            | "DeleteAccessKey"
            | "UpdateAccessKey"
            | "CreateLoginProfile"
            | "DeleteLoginProfile"
            | "UpdateLoginProfile"
            | "ChangePassword"
            | "CreateVirtualMFADevice"
            | "DeleteVirtualMFADevice"
            | "EnableMFADevice"
            | "DeactivateMFADevice"
            | "ResyncMFADevice"
            | "TagMFADevice"
            | "UntagMFADevice"
            | "CreateServiceSpecificCredential"
            | "DeleteServiceSpecificCredential"
            | "UpdateServiceSpecificCredential"
            | "ResetServiceSpecificCredential"
            | "UploadSSHPublicKey"
            | "DeleteSSHPublicKey"
            | "UpdateSSHPublicKey"
            | "UploadSigningCertificate"
            | "DeleteSigningCertificate"
            | "UpdateSigningCertificate"
    )
}

/// A policy or a role granted or taken away.
fn is_grant(operation: &str) -> bool {
    matches!(
        operation,
        "AttachUserPolicy"
            | "AttachRolePolicy"
            | "AttachGroupPolicy"
            | "DetachUserPolicy"
            | "DetachRolePolicy"
            | "DetachGroupPolicy"
            | "PutUserPolicy"
            | "PutRolePolicy"
            | "PutGroupPolicy"
            | "DeleteUserPolicy"
            | "DeleteRolePolicy"
            | "DeleteGroupPolicy"
            | "PutUserPermissionsBoundary"
            | "PutRolePermissionsBoundary"
            | "DeleteUserPermissionsBoundary"
            | "DeleteRolePermissionsBoundary"
            | "CreatePolicy"
            | "DeletePolicy"
            | "CreatePolicyVersion"
            | "DeletePolicyVersion"
            | "SetDefaultPolicyVersion"
            | "CreateRole"
            | "DeleteRole"
            | "UpdateRole"
            | "UpdateRoleDescription"
            | "UpdateAssumeRolePolicy"
            | "TagRole"
            | "UntagRole"
            | "CreateServiceLinkedRole"
            | "DeleteServiceLinkedRole"
            | "CreateInstanceProfile"
            | "DeleteInstanceProfile"
            | "AddRoleToInstanceProfile"
            | "RemoveRoleFromInstanceProfile"
    )
}

/// A group or its members changed.
fn is_group_change(operation: &str) -> bool {
    matches!(operation, "CreateGroup" | "DeleteGroup" | "UpdateGroup" | "AddUserToGroup" | "RemoveUserFromGroup")
}

fn directory_class(operation: &str) -> EventClass {
    match operation {
        "CreateUser"
        | "UpdateUser"
        | "DeleteUser"
        | "EnableUser"
        | "DisableUser"
        | "UpdatePassword"
        | "StartVirtualMfaDeviceRegistration"
        | "CompleteVirtualMfaDeviceRegistration"
        | "StartWebAuthnDeviceRegistration"
        | "CompleteWebAuthnDeviceRegistration"
        | "UpdateMfaDeviceForUser"
        | "DeleteMfaDeviceForUser" => EventClass::AccountChange,
        "CreateGroup"
        | "UpdateGroup"
        | "DeleteGroup"
        | "CreateGroupMembership"
        | "DeleteGroupMembership"
        | "AddMemberToGroup"
        | "RemoveMemberFromGroup" => EventClass::GroupManagement,
        _ => EventClass::ApiActivity,
    }
}

fn is_assignment(operation: &str) -> bool {
    matches!(
        operation,
        "CreateAccountAssignment"
            | "DeleteAccountAssignment"
            | "CreatePermissionSet"
            | "UpdatePermissionSet"
            | "DeletePermissionSet"
            | "AttachManagedPolicyToPermissionSet"
            | "DetachManagedPolicyFromPermissionSet"
            | "AttachCustomerManagedPolicyReferenceToPermissionSet"
            | "DetachCustomerManagedPolicyReferenceFromPermissionSet"
            | "PutInlinePolicyToPermissionSet"
            | "DeleteInlinePolicyFromPermissionSet"
            | "ProvisionPermissionSet"
            | "AssociateProfile"
            | "DisassociateProfile"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_one_class() {
        for (service, operation, expected) in [
            ("signin.amazonaws.com", "ConsoleLogin", EventClass::Authentication),
            ("sts.amazonaws.com", "GetCallerIdentity", EventClass::Authentication),
            ("sts.amazonaws.com.cn", "AssumeRole", EventClass::Authentication),
            ("iam.amazonaws.com", "CreateUser", EventClass::AccountChange),
            ("iam.amazonaws.com", "CreateAccessKey", EventClass::AccountChange),
            ("iam.amazonaws.com", "AttachGroupPolicy", EventClass::UserAccess),
            ("iam.amazonaws.com", "UpdateAssumeRolePolicy", EventClass::UserAccess),
            ("iam.amazonaws.com", "CreateRole", EventClass::UserAccess),
            ("iam.amazonaws.com", "AddUserToGroup", EventClass::GroupManagement),
            ("iam.amazonaws.com", "GetUser", EventClass::ApiActivity),
            ("identitystore.amazonaws.com", "CreateGroupMembership", EventClass::GroupManagement),
            ("sso.amazonaws.com", "CreateAccountAssignment", EventClass::UserAccess),
            ("cloudtrail.amazonaws.com", "StopLogging", EventClass::ApiActivity),
            ("cognito-idp.amazonaws.com", "CreateUser", EventClass::ApiActivity),
        ] {
            assert_eq!(class(service, operation), expected, "{service} {operation}");
        }
    }
}
