//! One password tried over the network on many accounts of the domain; it fits one of them.

use super::Intruder;
use crate::label::Story;
use crate::windows::audits;

/// Accounts tried, as far as there are so many.
const TRIED: usize = 40;

pub(super) fn write(story: &mut Story<'_, '_>, intruder: &Intruder<'_>) {
    let domain = &story.plan.estate.domain;
    let desk = domain.desk(intruder.place);
    let Some(server) = domain.servers.first() else { return };
    story.about_principal(&desk.user);
    // A machine that isn't joined to the domain.
    let foreign = domain.foreign_machine();
    let tried = (1..=TRIED.min(domain.desks.len() - 1)).map(|step| domain.desk(intruder.place + step));
    let failed = tried
        .map(|other| {
            let id = story.audit(&audits::wrong_password(server, &other.user.name, 3, &foreign.address));
            story.plan.pause(500, 4_000);
            id
        })
        .collect();
    story.expect_one("password-spray", failed);
    let session = audits::session(story.plan.random);
    let signed_in = story.audit(&audits::logon(server, &desk.user, 3, &foreign, &session));
    story.expect_one("password-spray-succeeded", vec![signed_in]);
}
