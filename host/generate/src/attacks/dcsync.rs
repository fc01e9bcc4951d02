//! Replication of the directory by an account that isn't a controller's.

use super::Intruder;
use crate::label::Story;
use crate::windows::audits;

pub(super) fn write(story: &mut Story<'_, '_>, intruder: &Intruder<'_>) {
    let domain = &story.plan.estate.domain;
    let desk = domain.desk(intruder.place);
    let controller = domain.controller(0);
    story.about_principal(&desk.user);
    let session = audits::session(story.plan.random);
    story.audit(&audits::logon(controller, &desk.user, 3, &desk.machine, &session));
    story.audit(&audits::special(controller, &desk.user, &session));
    let replicated = audits::replication(controller, &desk.user, &session);
    let replicated = replicated.iter().map(|audit| story.audit(audit)).collect();
    story.audit(&audits::logoff(controller, &desk.user, 3, &session));
    story.expect_one("dcsync", replicated);
}
