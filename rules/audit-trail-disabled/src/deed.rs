//! What an operation does to a log or a detection tool, and how rarely that is legitimate.

use std::borrow::Cow;

use countersign_sdk::Json;
use countersign_sdk::collections::Set;

use crate::Event;
use crate::selectors;

/// What was weakened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watcher {
    /// A log of the cloud.
    Log,
    /// A tool that reads logs or configurations.
    Tool,
}

/// What was done.
#[derive(Debug)]
pub(crate) struct Deed<'a> {
    pub(crate) watcher: Watcher,
    /// For the message: "… stopped the trail".
    pub(crate) words: &'static str,
    /// The confidence of the operation alone, before who did it and how is considered.
    pub(crate) confidence: u8,
    /// What it was done to, by name, id or ARN as the request has it.
    pub(crate) things: Vec<Cow<'a, str>>,
}

/// What the event did; none if everything is still recorded.
pub(crate) fn deed<'a>(event: &Event<'a>) -> Option<Deed<'a>> {
    use Watcher::{Log, Tool};
    let service = event.api_service_name()?.split('.').next()?;
    let request = event.api_request_data().and_then(Json::parse);
    let member = |name: &str| request.and_then(|body| body.get(name));
    let done = |watcher, words, confidence, thing: Option<Json<'a>>| {
        let things = thing.and_then(Json::text).into_iter().collect();
        Some(Deed { watcher, words, confidence, things })
    };
    match (service, event.api_operation()?) {
        ("cloudtrail", "StopLogging") => done(Log, "stopped the trail", 85, member("name")),
        ("cloudtrail", "DeleteTrail") => done(Log, "deleted the trail", 75, member("name")),
        ("cloudtrail", "UpdateTrail") => {
            let (words, confidence) = selectors::narrowed_trail(request?)?;
            done(Log, words, confidence, member("name"))
        }
        ("cloudtrail", "PutEventSelectors") => {
            let (words, confidence) = selectors::narrowed_selection(request)?;
            done(Log, words, confidence, member("trailName"))
        }
        ("cloudtrail", "StopEventDataStoreIngestion") => {
            done(Log, "stopped the intake of the event data store", 80, member("eventDataStore"))
        }
        ("cloudtrail", "DeleteEventDataStore") => {
            done(Log, "deleted the event data store", 75, member("eventDataStore"))
        }
        ("cloudtrail", "UpdateEventDataStore") => {
            let words = selectors::narrowed_store(request?)?;
            done(Log, words, 65, member("eventDataStore"))
        }
        ("ec2", "DeleteFlowLogs") => {
            let things = deleted_flow_logs(request, event.api_response_data().and_then(Json::parse))?;
            Some(Deed { watcher: Log, words: "deleted the flow logs", confidence: 60, things })
        }
        ("guardduty", "DeleteDetector") => done(Tool, "deleted the detector", 75, member("detectorId")),
        ("guardduty", "UpdateDetector") => {
            member("enable").filter(|enable| is(*enable, false))?;
            done(Tool, "switched off the detector", 75, member("detectorId"))
        }
        ("guardduty", "StopMonitoringMembers" | "DisassociateMembers") => {
            done(Tool, "let go of members of the detector", 60, member("detectorId"))
        }
        ("guardduty", "DeletePublishingDestination") => {
            done(Tool, "stopped the export of findings of the detector", 60, member("detectorId"))
        }
        ("guardduty", "DisassociateFromMasterAccount" | "DisassociateFromAdministratorAccount") => done(
            Tool,
            "took the account out of reach of GuardDuty's administrator, with the detector",
            60,
            member("detectorId"),
        ),
        ("config", "StopConfigurationRecorder") => {
            done(Log, "stopped the configuration recorder", 70, member("configurationRecorderName"))
        }
        ("config", "DeleteConfigurationRecorder") => {
            done(Log, "deleted the configuration recorder", 70, member("configurationRecorderName"))
        }
        ("config", "DeleteDeliveryChannel") => {
            done(Log, "deleted the delivery channel of the configuration recorder", 70, member("deliveryChannelName"))
        }
        ("securityhub", "DisableSecurityHub") => done(Tool, "switched off Security Hub", 65, None),
        ("securityhub", "DisassociateMembers") => done(Tool, "let go of members of Security Hub", 60, None),
        ("securityhub", "DisassociateFromMasterAccount" | "DisassociateFromAdministratorAccount") => {
            done(Tool, "took the account out of reach of Security Hub's administrator", 60, None)
        }
        _ => None,
    }
}

/// A boolean, also one that a service wrote as text.
pub(crate) fn is(value: Json<'_>, wanted: bool) -> bool {
    value.truth().or_else(|| value.text()?.to_ascii_lowercase().parse().ok()) == Some(wanted)
}

/// The flow logs that a request named, without those that were kept according to its response; none if all were kept.
/// The call itself succeeds even if none was deleted.
fn deleted_flow_logs<'a>(request: Option<Json<'a>>, response: Option<Json<'a>>) -> Option<Vec<Cow<'a, str>>> {
    let named = request.and_then(|body| body.get("DeleteFlowLogsRequest")?.get("FlowLogId"));
    let named = named.into_iter().flat_map(Json::one_or_many);
    // One alone is an object; of several each is.
    let named: Vec<Cow<'a, str>> = named.filter_map(|one| one.get("content").unwrap_or(one).text()).collect();
    let kept = response.and_then(|body| body.get("DeleteFlowLogsResponse")?.get("unsuccessful")?.get("item"));
    let kept = kept.into_iter().flat_map(Json::one_or_many);
    // A request may name a thousand.
    let kept: Set<Cow<'a, str>> = kept.filter_map(|item| item.get("resourceId")?.text()).collect();
    let deleted: Vec<Cow<'a, str>> = named.iter().filter(|id| !kept.contains(*id)).cloned().collect();
    (named.is_empty() || !deleted.is_empty()).then_some(deleted)
}
