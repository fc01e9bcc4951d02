//! A morning with a bad network: pushes don't arrive, are sent again, and are accepted or replaced by a code.

use crate::estate::org;
use crate::label::Story;
use crate::okta::{Client, acts};

/// Members who sign in.
const MEMBERS: usize = 12;

pub(super) fn write(story: &mut Story<'_, '_>) {
    let org = &story.plan.estate.org;
    story.about_member(org.member(0));
    for (member, number) in org.members.iter().take(MEMBERS).zip(0u64..) {
        let client = Client { device: &member.computer, site: &member.home };
        let session = org::session(story.plan.random);
        story.log(&acts::sign_in(member, client, &session));
        for _ in 0..=number % 6 {
            story.log(&acts::push_sent(member, client, &session));
            story.plan.pause(20_000, 40_000);
        }
        if number % 4 == 3 {
            story.log(&acts::code_typed(member, client, &session));
        } else {
            story.log(&acts::push_approved(member, client, &session));
        }
    }
}
