//! Watchers are told what not to report, and the account leaves their reach.

use super::Intruder;
use crate::cloudtrail::Call;
use crate::json::object;
use crate::label::Story;

pub(super) fn write(story: &mut Story<'_, '_>, intruder: &Intruder<'_>) {
    let estate = story.plan.estate;
    let caller = intruder.with_stolen_key(estate);
    story.about(&caller);
    let account = estate.account(caller.account);
    let calls = [
        Call::write("guardduty", "CreateIPSet").request(object! {
            "detectorId" => &account.detector,
            "name" => "offices",
            "format" => "TXT",
            "location" => "https://s3.amazonaws.com/example-lists/offices.txt",
            "activate" => true,
        }),
        Call::write("guardduty", "CreateFilter").request(object! {
            "detectorId" => &account.detector,
            "name" => "noise",
            "action" => "ARCHIVE",
            "findingCriteria" => object! { "criterion" => object! { "severity" => object! { "gte" => 0 } } },
        }),
        Call::write("route53resolver", "DeleteResolverQueryLogConfig")
            .request(object! { "resolverQueryLogConfigId" => "rqlc-0a1b2c3d4e5f" }),
        Call::write("logs", "DeleteLogGroup")
            .request(object! { "logGroupName" => format!("aws-cloudtrail-logs-{}", account.id) }),
        Call::write("organizations", "LeaveOrganization"),
    ];
    let found = calls.iter().map(|call| story.make(&caller, call)).collect();
    story.expect_each("audit-trail-disabled", found);
}
