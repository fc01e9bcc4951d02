//! The trust that a call made or changed: what others come through into the account.

use super::accounts::account_id;
use super::record::{Described, Top};
use super::target::Bodies;

/// The ARN of the role whose trust policy a successful call wrote, or of the identity provider that it made or changed.
pub(crate) fn trust(top: &Top<'_>, bodies: &Bodies<'_>, success: Option<bool>) -> Option<String> {
    let of_iam = top.event_source.text().is_some_and(|service| service.starts_with("iam."));
    if !of_iam || success != Some(true) {
        return None;
    }
    let Bodies { request, response } = bodies;
    let arn = match &*top.event_name.text()? {
        "CreateRole" | "UpdateAssumeRolePolicy" => {
            let role: Described<'_> = response.role.members();
            return role.arn.text().map(Into::into).or_else(|| {
                // The response to a change is empty. Paths aren't part of a role's name, which is unique without them.
                Some(format!("arn:aws:iam::{}:role/{}", account_id(top.recipient_account)?, request.role_name.text()?))
            });
        }
        "CreateSAMLProvider" | "UpdateSAMLProvider" => {
            request.saml_provider.text().or_else(|| response.saml_provider.text())
        }
        "CreateOpenIDConnectProvider"
        | "AddClientIDToOpenIDConnectProvider"
        | "UpdateOpenIDConnectProviderThumbprint" => {
            request.oidc_provider.text().or_else(|| response.oidc_provider.text())
        }
        _ => None,
    };
    arn.map(Into::into)
}
