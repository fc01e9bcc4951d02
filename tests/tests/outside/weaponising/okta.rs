//! Events of Okta.

use super::aws::Origin;
use super::scene::{Feed, Scene};

/// An event with the person as its actor.
#[derive(Clone, Copy)]
pub(super) struct Act<'a> {
    pub(super) event: &'a str,
    pub(super) result: &'a str,
    pub(super) reason: &'a str,
    /// Empty for none.
    pub(super) session: &'a str,
    /// Empty for none.
    pub(super) factor: &'a str,
    pub(super) from: Origin,
}

impl Default for Act<'_> {
    fn default() -> Self {
        Act { event: "", result: "SUCCESS", reason: "", session: "unknown", factor: "", from: Origin::Elsewhere }
    }
}

/// One event. From home it comes with the person's browser, from elsewhere with another.
pub(super) fn act(scene: &mut Scene, act: Act<'_>) {
    let (user, name, address) = (scene.victim.okta(), scene.victim.name(), act.from.address(scene));
    let (os, network) =
        if matches!(act.from, Origin::Elsewhere) { ("Mac OS X", 64_511) } else { ("Windows 10", 64_496) };
    let Act { event, result, reason, session, factor, .. } = act;
    let factor = if factor.is_empty() { String::new() } else { format!(r#","factor":"{factor}""#) };
    let person = format!(r#"{{"id":"{user}","type":"User","alternateId":"{name}@corp.test"}}"#);
    scene.deliver(Feed::Okta, |stamp| {
        format!(
            r#"{{"actor":{person},"client":{{"userAgent":{{"os":"{os}","browser":"CHROME"}},"ipAddress":"{address}"}},"authenticationContext":{{"externalSessionId":"{session}"}},"eventType":"{event}","outcome":{{"result":"{result}","reason":"{reason}"}},"published":"{}","securityContext":{{"asNumber":{network}}},"debugContext":{{"debugData":{{"dtHash":"{os}{network}"{factor}}}}},"transaction":{{"type":"WEB","id":"{}","detail":{{}}}},"uuid":"{}","target":[{person}]}}"#,
            stamp.time, stamp.id, stamp.id
        )
    });
}
