//! Ordinary work in the Windows domain: logons and tickets of people and machines, replication, synchronisation.

use countersign_model::Timestamp;

use crate::estate::Estate;
use crate::plan::Plan;
use crate::time::MINUTE;
use crate::windows::audits::{self, AES256, RC4};

/// The synchroniser reads the directory's changes so often, microseconds.
const SYNC_EVERY: i64 = 30 * MINUTE;

/// What is remembered between activities.
pub(super) struct Memory {
    /// Whether each person is logged on at their desk.
    logged_on: Vec<bool>,
    next_sync: Timestamp,
}

impl Memory {
    pub(super) fn new(estate: &Estate, start: Timestamp) -> Memory {
        Memory { logged_on: estate.domain.desks.iter().map(|_| false).collect(), next_sync: start }
    }
}

/// Begins one activity; at least one audit is written at once.
pub(super) fn begin(plan: &mut Plan<'_>, memory: &mut Memory) {
    if plan.now >= memory.next_sync {
        memory.next_sync = plan.now.plus_micros(SYNC_EVERY);
        return synchronise(plan);
    }
    match plan.random.below(100) {
        0..50 => person(plan, memory),
        50..78 => machine(plan),
        78..84 => old_service(plan),
        84..92 => check(plan),
        92..97 => replicate(plan),
        _ => run_as(plan),
    }
}

/// A person logs on at their desk in the morning, then uses servers.
fn person(plan: &mut Plan<'_>, memory: &mut Memory) {
    let estate = plan.estate;
    let place = plan.random.below(memory.logged_on.len() as u64) as usize;
    let desk = estate.domain.desk(place);
    let controller = estate.domain.controller(place);
    if let Some(logged_on) = memory.logged_on.get_mut(place).filter(|logged_on| !**logged_on) {
        *logged_on = true;
        if plan.random.chance(50) {
            plan.audit(&audits::wrong_password(&desk.machine, &desk.user.name, 2, "127.0.0.1"));
            plan.pause(3_000, 12_000);
        }
        let address = &desk.machine.address;
        plan.audit(&audits::ticket(controller, &desk.user, &estate.domain, address, AES256, 2));
        plan.pause(20, 200);
        let session = audits::session(plan.random);
        plan.audit(&audits::logon(&desk.machine, &desk.user, 2, &desk.machine, &session));
        plan.pause(500, 3_000);
    }
    for _ in 0..plan.random.between(1, 3) {
        let Some(server) = plan.random.pick(&estate.domain.servers) else { return };
        let address = &desk.machine.address;
        plan.audit(&audits::service_ticket(controller, &desk.user, &server.account, address, AES256));
        plan.pause(20, 200);
        let session = audits::session(plan.random);
        plan.audit(&audits::logon(server, &desk.user, 3, &desk.machine, &session));
        plan.pause(4_000, 90_000);
        plan.audit(&audits::logoff(server, &desk.user, 3, &session));
    }
}

/// A machine fetches its policies from a controller.
fn machine(plan: &mut Plan<'_>) {
    let estate = plan.estate;
    let place = plan.random.below(estate.domain.desks.len() as u64) as usize;
    let machine = &estate.domain.desk(place).machine;
    let controller = estate.domain.controller(place);
    if plan.random.chance(200) {
        plan.audit(&audits::ticket(controller, &machine.account, &estate.domain, &machine.address, AES256, 2));
        plan.pause(20, 200);
    }
    plan.audit(&audits::service_ticket(controller, &machine.account, &controller.account, &machine.address, AES256));
    plan.pause(20, 200);
    let session = audits::session(plan.random);
    plan.audit(&audits::logon(controller, &machine.account, 3, machine, &session));
    plan.pause(1_000, 10_000);
    plan.audit(&audits::logoff(controller, &machine.account, 3, &session));
}

/// One service's account still has nothing but an RC4 key: one ticket at a time, always for the same service.
fn old_service(plan: &mut Plan<'_>) {
    let estate = plan.estate;
    let place = plan.random.below(estate.domain.desks.len() as u64) as usize;
    let desk = estate.domain.desk(place);
    let Some(service) = estate.domain.services.first() else { return };
    let controller = estate.domain.controller(place);
    plan.audit(&audits::service_ticket(controller, &desk.user, service, &desk.machine.address, RC4));
}

/// A printer's credential is checked the old way.
fn check(plan: &mut Plan<'_>) {
    let domain = &plan.estate.domain;
    plan.audit(&audits::credential_check(domain.controller(0), &domain.legacy.name, "PRINT01"));
}

/// One controller fetches changes from the other: each replicates as its machine's account.
fn replicate(plan: &mut Plan<'_>) {
    let domain = &plan.estate.domain;
    let place = plan.random.below(2) as usize;
    let (from, to) = (domain.controller(place), domain.controller(place + 1));
    let session = audits::session(plan.random);
    plan.audit(&audits::logon(from, &to.account, 3, to, &session));
    plan.audit(&audits::special(from, &to.account, &session));
    for audit in audits::replication(from, &to.account, &session) {
        plan.audit(&audit);
        plan.pause(1, 50);
    }
    plan.audit(&audits::logoff(from, &to.account, 3, &session));
}

/// The synchroniser reads changes and password hashes, as it is set up to.
fn synchronise(plan: &mut Plan<'_>) {
    let domain = &plan.estate.domain;
    let controller = domain.controller(0);
    let session = audits::session(plan.random);
    plan.audit(&audits::logon(controller, &domain.sync_account, 3, &domain.synchroniser, &session));
    for audit in audits::replication(controller, &domain.sync_account, &session) {
        plan.audit(&audit);
        plan.pause(1, 50);
    }
    plan.audit(&audits::logoff(controller, &domain.sync_account, 3, &session));
}

/// A person starts a program as another account.
fn run_as(plan: &mut Plan<'_>) {
    let estate = plan.estate;
    let place = plan.random.below(estate.domain.desks.len() as u64) as usize;
    let desk = estate.domain.desk(place);
    let Some(server) = plan.random.pick(&estate.domain.servers) else { return };
    let session = audits::session(plan.random);
    plan.audit(&audits::explicit(&desk.machine, &desk.user, &session, "svc-backup", server));
}
