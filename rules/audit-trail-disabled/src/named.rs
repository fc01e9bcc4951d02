//! Logs and relays that serve monitoring by what their names say: log groups, buckets and rules of the event bus. Under
//! other names the same operations are everyday work, and aren't looked at.

use countersign_sdk::Json;

use crate::deed::Done;
use crate::deed::Watcher::{self, Log, Tool};

/// What the names of a trail's log groups and buckets contain; the console's own are `aws-cloudtrail-logs-…`.
const OF_A_TRAIL: [&str; 2] = ["cloudtrail", "cloud-trail"];

/// What the names of rules contain that pass findings on.
const OF_A_RELAY: [&str; 5] = ["cloudtrail", "cloud-trail", "guardduty", "securityhub", "security-hub"];

/// Services that watch, by the first part of their principal.
const WATCHERS: [&str; 11] = [
    "access-analyzer",
    "cloudtrail",
    "config",
    "config-multiaccountsetup",
    "detective",
    "guardduty",
    "inspector2",
    "macie",
    "malware-protection",
    "securityhub",
    "securitylake",
];

/// Files kept for fewer days are gone before anybody looks.
const SHORT: u32 = 30;

/// Whether a service principal is that of a watcher.
pub(crate) fn is_a_watcher(principal: Json<'_>) -> bool {
    let principal = principal.text().unwrap_or_default().to_ascii_lowercase();
    principal.split('.').any(|part| WATCHERS.contains(&part))
}

/// What was weakened, how, and the member that names it.
pub(crate) fn done<'a>(service: &str, operation: &str, request: Json<'a>) -> Option<(Watcher, Done, Json<'a>)> {
    let with = |name: &str, parts: &[&str]| {
        let named = request.get(name)?;
        let text = named.text()?.to_ascii_lowercase();
        parts.iter().any(|part| text.contains(part)).then_some(named)
    };
    match (service, operation) {
        ("logs", "DeleteLogGroup" | "DeleteLogStream") => {
            Some((Log, ("deleted records of the trail in the log group", 65), with("logGroupName", &OF_A_TRAIL)?))
        }
        ("logs", "DeleteSubscriptionFilter" | "DeleteMetricFilter") => {
            Some((Log, ("took a reader from the log group", 60), with("logGroupName", &OF_A_TRAIL)?))
        }
        ("s3", "DeleteBucket") => Some((Log, ("deleted the bucket", 65), with("bucketName", &OF_A_TRAIL)?)),
        ("s3", "DeleteBucketPolicy") => Some((
            Log,
            ("took the policy that lets the trail write from the bucket", 65),
            with("bucketName", &OF_A_TRAIL)?,
        )),
        ("s3", "PutBucketLifecycle" | "PutBucketLifecycleConfiguration") => {
            let bucket = with("bucketName", &OF_A_TRAIL)?;
            expires_soon(request).then_some((Log, ("had files deleted early in the bucket", 65), bucket))
        }
        ("events", "DisableRule" | "DeleteRule") => {
            Some((Tool, ("stopped the relay of findings by the rule", 55), with("name", &OF_A_RELAY)?))
        }
        ("events", "RemoveTargets") => {
            Some((Tool, ("stopped the relay of findings by the rule", 55), with("rule", &OF_A_RELAY)?))
        }
        _ => None,
    }
}

/// Whether a life-cycle rule in force deletes files soon.
fn expires_soon(request: Json<'_>) -> bool {
    let rules = request.get("LifecycleConfiguration").and_then(|body| body.get("Rule"));
    rules.into_iter().flat_map(Json::one_or_many).any(|rule| {
        let disabled = rule.get("Status").and_then(Json::text).is_some_and(|status| status == "Disabled");
        let days = rule.get("Expiration").and_then(|expiration| expiration.get("Days"));
        let days = days.and_then(|days| days.as_str().trim_matches('"').parse::<u32>().ok());
        !disabled && days.is_some_and(|days| days < SHORT)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(service: &str, operation: &str, request: &str) -> Option<u8> {
        done(service, operation, Json::parse(request).unwrap()).map(|(_, (_, confidence), _)| confidence)
    }

    #[test]
    fn names_say_what_is_a_trail_s() {
        for (service, operation, request, expected) in [
            ("logs", "DeleteLogGroup", r#"{"logGroupName":"aws-cloudtrail-logs-111122223333-0a1b"}"#, Some(65)),
            ("logs", "DeleteLogGroup", r#"{"logGroupName":"/aws/lambda/reports"}"#, None),
            ("logs", "DeleteMetricFilter", r#"{"logGroupName":"CloudTrail/all","filterName":"root"}"#, Some(60)),
            ("s3", "DeleteBucket", r#"{"bucketName":"example-cloudtrail"}"#, Some(65)),
            ("s3", "DeleteBucketPolicy", r#"{"bucketName":"example-assets"}"#, None),
            ("events", "DisableRule", r#"{"name":"guardduty-to-pager"}"#, Some(55)),
            ("events", "RemoveTargets", r#"{"rule":"nightly-report","ids":["1"]}"#, None),
        ] {
            assert_eq!(check(service, operation, request), expected, "{operation} {request}");
        }
    }

    #[test]
    fn files_that_are_deleted_soon_count() {
        let rules = |rules: &str| {
            format!(r#"{{"bucketName":"aws-cloudtrail-logs-1","LifecycleConfiguration":{{"Rule":{rules}}}}}"#)
        };
        for (given, expected) in [
            (r#"{"Status":"Enabled","Expiration":{"Days":1}}"#, Some(65)),
            (
                r#"[{"Status":"Enabled","Expiration":{"Days":400}},{"Status":"Enabled","Expiration":{"Days":"7"}}]"#,
                Some(65),
            ),
            (r#"{"Status":"Disabled","Expiration":{"Days":1}}"#, None),
            (r#"{"Status":"Enabled","Expiration":{"Days":365}}"#, None),
            (r#"{"Status":"Enabled","Transition":{"Days":1}}"#, None),
        ] {
            assert_eq!(check("s3", "PutBucketLifecycle", &rules(given)), expected, "{given}");
        }
    }
}
