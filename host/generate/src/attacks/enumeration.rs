//! A stolen access key tries everything: many operations, most denied, within two minutes.

use super::Intruder;
use crate::cloudtrail::Call;
use crate::cloudtrail::reads::ENUMERATING;
use crate::label::Story;

pub(super) fn write(story: &mut Story<'_, '_>, intruder: &Intruder<'_>) {
    let estate = story.plan.estate;
    let caller = intruder.with_stolen_key(estate);
    story.about(&caller);
    story.make(&caller, &Call::read("sts", "GetCallerIdentity"));
    let account = estate.account(caller.account);
    let mut denied = Vec::new();
    for read in ENUMERATING {
        let call = read.call(story.plan.random, account);
        // A developer's key opens a few things.
        if story.plan.random.chance(120) {
            story.make(&caller, &call);
        } else {
            denied.push(story.make_denied(&caller, call));
        }
    }
    story.expect_one("burst-of-denied-calls", denied);
}
