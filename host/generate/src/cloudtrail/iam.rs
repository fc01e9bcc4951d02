//! Changes of users, credentials, policies, groups, roles and trusts.

use countersign_model::Timestamp;

use super::Call;
use super::caller::role_arn;
use crate::estate::{CloudAccount, Role};
use crate::json::{Json, list, object};
use crate::random::Random;
use crate::time::format_response;

/// The policy that grants everything.
pub(crate) const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// `CreateUser`.
pub(crate) fn create_user(time: Timestamp, account: &CloudAccount, name: &str, id: &str) -> Call {
    Call::write("iam", "CreateUser").request(object! { "userName" => name.to_owned(), "path" => "/" }).response(
        object! { "user" => object! {
            "path" => "/",
            "arn" => format!("arn:aws:iam::{}:user/{name}", account.id),
            "userId" => id.to_owned(),
            "createDate" => format_response(time),
            "userName" => name.to_owned(),
        } },
    )
}

/// `CreateAccessKey`: for another user by name, or for oneself where no name is sent.
pub(crate) fn create_access_key(random: &mut Random, time: Timestamp, owner: &str, named: bool) -> Call {
    let request = if named {
        object! { "userName" => owner.to_owned() }
    } else {
        Json::Null
    };
    Call::write("iam", "CreateAccessKey").request(request).response(object! { "accessKey" => object! {
        "accessKeyId" => random.id("AKIA", 16),
        "status" => "Active",
        "userName" => owner.to_owned(),
        "createDate" => format_response(time),
    } })
}

/// `CreateLoginProfile`.
pub(crate) fn create_login_profile(time: Timestamp, user: &str, reset: bool) -> Call {
    Call::write("iam", "CreateLoginProfile")
        .request(object! { "userName" => user.to_owned(), "passwordResetRequired" => reset })
        .response(object! { "loginProfile" => object! {
            "userName" => user.to_owned(),
            "createDate" => format_response(time),
            "passwordResetRequired" => reset,
        } })
}

/// `UpdateLoginProfile`.
pub(crate) fn update_login_profile(user: &str) -> Call {
    Call::write("iam", "UpdateLoginProfile")
        .request(object! { "userName" => user.to_owned(), "passwordResetRequired" => false })
}

/// `CreateVirtualMFADevice`.
pub(crate) fn create_mfa_device(account: &CloudAccount, user: &str) -> Call {
    Call::write("iam", "CreateVirtualMFADevice")
        .request(object! { "virtualMFADeviceName" => user.to_owned(), "path" => "/" })
        .response(object! { "virtualMFADevice" => object! {
            "serialNumber" => format!("arn:aws:iam::{}:mfa/{user}", account.id),
        } })
}

/// `EnableMFADevice`.
pub(crate) fn enable_mfa_device(account: &CloudAccount, user: &str) -> Call {
    Call::write("iam", "EnableMFADevice").request(object! {
        "userName" => user.to_owned(),
        "serialNumber" => format!("arn:aws:iam::{}:mfa/{user}", account.id),
    })
}

/// `AddUserToGroup`.
pub(crate) fn add_user_to_group(user: &str, group: &str) -> Call {
    Call::write("iam", "AddUserToGroup")
        .request(object! { "userName" => user.to_owned(), "groupName" => group.to_owned() })
}

/// `AttachUserPolicy`.
pub(crate) fn attach_user_policy(user: &str, policy: &str) -> Call {
    Call::write("iam", "AttachUserPolicy")
        .request(object! { "userName" => user.to_owned(), "policyArn" => policy.to_owned() })
}

/// `AttachRolePolicy`.
pub(crate) fn attach_role_policy(role: &str, policy: &str) -> Call {
    Call::write("iam", "AttachRolePolicy")
        .request(object! { "roleName" => role.to_owned(), "policyArn" => policy.to_owned() })
}

/// `PutUserPolicy`, allowing `actions` on everything.
pub(crate) fn put_user_policy(user: &str, name: &str, actions: &str) -> Call {
    Call::write("iam", "PutUserPolicy").request(object! {
        "userName" => user.to_owned(),
        "policyName" => name.to_owned(),
        "policyDocument" => allow(actions),
    })
}

/// `PutRolePolicy`, allowing `actions` on everything.
pub(crate) fn put_role_policy(role: &str, name: &str, actions: &str) -> Call {
    Call::write("iam", "PutRolePolicy").request(object! {
        "roleName" => role.to_owned(),
        "policyName" => name.to_owned(),
        "policyDocument" => allow(actions),
    })
}

/// `UpdateAssumeRolePolicy` with a trust document.
pub(crate) fn update_trust(role: &str, document: &str) -> Call {
    Call::write("iam", "UpdateAssumeRolePolicy")
        .request(object! { "roleName" => role.to_owned(), "policyDocument" => document.to_owned() })
}

/// `CreateRole` with a trust document.
pub(crate) fn create_role(time: Timestamp, account: &CloudAccount, role: &Role, document: &str) -> Call {
    Call::write("iam", "CreateRole")
        .request(object! {
            "path" => &role.path,
            "roleName" => &role.name,
            "assumeRolePolicyDocument" => document.to_owned(),
            "maxSessionDuration" => 3600,
        })
        .response(object! { "role" => object! {
            "path" => &role.path,
            "roleName" => &role.name,
            "roleId" => &role.id,
            "arn" => role_arn(account, role),
            "createDate" => format_response(time),
            "assumeRolePolicyDocument" => percent_encode(document),
        } })
}

/// The issuer of GitHub's pipelines.
pub(crate) const GITHUB: &str = "token.actions.githubusercontent.com";

/// `CreateOpenIDConnectProvider` for an issuer.
pub(crate) fn create_oidc_provider(issuer: &str, arn: &str) -> Call {
    Call::write("iam", "CreateOpenIDConnectProvider")
        .request(object! { "url" => format!("https://{issuer}"), "clientIDList" => list!["sts.amazonaws.com"] })
        .response(object! { "openIDConnectProviderArn" => arn.to_owned() })
}

/// A trust document that lets holders of a provider's tokens assume the role, under conditions such as
/// `"StringEquals":{…}`.
pub(crate) fn trust_tokens(provider: &str, conditions: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Federated":"{provider}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{{conditions}}}}}]}}"#
    )
}

/// A trust document that lets a principal, such as `{"AWS":"…"}` or `"*"`, assume the role.
pub(crate) fn trust(principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}]}}"#
    )
}

fn allow(actions: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{actions}","Resource":"*"}}]}}"#)
}

/// Documents come back percent-encoded in responses.
fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'*') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_json_and_come_back_percent_encoded() {
        let document = trust(r#"{"Service":"ec2.amazonaws.com"}"#);
        assert!(serde_json::from_str::<serde_json::Value>(&document).is_ok());
        assert!(percent_encode(&document).starts_with("%7B%22Version%22%3A%222012-10-17%22"));
        assert!(serde_json::from_str::<serde_json::Value>(&allow("*")).is_ok());
    }
}
