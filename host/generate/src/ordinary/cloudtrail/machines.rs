//! Instances, functions, the provider's services and scheduled jobs.

use super::Memory;
use crate::cloudtrail::caller::{
    Caller, Session, for_service, in_role, on_instance, reporting, service as the_service, with_key, with_web_identity,
};
use crate::cloudtrail::reads::RUNNING;
use crate::cloudtrail::{Call, session};
use crate::json::object;
use crate::plan::Plan;
use crate::time::MINUTE;

/// An instance fetches what it needs, over its public address or through its VPC's endpoint.
pub(super) fn instance(plan: &mut Plan<'_>, memory: &Memory) {
    let estate = plan.estate;
    let place = plan.random.below(estate.instances.len() as u64) as usize;
    let (Some(instance), Some(running)) = (estate.instances.get(place), memory.running.get(place)) else { return };
    let account = estate.account(instance.role.account);
    let mut caller = on_instance(account, instance, &running.session, &running.address);
    if plan.random.chance(250) {
        plan.make(&caller, &heartbeat(&instance.id, &instance.private_address));
        plan.pause(200, 2_000);
    }
    if plan.random.chance(200) {
        // Endpoints report the address inside the VPC.
        caller.address.clone_from(&instance.private_address);
        caller.vpc_endpoint = Some(account.endpoint.clone());
    }
    run(plan, &caller, 1, 5);
}

/// A function is started: the service assumes its role, and it runs for a moment.
pub(super) fn function(plan: &mut Plan<'_>) {
    let estate = plan.estate;
    let Some(function) = plan.random.pick(&estate.functions) else { return instance_less(plan) };
    let account = estate.account(function.role.account);
    let opened = Session::new(plan.random, plan.now, false);
    if plan.random.chance(300) {
        let call = session::assume_role(plan.random, plan.now, account, &function.role, &function.name, &opened);
        plan.make(&the_service(function.role.account, "lambda.amazonaws.com"), &call);
        plan.pause(100, 600);
    }
    let mut caller = in_role(account, &function.role, &function.name, &opened);
    caller.address = format!("203.0.113.{}", 240 + plan.random.below(14));
    "aws-sdk-nodejs/3.716.0 ua/2.0 os/linux lang/nodejs#20.18.1 exec-env/AWS_Lambda_nodejs20.x"
        .clone_into(&mut caller.user_agent);
    run(plan, &caller, 1, 3);
}

/// A container starts: its cluster's token buys it a session of the application's role.
pub(super) fn container(plan: &mut Plan<'_>) {
    let estate = plan.estate;
    let place = plan.random.below(estate.accounts.len() as u64) as usize;
    let account = estate.account(place);
    let workload = plan.random.word(&["checkout", "catalogue", "basket"]);
    let address = format!("203.0.113.{}", 240 + plan.random.below(14));
    let shown = with_web_identity(account, place, workload, address.clone());
    let opened = Session::new(plan.random, plan.now, false);
    let role = &account.container_role;
    let mut call = session::assume_role(plan.random, plan.now, account, role, workload, &opened);
    call.operation = "AssumeRoleWithWebIdentity";
    plan.make(&shown, &call);
    plan.pause(200, 900);
    let mut caller = in_role(account, role, workload, &opened);
    caller.address = address;
    caller.user_agent.clone_from(&shown.user_agent);
    run(plan, &caller, 1, 3);
}

/// A service records what it did by itself: no principal of the account took part.
pub(super) fn report(plan: &mut Plan<'_>) {
    let estate = plan.estate;
    let place = plan.random.below(estate.accounts.len() as u64) as usize;
    let (domain, service, operation) = plan
        .random
        .pick(&[
            ("kms.amazonaws.com", "kms", "RotateKey"),
            ("secretsmanager.amazonaws.com", "secretsmanager", "EndSecretVersionDelete"),
        ])
        .copied()
        .unwrap_or(("ec2.amazonaws.com", "ec2", "SharedSnapshotVolumeCreated"));
    let mut call = Call::write(service, operation);
    call.event_type = "AwsServiceEvent";
    plan.make(&reporting(estate, place, domain), &call);
}

/// One of the provider's services uses the role that was made for it.
pub(super) fn service(plan: &mut Plan<'_>) {
    let estate = plan.estate;
    let Some(account) = plan.random.pick(&estate.accounts) else { return };
    let role = &account.service_role;
    let name = format!("MandoService-{}", plan.random.below(1 << 60));
    let opened = Session::new(plan.random, plan.now, false);
    let call = session::assume_role(plan.random, plan.now, account, role, &name, &opened);
    plan.make(&the_service(role.account, "inspector2.amazonaws.com"), &call);
    plan.pause(100, 800);
    let caller = for_service(account, role, &name, &opened, "inspector2.amazonaws.com");
    for operation in ["DescribeInstances", "DescribeTags", "DescribeVolumes"] {
        plan.make(&caller, &Call::read("ec2", operation).request(object! { "filterSet" => object! {} }));
        plan.pause(100, 500);
    }
}

/// A scheduled job runs, and as every time one of its calls is denied.
pub(super) fn job(plan: &mut Plan<'_>, memory: &mut Memory) {
    let estate = plan.estate;
    let place = plan.random.below(estate.jobs.len() as u64) as usize;
    let due = memory.next_run.get_mut(place).filter(|next| **next <= plan.now);
    let (Some(job), Some(next_run)) = (estate.jobs.get(place), due) else { return instance_less(plan) };
    *next_run = plan.now.plus_micros(5 * MINUTE);
    let account = estate.account(job.user.account);
    let caller = with_key(account, &job.user, &job.host, "Boto3/1.35.86 md/Botocore#1.35.86 lang/python#3.12.7");
    plan.make(&caller, &Call::read("s3", "ListBuckets"));
    plan.pause(200, 900);
    let listing = Call::read("rds", "DescribeDBClusters");
    plan.make_denied(&caller, listing);
    plan.pause(200, 900);
    run(plan, &caller, 1, 4);
}

/// Where there is nothing of the kind: a service asks how things are.
fn instance_less(plan: &mut Plan<'_>) {
    service(plan);
}

fn run(plan: &mut Plan<'_>, caller: &Caller, min: u64, max: u64) {
    let account = plan.estate.account(caller.account);
    for _ in 0..plan.random.between(min, max) {
        let Some(read) = plan.random.pick(RUNNING).copied() else { return };
        let call = read.call(plan.random, account);
        let call = if plan.random.chance(4) { call.throttled() } else { call };
        plan.make(caller, &call);
        plan.pause(50, 3_000);
    }
}

fn heartbeat(instance: &str, address: &str) -> Call {
    Call::write("ssm", "UpdateInstanceInformation").request(object! {
        "instanceId" => instance.to_owned(),
        "agentVersion" => "3.3.1611.0",
        "agentStatus" => "Active",
        "platformType" => "Linux",
        "platformName" => "Amazon Linux",
        "platformVersion" => "2023",
        "iPAddress" => address.to_owned(),
        "computerName" => format!("ip-{}.ec2.internal", address.replace('.', "-")),
        "agentName" => "amazon-ssm-agent",
    })
}
