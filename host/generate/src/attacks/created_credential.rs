//! Credentials made for other users: a way back in that survives the stolen key's end.

use super::Intruder;
use crate::cloudtrail::iam;
use crate::cloudtrail::reads::ENUMERATING;
use crate::label::Story;

pub(super) fn write(story: &mut Story<'_, '_>, intruder: &Intruder<'_>) {
    let estate = story.plan.estate;
    let caller = intruder.with_stolen_key(estate);
    story.about(&caller);
    let account = estate.account(caller.account);
    let listing = ENUMERATING.iter().find(|read| read.1 == "ListUsers");
    if let Some(read) = listing {
        let call = read.call(story.plan.random, account);
        story.make(&caller, &call);
    }
    let key = iam::create_access_key(story.plan.random, story.plan.now, intruder.other(0), true);
    let key = story.make(&caller, &key);
    let profile = iam::create_login_profile(story.plan.now, intruder.other(1), false);
    let profile = story.make(&caller, &profile);
    let changed = story.make(&caller, &iam::update_login_profile(intruder.other(2)));
    story.expect_each("credential-created-for-another-principal", vec![key, profile, changed]);
}
