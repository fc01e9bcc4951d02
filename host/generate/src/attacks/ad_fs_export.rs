//! The federation service's configuration and signing keys are read through its own interface.

use super::Intruder;
use crate::label::Story;
use crate::windows::audits;

pub(super) fn write(story: &mut Story<'_, '_>, intruder: &Intruder<'_>) {
    let domain = &story.plan.estate.domain;
    let desk = domain.desk(intruder.place);
    story.about_principal(&desk.user);
    let session = audits::session(story.plan.random);
    story.audit(&audits::logon(&domain.federation, &desk.user, 3, &desk.machine, &session));
    let read = [412, 501, 501].map(|id| story.audit(&audits::federation(&domain.federation, id)));
    story.expect_one("ad-fs-signing-material-exported", read.to_vec());
}
