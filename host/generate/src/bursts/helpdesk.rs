//! New phones for a department: the helpdesk resets factors, and their owners enrol new ones at once.

use crate::estate::Duty;
use crate::estate::org;
use crate::label::Story;
use crate::okta::{Client, acts};

/// People helped.
const HELPED: usize = 8;

pub(super) fn write(story: &mut Story<'_, '_>) {
    let estate = story.plan.estate;
    let admin = estate.people.iter().position(|person| person.duty == Duty::ItAdmin).unwrap_or(0);
    let member = estate.org.member(admin);
    let from = Client { device: &member.computer, site: &member.office };
    story.about_member(member);
    let session = org::session(story.plan.random);
    story.log(&acts::sign_in(member, from, &session));
    story.log(&acts::push_approved(member, from, &session));
    for step in 1..=HELPED {
        let owner = estate.org.member(admin + step);
        story.log(&acts::reset_factors(member, from, &session, owner));
        story.plan.pause(60_000, 240_000);
        let theirs = org::session(story.plan.random);
        let at = Client { device: &owner.computer, site: &owner.office };
        story.log(&acts::enrol(owner, at, &theirs));
    }
}
