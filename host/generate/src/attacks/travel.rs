//! A member signs in at home; soon after another sign-in for them comes from far away, on an unknown device.

use super::Intruder;
use crate::estate::org;
use crate::label::Story;
use crate::okta::{Client, acts};

pub(super) fn write(story: &mut Story<'_, '_>, intruder: &Intruder<'_>) {
    let victim = intruder.member;
    let own = Client { device: &victim.computer, site: &victim.home };
    let (device, site) = (intruder.device(), intruder.site());
    let client = Client { device: &device, site: &site };
    story.about_member(victim);
    let session = org::session(story.plan.random);
    story.log(&acts::sign_in(victim, own, &session));
    story.log(&acts::push_approved(victim, own, &session));
    story.plan.pause(20 * 60_000, 40 * 60_000);
    let session = org::session(story.plan.random);
    let far = vec![
        story.log(&acts::sign_in(victim, client, &session)),
        story.log(&acts::push_approved(victim, client, &session)),
    ];
    story.expect_one("impossible-travel", far);
}
