//! The session of an instance's role, seen at home first and then from outside.

use super::Intruder;
use crate::cloudtrail::caller::{Session, on_instance};
use crate::cloudtrail::reads::{LOOKING, RUNNING};
use crate::label::Story;
use crate::time::MINUTE;

pub(super) fn write(story: &mut Story<'_, '_>, intruder: &Intruder<'_>) {
    let Some(instance) = intruder.instance else { return };
    let account = story.plan.estate.account(instance.role.account);
    // The session began before the theft, and the instance goes on using it.
    let session = Session::new(story.plan.random, story.plan.now.plus_micros(-40 * MINUTE), false);
    let home = on_instance(account, instance, &session, &instance.public_address);
    story.about(&home);
    for read in RUNNING.iter().take(5) {
        let call = read.call(story.plan.random, account);
        story.make(&home, &call);
    }
    let mut away = home.clone();
    away.address.clone_from(&intruder.address);
    "aws-cli/2.22.12 md/awscrt#0.23.4 ua/2.0 os/linux#6.11.2 md/arch#x86_64 lang/python#3.12.6"
        .clone_into(&mut away.user_agent);
    let mut outside = Vec::new();
    for read in LOOKING.iter().take(7) {
        let call = read.call(story.plan.random, account);
        outside.push(story.make(&away, &call));
    }
    let call = RUNNING.iter().next().map(|read| read.call(story.plan.random, account));
    if let Some(call) = call {
        story.make(&home, &call);
    }
    story.expect_one("instance-credentials-used-elsewhere", outside);
}
