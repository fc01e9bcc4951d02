//! A stolen password, and pushes until the member gives in.

use super::Intruder;
use crate::estate::org;
use crate::label::Story;
use crate::okta::{Client, acts};

/// Pushes refused before one is approved.
const REFUSED: u32 = 7;

pub(super) fn write(story: &mut Story<'_, '_>, intruder: &Intruder<'_>) {
    let victim = intruder.member;
    let (device, site) = (intruder.device(), intruder.site());
    let client = Client { device: &device, site: &site };
    // The phone answers from where the member is.
    let phone = Client { device: &victim.phone, site: &victim.home };
    story.about_member(victim);
    let session = org::session(story.plan.random);
    story.log(&acts::policy(victim, client, &session, "CHALLENGE"));
    story.log(&acts::sign_in(victim, client, &session));
    for _ in 0..REFUSED {
        story.log(&acts::push_sent(victim, client, &session));
        story.log(&acts::push_denied(victim, phone, &session));
        story.plan.pause(10_000, 40_000);
    }
    story.log(&acts::push_sent(victim, client, &session));
    let approved = story.log(&acts::push_approved(victim, client, &session));
    story.expect_one("mfa-fatigue", vec![approved]);
    for application in story.plan.estate.org.applications.iter().take(3) {
        story.log(&acts::open(victim, client, &session, application));
    }
}
