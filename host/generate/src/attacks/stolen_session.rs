//! A session's cookie, taken from a member's browser and used elsewhere.

use super::Intruder;
use crate::estate::org;
use crate::label::Story;
use crate::okta::{Client, acts};

pub(super) fn write(story: &mut Story<'_, '_>, intruder: &Intruder<'_>) {
    let org = &story.plan.estate.org;
    let victim = intruder.member;
    let own = Client { device: &victim.computer, site: &victim.office };
    let (device, site) = (intruder.device(), intruder.site());
    let client = Client { device: &device, site: &site };
    story.about_member(victim);
    let session = org::session(story.plan.random);
    story.log(&acts::sign_in(victim, own, &session));
    story.log(&acts::push_approved(victim, own, &session));
    for application in org.applications.iter().take(2) {
        story.log(&acts::open(victim, own, &session, application));
        story.plan.pause(20_000, 60_000);
    }
    let elsewhere =
        org.applications.iter().skip(1).map(|application| acts::open(victim, client, &session, application));
    let elsewhere = elsewhere.map(|act| story.log(&act)).collect();
    story.expect_one("session-used-from-two-networks", elsewhere);
}
