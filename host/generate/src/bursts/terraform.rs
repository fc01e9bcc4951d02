//! A Terraform run of a pipeline: it refreshes everything, changes a little and stumbles over two missing rights.

use crate::cloudtrail::caller::in_pipeline;
use crate::cloudtrail::reads::LOOKING;
use crate::cloudtrail::{Call, iam};
use crate::estate::Role;
use crate::json::{Json, list, object};
use crate::label::Story;

/// Calls of the refresh.
const REFRESH: usize = 420;

pub(super) fn write(story: &mut Story<'_, '_>) {
    let estate = story.plan.estate;
    let Some(pipeline) = story.plan.random.pick(&estate.pipelines) else { return };
    let caller = in_pipeline(estate, pipeline);
    story.about(&caller);
    let account = estate.account(caller.account);
    let fast = |story: &mut Story<'_, '_>, call: Call| {
        let id = story.plan.make(&caller, &call);
        story.label.events.push(id);
        story.plan.pause(60, 240);
    };
    fast(story, Call::read("sts", "GetCallerIdentity"));
    for number in 0..REFRESH {
        let Some(read) = story.plan.random.pick(LOOKING).copied() else { return };
        let call = read.call(story.plan.random, account);
        let call = match story.plan.random.below(100) {
            0..3 => call.throttled(),
            3..20 => read.missing(call),
            _ => call,
        };
        fast(story, call);
        // The same right is missing every time, and a retry finds it missing again.
        if number % 100 == 60 {
            for _ in 0..2 {
                let call = Call::read("iam", "ListVirtualMFADevices").request(Json::Null);
                story.make_denied(&caller, call);
            }
        }
    }
    for number in 1..=6 {
        let role = Role {
            account: caller.account,
            path: "/app/".to_owned(),
            name: format!("app-{number:02}"),
            id: story.plan.random.id("AROA", 17),
        };
        let document = iam::trust(r#"{"Service":"lambda.amazonaws.com"}"#);
        let created = iam::create_role(story.plan.now, account, &role, &document);
        fast(story, created);
        fast(story, iam::put_role_policy(&role.name, "logs", "logs:PutLogEvents"));
        let managed = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
        fast(story, iam::attach_role_policy(&role.name, managed));
        let group = story.plan.random.hex("sg-", 17);
        fast(
            story,
            Call::write("ec2", "CreateTags")
                .request(object! {
                    "resourcesSet" => object! { "items" => list![object! { "resourceId" => group }] },
                    "tagSet" => object! { "items" => list![object! { "key" => "managed-by", "value" => "terraform" }] },
                })
                .response(object! { "_return" => true }),
        );
    }
}
