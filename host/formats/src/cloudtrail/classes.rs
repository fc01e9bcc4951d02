//! Which OCSF class a record has: exactly one, by its service and operation.
//!
//! A policy attached to a group is a grant (3005). An operation has its class also where it failed.

use countersign_model::vocabulary::EventClass;

use crate::documentation::{Table, class_words};

/// The class of some operations of some services.
struct Row {
    /// The part of a service's name before the first dot.
    services: &'static [&'static str],
    /// What the operations do, for people.
    what: &'static str,
    /// Every operation of the services where there are none.
    operations: &'static [&'static str],
    class: EventClass,
}

/// The first row that holds gives the class; every other operation is API activity.
const CLASSES: &[Row] = &[
    Row {
        services: &["signin", "sts"],
        what: "sign-in, credentials of sessions",
        operations: &[],
        class: EventClass::Authentication,
    },
    Row {
        services: &["iam"],
        what: "a user or a credential made, changed or removed",
        operations: &[
            "CreateUser",
            "DeleteUser",
            "UpdateUser",
            "TagUser",
            "UntagUser",
            "CreateAccessKey",
            "DeleteAccessKey",
            "UpdateAccessKey",
            "CreateLoginProfile",
            "DeleteLoginProfile",
            "UpdateLoginProfile",
            "ChangePassword",
            "CreateVirtualMFADevice",
            "DeleteVirtualMFADevice",
            "EnableMFADevice",
            "DeactivateMFADevice",
            "ResyncMFADevice",
            "TagMFADevice",
            "UntagMFADevice",
            "CreateServiceSpecificCredential",
            "DeleteServiceSpecificCredential",
            "UpdateServiceSpecificCredential",
            "ResetServiceSpecificCredential",
            "UploadSSHPublicKey",
            "DeleteSSHPublicKey",
            "UpdateSSHPublicKey",
            "UploadSigningCertificate",
            "DeleteSigningCertificate",
            "UpdateSigningCertificate",
        ],
        class: EventClass::AccountChange,
    },
    Row {
        services: &["iam"],
        what: "policies attached or written, roles and their trust",
        operations: &[
            "AttachUserPolicy",
            "AttachRolePolicy",
            "AttachGroupPolicy",
            "DetachUserPolicy",
            "DetachRolePolicy",
            "DetachGroupPolicy",
            "PutUserPolicy",
            "PutRolePolicy",
            "PutGroupPolicy",
            "DeleteUserPolicy",
            "DeleteRolePolicy",
            "DeleteGroupPolicy",
            "PutUserPermissionsBoundary",
            "PutRolePermissionsBoundary",
            "DeleteUserPermissionsBoundary",
            "DeleteRolePermissionsBoundary",
            "CreatePolicy",
            "DeletePolicy",
            "CreatePolicyVersion",
            "DeletePolicyVersion",
            "SetDefaultPolicyVersion",
            "CreateRole",
            "DeleteRole",
            "UpdateRole",
            "UpdateRoleDescription",
            "UpdateAssumeRolePolicy",
            "TagRole",
            "UntagRole",
            "CreateServiceLinkedRole",
            "DeleteServiceLinkedRole",
            "CreateInstanceProfile",
            "DeleteInstanceProfile",
            "AddRoleToInstanceProfile",
            "RemoveRoleFromInstanceProfile",
        ],
        class: EventClass::UserAccess,
    },
    Row {
        services: &["iam"],
        what: "a group or its members changed",
        operations: &["CreateGroup", "DeleteGroup", "UpdateGroup", "AddUserToGroup", "RemoveUserFromGroup"],
        class: EventClass::GroupManagement,
    },
    Row {
        services: &["identitystore", "sso-directory"],
        what: "users and their factors",
        operations: &[
            "CreateUser",
            "UpdateUser",
            "DeleteUser",
            "EnableUser",
            "DisableUser",
            "UpdatePassword",
            "StartVirtualMfaDeviceRegistration",
            "CompleteVirtualMfaDeviceRegistration",
            "StartWebAuthnDeviceRegistration",
            "CompleteWebAuthnDeviceRegistration",
            "UpdateMfaDeviceForUser",
            "DeleteMfaDeviceForUser",
        ],
        class: EventClass::AccountChange,
    },
    Row {
        services: &["identitystore", "sso-directory"],
        what: "groups and their members",
        operations: &[
            "CreateGroup",
            "UpdateGroup",
            "DeleteGroup",
            "CreateGroupMembership",
            "DeleteGroupMembership",
            "AddMemberToGroup",
            "RemoveMemberFromGroup",
        ],
        class: EventClass::GroupManagement,
    },
    Row {
        services: &["sso"],
        what: "account assignments and permission sets",
        operations: &[
            "CreateAccountAssignment",
            "DeleteAccountAssignment",
            "CreatePermissionSet",
            "UpdatePermissionSet",
            "DeletePermissionSet",
            "AttachManagedPolicyToPermissionSet",
            "DetachManagedPolicyFromPermissionSet",
            "AttachCustomerManagedPolicyReferenceToPermissionSet",
            "DetachCustomerManagedPolicyReferenceFromPermissionSet",
            "PutInlinePolicyToPermissionSet",
            "DeleteInlinePolicyFromPermissionSet",
            "ProvisionPermissionSet",
            "AssociateProfile",
            "DisassociateProfile",
        ],
        class: EventClass::UserAccess,
    },
];

/// The class of an operation of a service, such as `CreateUser` of `iam.amazonaws.com`.
pub(crate) fn class(service: &str, operation: &str) -> EventClass {
    let service = service.split_once('.').map_or(service, |(name, _)| name);
    let holds = |row: &&Row| {
        row.services.contains(&service) && (row.operations.is_empty() || row.operations.contains(&operation))
    };
    CLASSES.iter().find(holds).map_or(EventClass::ApiActivity, |row| row.class)
}

/// The table, for the documentation.
pub(super) fn table() -> Table {
    let code = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<String>>().join(", ");
    let rows = CLASSES.iter().map(|row| {
        let operations = if row.operations.is_empty() { "all".to_owned() } else { code(row.operations) };
        vec![code(row.services), row.what.to_owned(), operations, class_words(row.class)]
    });
    let rest = ["any", "the rest, all that only read among them", "any other", &class_words(EventClass::ApiActivity)];
    let rows = rows.chain([rest.map(str::to_owned).to_vec()]).collect();
    Table { name: "classes", head: &["service", "what", "operations", "class"], rows }
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
