//! People at work: they sign in with a second factor, look at things, stumble now and then, rotate their own keys.

use super::{Memory, SignedIn};
use crate::cloudtrail::caller::{Caller, Session, in_console, in_role, on_command_line};
use crate::cloudtrail::reads::LOOKING;
use crate::cloudtrail::{Call, iam, session, signin};
use crate::estate::{Duty, Person};
use crate::json::object;
use crate::plan::Plan;
use crate::time::MINUTE;

/// A person does a few things, in the console or on the command line.
pub(super) fn work(plan: &mut Plan<'_>, memory: &mut Memory) {
    let estate = plan.estate;
    let place = plan.random.below(estate.people.len() as u64) as usize;
    let (Some(person), Some(signed_in)) = (estate.people.get(place), memory.signed_in.get_mut(place)) else { return };
    if plan.random.chance(350) {
        return command_line(plan, person);
    }
    if signed_in.as_ref().is_none_or(|session| session.until < plan.now) {
        let opened = sign_in(plan, person);
        *signed_in = Some(opened);
    }
    let Some(signed_in) = signed_in else { return };
    let caller = console_caller(plan, person, signed_in);
    look_around(plan, &caller, person, 2, 9);
}

fn sign_in(plan: &mut Plan<'_>, person: &Person) -> SignedIn {
    let address = if plan.random.chance(400) { &person.home } else { &person.office };
    let signed_in = SignedIn {
        session: Session::new(plan.random, plan.now, true),
        sso: plan.random.chance(600),
        address: address.clone(),
        until: plan.now.plus_micros(480 * MINUTE),
    };
    let caller = console_caller(plan, person, &signed_in);
    let before = signin::before_session(&caller);
    if signed_in.sso {
        // The identity provider asked for the second factor, so the provider's own record shows none.
        plan.make(&caller_signing_in(&caller), &signin::console_login(false));
    } else {
        if plan.random.chance(40) {
            plan.make(&before, &signin::failed_login(true));
            plan.pause(4_000, 15_000);
        }
        if plan.random.chance(15) {
            let unknown = signin::unknown_caller(&caller, plan.estate.account(caller.account));
            plan.make(&unknown, &signin::unknown_user());
            plan.pause(4_000, 15_000);
        }
        plan.make(&before, &signin::check_mfa());
        plan.pause(2_000, 9_000);
        plan.make(&before, &signin::console_login(true));
    }
    plan.pause(1_000, 4_000);
    signed_in
}

fn console_caller(plan: &Plan<'_>, person: &Person, signed_in: &SignedIn) -> Caller {
    let account = plan.estate.account(person.user.account);
    if signed_in.sso {
        // Sessions through the identity provider say nothing of its second factor.
        let session = Session { mfa: false, access_key: signed_in.session.access_key.clone(), ..signed_in.session };
        let mut caller = in_role(account, &person.sso, &person.email, &session);
        caller.address.clone_from(&signed_in.address);
        person.browser.clone_into(&mut caller.user_agent);
        caller.from_console = true;
        caller
    } else {
        in_console(account, &person.user, &signed_in.session, &signed_in.address, person.browser)
    }
}

/// A role's session keeps its context in the sign-in record, without an access key's console mark.
fn caller_signing_in(caller: &Caller) -> Caller {
    Caller { from_console: false, ..caller.clone() }
}

fn command_line(plan: &mut Plan<'_>, person: &Person) {
    let address = if plan.random.chance(400) { &person.home } else { &person.office };
    let caller = on_command_line(plan.estate, person, address);
    if plan.random.chance(15) {
        return rotate_own_key(plan, &caller, person);
    }
    if plan.random.chance(150) && person.duty == Duty::Platform {
        // An assumed role: the chain that starts with a person's own key.
        let account = plan.estate.account(caller.account);
        let role = &account.deploy_role;
        let opened = Session::new(plan.random, plan.now, false);
        let call = session::assume_role(plan.random, plan.now, account, role, &person.user.name, &opened);
        plan.make(&caller, &call);
        plan.pause(500, 1_500);
        let mut in_session = in_role(account, role, &person.user.name, &opened);
        in_session.address.clone_from(&caller.address);
        in_session.user_agent.clone_from(&caller.user_agent);
        return look_around(plan, &in_session, person, 2, 6);
    }
    look_around(plan, &caller, person, 1, 5);
}

/// A new key for the caller itself, the old one deleted: the request that makes it names no user.
fn rotate_own_key(plan: &mut Plan<'_>, caller: &Caller, person: &Person) {
    let created = iam::create_access_key(plan.random, plan.now, &person.user.name, false);
    plan.make(caller, &created);
    plan.pause(3_000, 20_000);
    let old = plan.random.id("AKIA", 16);
    plan.make(caller, &Call::write("iam", "DeleteAccessKey").request(object! { "accessKeyId" => old }));
}

fn look_around(plan: &mut Plan<'_>, caller: &Caller, person: &Person, min: u64, max: u64) {
    let account = plan.estate.account(caller.account);
    for _ in 0..plan.random.between(min, max) {
        let Some(read) = plan.random.pick(LOOKING).copied() else { return };
        let service = read.0;
        let call = read.call(plan.random, account);
        // Analysts may not look at everything, others are seldom denied.
        let walls = match person.duty {
            Duty::Analyst if matches!(service, "iam" | "cloudtrail") => 90,
            Duty::Developer if service == "iam" => 25,
            _ => 4,
        };
        if plan.random.chance(walls) {
            plan.make_denied(caller, call);
        } else if plan.random.chance(3) {
            plan.make(caller, &call.throttled());
        } else if plan.random.chance(150) {
            plan.make(caller, &read.missing(call));
        } else {
            plan.make(caller, &call);
        }
        plan.pause(300, 6_000);
    }
}
