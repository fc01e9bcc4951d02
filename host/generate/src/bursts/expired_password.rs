//! A service whose password has expired tries on and on: one account, one address.

use crate::label::Story;
use crate::windows::audits;

/// Attempts.
const ATTEMPTS: u32 = 120;

pub(super) fn write(story: &mut Story<'_, '_>) {
    let domain = &story.plan.estate.domain;
    let (Some(service), Some(server)) = (domain.services.last(), domain.servers.last()) else { return };
    story.about_principal(service);
    let controller = domain.controller(1);
    let session = audits::session(story.plan.random);
    story.audit(&audits::logon(controller, service, 3, server, &session));
    for _ in 0..ATTEMPTS {
        story.audit(&audits::wrong_password(controller, &service.name, 3, &server.address));
    }
}
