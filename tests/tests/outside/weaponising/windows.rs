//! Events of a domain's controllers.

use super::scene::{Feed, Scene};

/// The channel that only the auditing writes to.
pub(super) const SECURITY: &str = "Security";

/// Bits of `Keywords`.
pub(super) const SUCCESS: &str = "0x8020000000000000";
pub(super) const FAILURE: &str = "0x8010000000000000";

/// One event. `data` are its own members, with commas between.
pub(super) fn event(scene: &mut Scene, channel: &str, id: u32, keywords: &str, data: &str) {
    scene.deliver(Feed::Domain, |stamp| {
        format!(
            r#"{{"SourceName":"Microsoft-Windows-Security-Auditing","Channel":"{channel}","EventID":{id},"Hostname":"dc1.corp.test","RecordNumber":{},"Keywords":"{keywords}","TimeCreated":"{}",{data}}}"#,
            stamp.number, stamp.time
        )
    });
}

/// The members that name an account in the role `Target`.
pub(super) fn target(sid: &str, name: &str, address: &str) -> String {
    format!(
        r#""TargetUserSid":"{sid}","TargetUserName":"{name}","TargetDomainName":"CORP","IpAddress":"::ffff:{address}""#
    )
}
