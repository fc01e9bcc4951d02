//! One password tried on many members from one address; it fits one of them.

use super::Intruder;
use crate::estate::org;
use crate::label::Story;
use crate::okta::{Client, acts};

/// Accounts tried, as far as there are so many.
const TRIED: usize = 30;

pub(super) fn write(story: &mut Story<'_, '_>, intruder: &Intruder<'_>) {
    let org = &story.plan.estate.org;
    let victim = intruder.member;
    let (device, site) = (intruder.device(), intruder.site());
    let client = Client { device: &device, site: &site };
    story.about_member(victim);
    let mut failed = Vec::new();
    for place in (1..=TRIED.min(org.members.len() - 1)).map(|step| intruder.place + step) {
        failed.push(story.log(&acts::wrong_password(org.member(place), client)));
        story.plan.pause(1_000, 6_000);
    }
    story.expect_one("password-spray", failed);
    let session = org::session(story.plan.random);
    let signed_in = story.log(&acts::sign_in(victim, client, &session));
    story.expect_one("password-spray-succeeded", vec![signed_in]);
    for application in org.applications.iter().take(2) {
        story.log(&acts::open(victim, client, &session, application));
    }
}
