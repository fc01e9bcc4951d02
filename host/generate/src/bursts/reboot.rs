//! An instance stops and starts and comes back at another public address of its own network.

use crate::cloudtrail::caller::{Session, on_command_line, on_instance, service};
use crate::cloudtrail::reads::RUNNING;
use crate::cloudtrail::{Call, session};
use crate::estate::Duty;
use crate::json::{list, object};
use crate::label::Story;
use crate::ordinary::Move;

pub(super) fn write(story: &mut Story<'_, '_>, moves: &mut Vec<Move>) {
    let estate = story.plan.estate;
    // The last one: an intruder would choose among the first.
    let (Some(place), Some(instance)) = (estate.instances.len().checked_sub(1), estate.instances.last()) else {
        return;
    };
    let account = estate.account(instance.role.account);
    let old = Session::new(story.plan.random, story.plan.now, false);
    let home = on_instance(account, instance, &old, &instance.public_address);
    story.about(&home);
    for read in RUNNING.iter().take(4) {
        let call = read.call(story.plan.random, account);
        story.make(&home, &call);
    }
    let platform = estate.with_duty(Duty::Platform);
    if let Some(engineer) = platform.iter().find(|person| person.user.account == instance.role.account) {
        let caller = on_command_line(estate, engineer, &engineer.office);
        for operation in ["StopInstances", "StartInstances"] {
            let request = object! {
                "instancesSet" => object! { "items" => list![object! { "instanceId" => &instance.id }] },
            };
            story.make(&caller, &Call::write("ec2", operation).request(request));
            story.plan.pause(20_000, 40_000);
        }
    }
    let last: u64 = instance.public_address.rsplit('.').next().and_then(|last| last.parse().ok()).unwrap_or(1);
    let address = format!("203.0.113.{}", instance.network + 1 + last.saturating_sub(instance.network) % 14);
    let new = Session::new(story.plan.random, story.plan.now, false);
    let assumed = session::assume_role(story.plan.random, story.plan.now, account, &instance.role, &instance.id, &new);
    story.make(&service(instance.role.account, "ec2.amazonaws.com"), &assumed);
    moves.push(Move { time: story.plan.now, instance: place, address: address.clone() });
    let home = on_instance(account, instance, &new, &address);
    for read in RUNNING.iter().take(6) {
        let call = read.call(story.plan.random, account);
        story.make(&home, &call);
    }
}
