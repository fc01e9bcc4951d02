//! The first morning after a holiday: all members sign in from the office's one address, and many mistype.

use crate::estate::org;
use crate::label::Story;
use crate::okta::{Client, acts};

pub(super) fn write(story: &mut Story<'_, '_>) {
    let org = &story.plan.estate.org;
    let office = &org.member(0).office;
    story.about_member(org.member(0));
    for member in org.members.iter().take(40) {
        let client = Client { device: &member.computer, site: office };
        if story.plan.random.chance(250) {
            story.log(&acts::wrong_password(member, client));
        }
        let session = org::session(story.plan.random);
        story.log(&acts::sign_in(member, client, &session));
        story.log(&acts::push_approved(member, client, &session));
    }
}
