//! An administrator's session resets a member's factors, so that a password alone opens the account.

use super::Intruder;
use crate::estate::org;
use crate::estate::{Duty, Estate};
use crate::label::Story;
use crate::okta::{Client, acts};

pub(super) fn write(story: &mut Story<'_, '_>, intruder: &Intruder<'_>) {
    let estate = story.plan.estate;
    let admin = estate.org.member(an_administrator(estate));
    let victim = intruder.member;
    let (device, site) = (intruder.device(), intruder.site());
    let client = Client { device: &device, site: &site };
    story.about_member(admin);
    let session = org::session(story.plan.random);
    let reset = story.log(&acts::reset_factors(admin, client, &session, victim));
    story.expect_one("mfa-factor-reset-without-enrolment", vec![reset]);
    let theirs = org::session(story.plan.random);
    story.log(&acts::sign_in(victim, client, &theirs));
}

/// The place of the first IT administrator.
fn an_administrator(estate: &Estate) -> usize {
    estate.people.iter().position(|person| person.duty == Duty::ItAdmin).unwrap_or(0)
}
