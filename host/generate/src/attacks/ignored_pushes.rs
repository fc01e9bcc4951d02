//! A stolen password, and pushes that the member lets pass, until one is accepted.

use super::Intruder;
use crate::estate::org;
use crate::label::Story;
use crate::okta::{Client, acts};

/// Pushes that nobody answers before one is accepted.
const IGNORED: u32 = 12;

pub(super) fn write(story: &mut Story<'_, '_>, intruder: &Intruder<'_>) {
    let victim = intruder.member;
    let (device, site) = (intruder.device(), intruder.site());
    let client = Client { device: &device, site: &site };
    story.about_member(victim);
    let session = org::session(story.plan.random);
    story.log(&acts::policy(victim, client, &session, "CHALLENGE"));
    story.log(&acts::sign_in(victim, client, &session));
    for _ in 0..=IGNORED {
        story.log(&acts::push_sent(victim, client, &session));
        story.plan.pause(15_000, 30_000);
    }
    let approved = story.log(&acts::push_approved(victim, client, &session));
    story.expect_one("mfa-fatigue", vec![approved]);
    for application in story.plan.estate.org.applications.iter().take(3) {
        story.log(&acts::open(victim, client, &session, application));
    }
}
