//! Roles opened to a foreign account and to all principals.

use super::Intruder;
use crate::cloudtrail::iam;
use crate::estate::Role;
use crate::label::Story;

pub(super) fn write(story: &mut Story<'_, '_>, intruder: &Intruder<'_>) {
    let estate = story.plan.estate;
    let caller = intruder.with_stolen_key(estate);
    story.about(&caller);
    let account = estate.account(caller.account);
    let foreign = iam::trust(&format!(r#"{{"AWS":"arn:aws:iam::{}:root"}}"#, intruder.foreign_account));
    let changed = story.make(&caller, &iam::update_trust(&account.deploy_role.name, &foreign));
    let role = Role {
        account: caller.account,
        path: "/".to_owned(),
        name: "support-access".to_owned(),
        id: story.plan.random.id("AROA", 17),
    };
    let open = iam::create_role(story.plan.now, account, &role, &iam::trust(r#"{"AWS":"*"}"#));
    let open = story.make(&caller, &open);
    let attach = iam::attach_role_policy(&role.name, "arn:aws:iam::aws:policy/ReadOnlyAccess");
    story.make(&caller, &attach);
    story.expect_each("role-trust-opened-to-foreign-account", vec![changed, open]);
}
