//! Pipelines: plans that change nothing, and the small deployments of a platform team that works through code.

use crate::cloudtrail::caller::{Session, TERRAFORM, from_account, in_pipeline, in_role};
use crate::cloudtrail::reads::LOOKING;
use crate::cloudtrail::{Call, iam, session};
use crate::json::{list, object};
use crate::plan::Plan;

/// A plan: many looks, no change.
pub(super) fn check(plan: &mut Plan<'_>) {
    let estate = plan.estate;
    let Some(pipeline) = plan.random.pick(&estate.pipelines) else { return };
    let caller = in_pipeline(estate, pipeline);
    let account = estate.account(caller.account);
    plan.make(&caller, &Call::read("sts", "GetCallerIdentity"));
    for _ in 0..plan.random.between(4, 12) {
        plan.pause(80, 500);
        let Some(read) = plan.random.pick(LOOKING).copied() else { return };
        let call = read.call(plan.random, account);
        let call = if plan.random.chance(8) { call.throttled() } else { call };
        plan.make(&caller, &call);
    }
}

/// A deployment: the pipeline assumes the deploy role and changes policies, tags and groups of applications.
pub(super) fn deploy(plan: &mut Plan<'_>) {
    let estate = plan.estate;
    let Some(pipeline) = plan.random.pick(&estate.pipelines) else { return };
    let caller = in_pipeline(estate, pipeline);
    let own_account = estate.account(caller.account);
    // A third of the deployments go from the pipeline's account into another.
    let place =
        if plan.random.chance(333) { plan.random.below(estate.accounts.len() as u64) as usize } else { caller.account };
    let account = estate.account(place);
    let role = &account.deploy_role;
    let opened = Session::new(plan.random, plan.now, false);
    let mut call = session::assume_role(plan.random, plan.now, account, role, &pipeline.id, &opened);
    if place != caller.account {
        // Both accounts write it down, each in its own trail.
        call.shared_id = Some(plan.random.uuid());
        plan.make(&from_account(&caller, own_account, place), &call);
    }
    plan.make(&caller, &call);
    plan.pause(300, 900);
    let mut deploying = in_role(account, role, &pipeline.id, &opened);
    deploying.address.clone_from(&caller.address);
    TERRAFORM.clone_into(&mut deploying.user_agent);
    let application = format!("app-{:02}", plan.random.between(1, 40));
    let group = plan.random.hex("sg-", 17);
    let calls = [
        iam::put_role_policy(&application, "storage", "s3:GetObject"),
        iam::attach_role_policy(&application, "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"),
        iam::update_trust(&application, &iam::trust(r#"{"Service":"ec2.amazonaws.com"}"#)),
        iam::update_trust(&application, &iam::trust(&format!(r#"{{"AWS":"arn:aws:iam::{}:root"}}"#, account.id))),
        Call::write("ec2", "AuthorizeSecurityGroupIngress").request(object! {
            "groupId" => group,
            "ipPermissions" => object! { "items" => list![object! {
                "ipProtocol" => "tcp",
                "fromPort" => 443,
                "toPort" => 443,
                "ipRanges" => object! { "items" => list![object! { "cidrIp" => "192.0.2.0/24" }] },
            }] },
        }),
        Call::write("ssm", "PutParameter").request(object! {
            "name" => format!("/{}/flags", account.environment),
            "type" => "String",
            "value" => "HIDDEN_DUE_TO_SECURITY_REASONS",
            "overwrite" => true,
        }),
    ];
    for _ in 0..plan.random.between(2, 4) {
        let Some(call) = plan.random.pick(&calls) else { return };
        plan.make(&deploying, call);
        plan.pause(300, 2_000);
    }
}
