//! Trails, detectors and recorders are switched off.

use super::Intruder;
use crate::cloudtrail::Call;
use crate::json::{list, object};
use crate::label::Story;

pub(super) fn write(story: &mut Story<'_, '_>, intruder: &Intruder<'_>) {
    let estate = story.plan.estate;
    let caller = intruder.with_stolen_key(estate);
    story.about(&caller);
    let account = estate.account(caller.account);
    let trail = format!("arn:aws:cloudtrail:{}:{}:trail/{}", account.region, account.id, account.trail);
    story.make(&caller, &Call::read("cloudtrail", "DescribeTrails"));
    let calls = [
        Call::write("cloudtrail", "PutEventSelectors").request(object! {
            "trailName" => &account.trail,
            "eventSelectors" => list![object! {
                "readWriteType" => "ReadOnly",
                "includeManagementEvents" => false,
                "dataResources" => list![],
                "excludeManagementEventSources" => list![],
            }],
        }),
        Call::write("cloudtrail", "UpdateTrail").request(object! {
            "name" => &account.trail,
            "isMultiRegionTrail" => false,
            "includeGlobalServiceEvents" => false,
        }),
        Call::write("cloudtrail", "StopLogging").request(object! { "name" => &trail }),
        Call::write("ec2", "DeleteFlowLogs").request(object! { "DeleteFlowLogsRequest" => object! {
            "FlowLogId" => object! { "tag" => 1, "content" => &account.flow_log },
        } }),
        Call::write("guardduty", "DeleteDetector").request(object! { "detectorId" => &account.detector }),
        Call::write("config", "StopConfigurationRecorder")
            .request(object! { "configurationRecorderName" => "default" }),
        Call::write("cloudtrail", "DeleteTrail").request(object! { "name" => trail }),
    ];
    let found = calls.iter().map(|call| story.make(&caller, call)).collect();
    story.expect_each("audit-trail-disabled", found);
}
