//! A ticket for an account that needs no pre-authentication: any caller gets something to crack.

use super::Intruder;
use crate::label::Story;
use crate::windows::audits::{self, RC4};

pub(super) fn write(story: &mut Story<'_, '_>, intruder: &Intruder<'_>) {
    let domain = &story.plan.estate.domain;
    let address = &domain.desk(intruder.place).machine.address;
    story.about_principal(&domain.legacy);
    let ticket = audits::ticket(domain.controller(0), &domain.legacy, domain, address, RC4, 0);
    let ticket = story.audit(&ticket);
    story.expect_one("as-rep-roasting", vec![ticket]);
}
