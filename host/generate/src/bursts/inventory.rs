//! An inventory asks for a ticket of every service: many services at once, and none with RC4.

use crate::label::Story;
use crate::windows::audits::{self, AES256};

pub(super) fn write(story: &mut Story<'_, '_>) {
    let domain = &story.plan.estate.domain;
    let (Some(who), Some(server)) = (domain.services.get(3), domain.servers.last()) else { return };
    let controller = domain.controller(0);
    story.about_principal(who);
    let session = audits::session(story.plan.random);
    story.audit(&audits::logon(controller, who, 3, server, &session));
    for service in domain.services.iter().chain(domain.servers.iter().map(|server| &server.account)) {
        story.audit(&audits::service_ticket(controller, who, service, &server.address, AES256));
    }
}
