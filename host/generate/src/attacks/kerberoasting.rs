//! Tickets of every service, encrypted so that they can be cracked.

use super::Intruder;
use crate::label::Story;
use crate::windows::audits::{self, RC4};

pub(super) fn write(story: &mut Story<'_, '_>, intruder: &Intruder<'_>) {
    let domain = &story.plan.estate.domain;
    let desk = domain.desk(intruder.place);
    let controller = domain.controller(0);
    story.about_principal(&desk.user);
    // The record of a ticket names the account without its SID; this one proves whose desk it is.
    let session = audits::session(story.plan.random);
    story.audit(&audits::logon(controller, &desk.user, 3, &desk.machine, &session));
    let tickets = domain
        .services
        .iter()
        .map(|service| audits::service_ticket(controller, &desk.user, service, &desk.machine.address, RC4));
    let tickets = tickets.map(|audit| story.audit(&audit)).collect();
    story.expect_one("kerberoasting", tickets);
}
