//! Roles opened to whoever an identity provider vouches for: one of the intruder's own, a public one, a certificate.

use super::Intruder;
use crate::cloudtrail::{Call, iam};
use crate::estate::Role;
use crate::json::{list, object};
use crate::label::Story;

pub(super) fn write(story: &mut Story<'_, '_>, intruder: &Intruder<'_>) {
    let estate = story.plan.estate;
    let caller = intruder.with_stolen_key(estate);
    story.about(&caller);
    let account = estate.account(caller.account);
    let provider = |issuer: &str| format!("arn:aws:iam::{}:oidc-provider/{issuer}", account.id);
    let own = format!("id-{}.example.net", intruder.foreign_account);
    story.make(&caller, &iam::create_oidc_provider(&own, &provider(&own)));
    let opened = iam::trust_tokens(&provider(&own), &format!(r#""StringEquals":{{"{own}:aud":"sts"}}"#));
    let changed = story.make(&caller, &iam::update_trust(&account.deploy_role.name, &opened));
    let new = |story: &mut Story<'_, '_>, name: &str, document: &str| {
        let id = story.plan.random.id("AROA", 17);
        let role = Role { account: caller.account, path: "/".to_owned(), name: name.to_owned(), id };
        let created = iam::create_role(story.plan.now, account, &role, document);
        story.make(&caller, &created)
    };
    let audience = format!(r#""StringEquals":{{"{}:aud":"sts.amazonaws.com"}}"#, iam::GITHUB);
    let public = new(story, "ci-release", &iam::trust_tokens(&provider(iam::GITHUB), &audience));
    let anchor = Call::write("rolesanywhere", "CreateTrustAnchor").request(object! {
        "name" => "servers",
        "enabled" => true,
        "source" => object! { "sourceType" => "CERTIFICATE_BUNDLE" },
        "tags" => list![],
    });
    story.make(&caller, &anchor);
    let anywhere = new(story, "servers", &iam::trust(r#"{"Service":"rolesanywhere.amazonaws.com"}"#));
    story.expect_each("role-trust-opened-to-foreign-account", vec![changed, public, anywhere]);
}
