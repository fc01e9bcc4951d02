//! A pipeline sets up another: GitHub's provider, roles for the company's own repositories, and monitoring that shows more.

use crate::cloudtrail::caller::in_pipeline;
use crate::cloudtrail::{Call, iam};
use crate::estate::Role;
use crate::json::{list, object};
use crate::label::Story;

/// Roles, one for each repository.
const ROLES: u32 = 4;

pub(super) fn write(story: &mut Story<'_, '_>) {
    let estate = story.plan.estate;
    let Some(pipeline) = story.plan.random.pick(&estate.pipelines) else { return };
    let caller = in_pipeline(estate, pipeline);
    story.about(&caller);
    let account = estate.account(caller.account);
    let provider = format!("arn:aws:iam::{}:oidc-provider/{}", account.id, iam::GITHUB);
    story.make(&caller, &iam::create_oidc_provider(iam::GITHUB, &provider));
    for number in 1..=ROLES {
        let role = Role {
            account: caller.account,
            path: "/ci/".to_owned(),
            name: format!("ci-{number:02}"),
            id: story.plan.random.id("AROA", 17),
        };
        let github = iam::GITHUB;
        let own = format!(
            r#""StringEquals":{{"{github}:aud":"sts.amazonaws.com"}},"StringLike":{{"{github}:sub":"repo:example/app-{number:02}:*"}}"#
        );
        let created = iam::create_role(story.plan.now, account, &role, &iam::trust_tokens(&provider, &own));
        story.make(&caller, &created);
        story.make(&caller, &iam::put_role_policy(&role.name, "deploy", "s3:PutObject"));
    }
    for call in [
        Call::write("guardduty", "UpdateDetector").request(object! {
            "detectorId" => &account.detector,
            "features" => list![object! { "name" => "S3_DATA_EVENTS", "status" => "ENABLED" }],
        }),
        Call::write("guardduty", "CreateFilter").request(object! {
            "detectorId" => &account.detector,
            "name" => "worst",
            "action" => "NOOP",
            "findingCriteria" => object! { "criterion" => object! { "severity" => object! { "gte" => 7 } } },
        }),
        Call::write("logs", "DeleteLogGroup").request(object! { "logGroupName" => "/aws/lambda/app-00" }),
        Call::write("events", "DisableRule").request(object! { "name" => "nightly-report" }),
    ] {
        story.make(&caller, &call);
    }
}
