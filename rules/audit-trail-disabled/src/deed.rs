//! What an operation does to a log or a detection tool, and how rarely that is legitimate.

use std::borrow::Cow;

use countersign_sdk::Json;
use countersign_sdk::collections::Set;

use crate::Event;
use crate::plain::{self, Plain};
use crate::{guardduty, named, selectors};

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

/// What a request does, where the operation alone doesn't show it: words and confidence.
pub(crate) type Done = (&'static str, u8);

/// What the event did; none if everything is still recorded.
pub(crate) fn deed<'a>(event: &Event<'a>) -> Option<Deed<'a>> {
    use Watcher::{Log, Tool};
    let (service, operation) = (event.api_service_name()?.split('.').next()?, event.api_operation()?);
    let request = event.api_request_data().and_then(Json::parse);
    let member = |name: &str| request.and_then(|body| body.get(name));
    let done = |watcher, (words, confidence): Done, thing: Option<Json<'a>>| {
        let things = thing.and_then(Json::text).into_iter().collect();
        Some(Deed { watcher, words, confidence, things })
    };
    if let Some(Plain { watcher, words, confidence, thing, .. }) = plain::of(service, operation) {
        return done(*watcher, (words, *confidence), thing.and_then(member));
    }
    match (service, operation) {
        ("cloudtrail", "UpdateTrail") => done(Log, selectors::narrowed_trail(request?)?, member("name")),
        ("cloudtrail", "PutEventSelectors") => done(Log, selectors::narrowed_selection(request)?, member("trailName")),
        ("cloudtrail", "UpdateEventDataStore") => {
            done(Log, (selectors::narrowed_store(request?)?, 65), member("eventDataStore"))
        }
        ("cloudtrail", "PutInsightSelectors") => {
            member("insightSelectors").filter(|selectors| selectors.items().next().is_none())?;
            done(Log, ("switched off the insights of the trail", 50), member("trailName"))
        }
        ("ec2", "DeleteFlowLogs") => {
            let things = deleted_flow_logs(request, event.api_response_data().and_then(Json::parse))?;
            Some(Deed { watcher: Log, words: "deleted the flow logs", confidence: 60, things })
        }
        ("guardduty", operation) => done(Tool, guardduty::done(operation, request)?, member("detectorId")),
        ("securityhub", "UpdateOrganizationConfiguration") => {
            member("autoEnable").filter(|enable| is(*enable, false))?;
            done(Tool, ("left new accounts out of Security Hub", 55), None)
        }
        ("securityhub", "CreateAutomationRule") => {
            request.filter(|body| body.as_str().contains("SUPPRESSED"))?;
            done(Tool, ("made a rule of Security Hub that suppresses findings", 50), member("RuleName"))
        }
        ("organizations", "DisableAWSServiceAccess" | "DeregisterDelegatedAdministrator") => {
            let watcher = member("servicePrincipal").filter(|service| named::is_a_watcher(*service));
            let words = if operation == "DisableAWSServiceAccess" {
                "took the organisation's accounts out of reach of"
            } else {
                "took from its administrator"
            };
            done(Tool, (words, 70), Some(watcher?))
        }
        _ => {
            let (watcher, done_by_name, thing) = named::done(service, operation, request?)?;
            done(watcher, done_by_name, Some(thing))
        }
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
