//! Whether a trail or an event data store records less than everything that manages the account.

use countersign_sdk::Json;

use crate::deed::is;

/// What the console sends with every change. A request without them that names a bucket is there to change it.
const SETTINGS: [&str; 4] =
    ["isMultiRegionTrail", "includeGlobalServiceEvents", "isOrganizationTrail", "enableLogFileValidation"];

/// How `UpdateTrail` narrows a trail and how much that weighs; none if the request doesn't show that it does.
pub(crate) fn narrowed_trail(request: Json<'_>) -> Option<(&'static str, u8)> {
    let off = |name: &str| request.get(name).is_some_and(|value| is(value, false));
    let emptied = |name: &str| request.get(name).and_then(Json::text).is_some_and(|text| text.is_empty());
    if off("isMultiRegionTrail") {
        Some(("took all regions but one from the trail", 65))
    } else if off("includeGlobalServiceEvents") {
        Some(("took the events of global services from the trail", 65))
    } else if off("isOrganizationTrail") {
        Some(("took the organisation's accounts from the trail", 65))
    } else if off("enableLogFileValidation") {
        Some(("switched off the validation of log files of the trail", 55))
    } else if emptied("cloudWatchLogsLogGroupArn") {
        Some(("took the log group from the trail", 55))
    } else if request.get("s3BucketName").is_some() && !SETTINGS.iter().any(|name| request.get(name).is_some()) {
        Some(("moved to another bucket the files of the trail", 55))
    } else {
        None
    }
}

/// How `UpdateEventDataStore` narrows a store; none if it doesn't.
pub(crate) fn narrowed_store(request: Json<'_>) -> Option<&'static str> {
    let off = |name: &str| request.get(name).is_some_and(|value| is(value, false));
    if off("multiRegionEnabled") {
        Some("took all regions but one from the event data store")
    } else if off("organizationEnabled") {
        Some("took the organisation's accounts from the event data store")
    } else {
        let selectors = request.get("advancedEventSelectors")?;
        (!selectors.items().any(advanced_keeps)).then_some("took changes to the account from the event data store")
    }
}

/// How `PutEventSelectors` narrows a trail and how much that weighs; none if it still records what changes the account.
pub(crate) fn narrowed_selection(request: Option<Json<'_>>) -> Option<(&'static str, u8)> {
    let member = |name: &str| request.and_then(|body| body.get(name));
    let keeps = match (member("eventSelectors"), member("advancedEventSelectors")) {
        // The operation asks for either. CloudTrail leaves a request out that is too large.
        (None, None) => return Some(("changed, to what the record leaves out, the selection of the trail", 55)),
        (basic, advanced) => {
            basic.into_iter().flat_map(Json::items).any(basic_keeps)
                || advanced.into_iter().flat_map(Json::items).any(advanced_keeps)
        }
    };
    (!keeps).then_some(("took changes to the account from the trail", 65))
}

/// Whether a basic selector keeps the management events that write. Both members have defaults that do.
fn basic_keeps(selector: Json<'_>) -> bool {
    let writes = selector.get("readWriteType").and_then(Json::text).is_none_or(|kind| kind != "ReadOnly");
    writes && !selector.get("includeManagementEvents").is_some_and(|value| is(value, false))
}

/// Whether an advanced selector keeps the management events that write, of services other than those that may be left
/// out for their number: KMS and the data API of RDS.
fn advanced_keeps(selector: Json<'_>) -> bool {
    let mut management = false;
    for field in selector.get("fieldSelectors").into_iter().flat_map(Json::items) {
        let name = field.get("field").and_then(Json::text).unwrap_or_default();
        let has = |test: &str, wanted: &str| {
            let values = field.get(test).into_iter().flat_map(Json::one_or_many);
            values.filter_map(Json::text).any(|value| value.eq_ignore_ascii_case(wanted))
        };
        match &*name {
            "eventCategory" => management |= has("equals", "Management"),
            "readOnly" if has("equals", "true") && !has("equals", "false") => return false,
            "readOnly" if has("notEquals", "false") => return false,
            // Only some services or operations are let through.
            "eventSource" | "eventName"
                if ["equals", "startsWith", "endsWith"].iter().any(|test| field.get(test).is_some()) =>
            {
                return false;
            }
            _ => {}
        }
    }
    management
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Json<'_> {
        Json::parse(text).unwrap()
    }

    #[test]
    fn basic_selectors_must_keep_management_events_that_write() {
        for (selectors, narrowed) in [
            (r#"[{"readWriteType":"All","includeManagementEvents":true,"dataResources":[]}]"#, false),
            (r#"[{"readWriteType":"WriteOnly","includeManagementEvents":true}]"#, false),
            (r#"[{"dataResources":[]}]"#, false),
            (r#"[{"readWriteType":"ReadOnly","includeManagementEvents":true}]"#, true),
            (r#"[{"readWriteType":"All","includeManagementEvents":false}]"#, true),
            (r#"[{"includeManagementEvents":false},{"readWriteType":"ReadOnly"}]"#, true),
            (r#"[{"includeManagementEvents":false},{"readWriteType":"WriteOnly"}]"#, false),
            ("[]", true),
        ] {
            let request = format!(r#"{{"trailName":"t","eventSelectors":{selectors}}}"#);
            assert_eq!(
                narrowed_selection(Some(parse(&request))).map(|(_, weight)| weight) == Some(65),
                narrowed,
                "{selectors}"
            );
        }
        let omitted = r#"{"omitted":true,"originalSize":131072,"reason":"requestParameters too large"}"#;
        for unread in [None, Some(parse(omitted))] {
            assert_eq!(narrowed_selection(unread).map(|(_, weight)| weight), Some(55));
        }
    }

    #[test]
    fn advanced_selectors_must_keep_them_too() {
        let management = r#"{"field":"eventCategory","equals":["Management"]}"#;
        for (fields, narrowed) in [
            (management.to_owned(), false),
            (format!(r#"{management},{{"field":"eventSource","notEquals":["kms.amazonaws.com"]}}"#), false),
            (format!(r#"{management},{{"field":"readOnly","equals":["false"]}}"#), false),
            (format!(r#"{management},{{"field":"readOnly","equals":["true"]}}"#), true),
            (format!(r#"{management},{{"field":"readOnly","notEquals":["false"]}}"#), true),
            (format!(r#"{management},{{"field":"eventName","startsWith":["Describe"]}}"#), true),
            (r#"{"field":"eventCategory","equals":["Data"]},{"field":"resources.type","equals":["AWS::S3::Object"]}"#.to_owned(), true),
        ] {
            let request = format!(r#"{{"advancedEventSelectors":[{{"name":"x","fieldSelectors":[{fields}]}}]}}"#);
            assert_eq!(narrowed_selection(Some(parse(&request))).map(|(_, weight)| weight) == Some(65), narrowed, "{fields}");
            assert_eq!(narrowed_store(parse(&request)).is_some(), narrowed, "{fields}");
        }
    }

    #[test]
    fn a_trail_is_narrowed_by_what_is_switched_off() {
        for (request, weight) in [
            (r#"{"isMultiRegionTrail":false,"enableLogFileValidation":false}"#, Some(65)),
            (r#"{"includeGlobalServiceEvents":"false"}"#, Some(65)),
            (r#"{"isOrganizationTrail":false}"#, Some(65)),
            (r#"{"enableLogFileValidation":false}"#, Some(55)),
            (r#"{"cloudWatchLogsLogGroupArn":""}"#, Some(55)),
            (r#"{"isMultiRegionTrail":true,"includeGlobalServiceEvents":null,"s3BucketName":"b"}"#, None),
            (r#"{"name":"t","s3BucketName":"b"}"#, Some(55)),
            (r#"{"name":"t"}"#, None),
        ] {
            assert_eq!(narrowed_trail(parse(request)).map(|(_, weight)| weight), weight, "{request}");
        }
        assert!(narrowed_store(parse(r#"{"multiRegionEnabled":false}"#)).is_some());
        assert!(narrowed_store(parse(r#"{"organizationEnabled":false}"#)).is_some());
        assert_eq!(narrowed_store(parse(r#"{"retentionPeriod":90}"#)), None);
    }
}
