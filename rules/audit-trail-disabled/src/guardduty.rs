//! What a request to GuardDuty takes from what its detector reports.

use countersign_sdk::Json;

use crate::deed::{Done, is};

/// What the request does; none if the detector reports as much as before.
pub(crate) fn done(operation: &str, request: Option<Json<'_>>) -> Option<Done> {
    let member = |name: &str| request.and_then(|body| body.get(name));
    // CloudTrail leaves a request out that is too large, and the caller can make it so.
    let is_unread = member("detectorId").is_none();
    match operation {
        "UpdateDetector" if member("enable").is_some_and(|enable| is(enable, false)) => {
            Some(("switched off the detector", 75))
        }
        "UpdateDetector" => switched_off(request?).then_some(("switched off sources of the detector", 50)),
        "UpdateMemberDetectors" => switched_off(request?).then_some(("switched off sources of members' detectors", 50)),
        "UpdateOrganizationConfiguration" => {
            let none = |kind: Json<'_>| kind.text().is_some_and(|kind| kind.eq_ignore_ascii_case("NONE"));
            let off = member("autoEnableOrganizationMembers").is_some_and(none)
                || member("autoEnable").is_some_and(|enable| is(enable, false));
            off.then_some(("left new accounts out of GuardDuty, by the detector", 60))
        }
        "CreateIPSet" | "CreateTrustedEntitySet" => {
            let active = member("activate").is_some_and(|activate| is(activate, true));
            (active || is_unread).then_some(("made a list of addresses that aren't reported by the detector", 65))
        }
        "UpdateIPSet" | "UpdateTrustedEntitySet" => {
            let off = member("activate").is_some_and(|activate| is(activate, false));
            let active = member("activate").is_some() || member("location").is_some();
            let words = "changed the list of addresses that aren't reported by the detector";
            (!off && (active || is_unread)).then_some((words, 60))
        }
        "CreateFilter" | "UpdateFilter" => {
            let action = member("action").and_then(Json::text);
            let archives = action.as_deref().is_some_and(|action| action.eq_ignore_ascii_case("ARCHIVE"));
            if !archives && !is_unread {
                return None;
            }
            let wide = member("findingCriteria").is_some_and(|criteria| !narrows(criteria));
            Some(if wide {
                ("had findings of nearly every kind archived, by a filter of the detector", 70)
            } else {
                ("had findings archived, by a filter of the detector", 50)
            })
        }
        _ => None,
    }
}

/// Whether a request switches off features, in either of the two forms that the service has had.
fn switched_off(request: Json<'_>) -> bool {
    // Within the lists of members' detectors they are the same.
    let features = request.get("features").into_iter().flat_map(Json::items);
    let off = |feature: Json<'_>| {
        let status = feature.get("status").and_then(Json::text);
        status.is_some_and(|status| status.eq_ignore_ascii_case("DISABLED"))
    };
    features.into_iter().any(off) || request.get("dataSources").is_some_and(has_disabled)
}

/// Whether any of the sources, nested as the service nests them, is disabled.
fn has_disabled(sources: Json<'_>) -> bool {
    sources.members().any(|(name, value)| match &*name {
        "enable" => is(value, false),
        "ebsVolumes" if value.truth().is_some() => is(value, false),
        _ => value.as_str().starts_with('{') && has_disabled(value),
    })
}

/// The number of values beyond which a criterion narrows nothing.
const MAX_VALUES: usize = 10;

/// Whether criteria pick out some kinds of finding or some resources, rather than a severity or a time that all have.
fn narrows(criteria: Json<'_>) -> bool {
    let Some(criterion) = criteria.get_ignoring_case("criterion") else { return false };
    criterion.members().any(|(field, tests)| {
        let of_a_kind = field == "type" || field.starts_with("resource.") || field.starts_with("service.");
        let values = ["equals", "eq", "matches"].iter().filter_map(|test| tests.get(test)).flat_map(Json::one_or_many);
        let values: Vec<_> = values.filter_map(Json::text).collect();
        let named = values.iter().all(|value| value.bytes().any(|byte| !matches!(byte, b'*' | b'?')));
        of_a_kind && named && (1..=MAX_VALUES).contains(&values.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(operation: &str, request: &str) -> Option<u8> {
        done(operation, Json::parse(request)).map(|(_, confidence)| confidence)
    }

    #[test]
    fn lists_of_addresses_count_while_they_are_active() {
        for (operation, request, expected) in [
            ("CreateIPSet", r#"{"detectorId":"d","activate":true,"location":"l"}"#, Some(65)),
            ("CreateIPSet", r#"{"detectorId":"d","activate":"true"}"#, Some(65)),
            ("CreateIPSet", r#"{"detectorId":"d","activate":false,"location":"l"}"#, None),
            ("CreateIPSet", r#"{"omitted":true}"#, Some(65)),
            ("CreateTrustedEntitySet", r#"{"detectorId":"d","activate":true}"#, Some(65)),
            ("UpdateIPSet", r#"{"detectorId":"d","ipSetId":"i","activate":true}"#, Some(60)),
            ("UpdateIPSet", r#"{"detectorId":"d","ipSetId":"i","location":"l"}"#, Some(60)),
            ("UpdateIPSet", r#"{"detectorId":"d","ipSetId":"i","name":"n"}"#, None),
            ("UpdateIPSet", r#"{"detectorId":"d","ipSetId":"i","location":"l","activate":false}"#, None),
            ("CreateThreatIntelSet", r#"{"detectorId":"d","activate":true}"#, None),
        ] {
            assert_eq!(check(operation, request), expected, "{operation} {request}");
        }
    }

    #[test]
    fn filters_count_by_how_much_they_archive() {
        let filter = |action: &str, criterion: &str| {
            format!(
                r#"{{"detectorId":"d","name":"f","action":"{action}","findingCriteria":{{"criterion":{criterion}}}}}"#
            )
        };
        for (criterion, expected) in [
            (r#"{"severity":{"gte":0}}"#, 70),
            ("{}", 70),
            (r#"{"type":{"matches":["*"]}}"#, 70),
            (r#"{"type":{"equals":["1","2","3","4","5","6","7","8","9","10","11"]}}"#, 70),
            (r#"{"accountId":{"eq":["111122223333"]}}"#, 70),
            (r#"{"type":{"neq":["Recon:IAMUser/MaliciousIPCaller"]}}"#, 70),
            (r#"{"type":{"eq":["Recon:EC2/PortProbeUnprotectedPort"]},"severity":{"lt":4}}"#, 50),
            (r#"{"resource.instanceDetails.instanceId":{"equals":["i-0a1b"]}}"#, 50),
        ] {
            for operation in ["CreateFilter", "UpdateFilter"] {
                assert_eq!(check(operation, &filter("ARCHIVE", criterion)), Some(expected), "{criterion}");
            }
            assert_eq!(check("CreateFilter", &filter("NOOP", criterion)), None);
        }
        assert_eq!(check("UpdateFilter", r#"{"detectorId":"d","filterName":"f","rank":2}"#), None);
        assert_eq!(check("CreateFilter", r#"{"omitted":true,"originalSize":131072}"#), Some(50));
    }

    #[test]
    fn sources_are_switched_off_in_either_form() {
        for (request, off) in [
            (r#"{"detectorId":"d","features":[{"name":"S3_DATA_EVENTS","status":"DISABLED"}]}"#, true),
            (r#"{"detectorId":"d","features":[{"name":"S3_DATA_EVENTS","status":"ENABLED"}]}"#, false),
            (r#"{"detectorId":"d","dataSources":{"s3Logs":{"enable":false}}}"#, true),
            (r#"{"detectorId":"d","dataSources":{"kubernetes":{"auditLogs":{"enable":false}}}}"#, true),
            (r#"{"detectorId":"d","dataSources":{"s3Logs":{"enable":true}}}"#, false),
            (r#"{"detectorId":"d","findingPublishingFrequency":"SIX_HOURS"}"#, false),
        ] {
            assert_eq!(check("UpdateDetector", request).is_some(), off, "{request}");
        }
        assert_eq!(
            check("UpdateOrganizationConfiguration", r#"{"detectorId":"d","autoEnableOrganizationMembers":"NONE"}"#),
            Some(60)
        );
        assert_eq!(
            check("UpdateOrganizationConfiguration", r#"{"detectorId":"d","autoEnableOrganizationMembers":"ALL"}"#),
            None
        );
    }
}
