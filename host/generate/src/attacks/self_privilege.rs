//! Administrator's rights for oneself, in the four ways there are.

use super::Intruder;
use crate::cloudtrail::caller::{Session, in_role};
use crate::cloudtrail::{iam, session};
use crate::label::Story;

pub(super) fn write(story: &mut Story<'_, '_>, intruder: &Intruder<'_>) {
    let estate = story.plan.estate;
    let caller = intruder.with_stolen_key(estate);
    story.about(&caller);
    let me = &intruder.victim.user.name;
    let refused = iam::attach_user_policy(me, "arn:aws:iam::aws:policy/IAMFullAccess");
    story.make_denied(&caller, refused);
    let found = vec![
        story.make(&caller, &iam::put_user_policy(me, "self-service", "*")),
        story.make(&caller, &iam::attach_user_policy(me, iam::ADMINISTRATOR)),
        story.make(&caller, &iam::add_user_to_group(me, "Administrators")),
    ];
    story.expect_each("privilege-attached-to-self", found);

    // Then the same through a role that the stolen key may assume: the session raises its own role.
    let account = estate.account(caller.account);
    let role = &account.deploy_role;
    let opened = Session::new(story.plan.random, story.plan.now, false);
    let name = "botocore-session-1772441111";
    let call = session::assume_role(story.plan.random, story.plan.now, account, role, name, &opened);
    story.make(&caller, &call);
    let mut in_session = in_role(account, role, name, &opened);
    in_session.address.clone_from(&caller.address);
    in_session.user_agent.clone_from(&caller.user_agent);
    let raised = story.make(&in_session, &iam::attach_role_policy(&role.name, iam::ADMINISTRATOR));
    story.expect_each("privilege-attached-to-self", vec![raised]);
}
