//! Ordinary work in the Okta org: people sign in and open applications, administrators look after them.

use countersign_model::Timestamp;

use crate::estate::org::{self, Member, Site};
use crate::estate::{Duty, Estate};
use crate::okta::{Client, acts};
use crate::plan::Plan;
use crate::time::MINUTE;

/// A member's session.
#[derive(Clone)]
struct Session {
    id: String,
    /// On the phone rather than the computer.
    phone: bool,
    at: Where,
    until: Timestamp,
}

#[derive(Clone, Copy)]
enum Where {
    Home,
    Office,
    Road,
}

/// What is remembered between activities: each member's session.
pub(super) struct Memory {
    sessions: Vec<Option<Session>>,
}

impl Memory {
    pub(super) fn new(estate: &Estate) -> Memory {
        Memory { sessions: estate.org.members.iter().map(|_| None).collect() }
    }
}

/// Begins one activity; at least one act is logged at once.
pub(super) fn begin(plan: &mut Plan<'_>, memory: &mut Memory) {
    match plan.random.below(100) {
        0..88 => work(plan, memory),
        88..95 => provision(plan),
        _ => administer(plan, memory),
    }
}

/// A member opens a few applications, signing in where no session lives.
fn work(plan: &mut Plan<'_>, memory: &mut Memory) {
    let place = plan.random.below(memory.sessions.len() as u64) as usize;
    let Some(session) = session(plan, memory, place) else { return };
    let estate = plan.estate;
    let member = estate.org.member(place);
    let client = client(member, &session);
    for _ in 0..plan.random.between(1, 5) {
        // Most applications are for all members, the last is the administrators'.
        let everybodys = estate.org.applications.len().saturating_sub(1) as u64;
        let application = plan.random.below(everybodys) as usize;
        let Some(application) = estate.org.applications.get(application) else { return };
        plan.log(&acts::open(member, client, &session.id, application));
        plan.pause(2_000, 60_000);
    }
    if plan.random.chance(40) {
        plan.log(&acts::sign_out(member, client, &session.id));
        if let Some(session) = memory.sessions.get_mut(place) {
            *session = None;
        }
    }
}

/// The member's session, signed in to if there is none.
fn session(plan: &mut Plan<'_>, memory: &mut Memory, place: usize) -> Option<Session> {
    let estate = plan.estate;
    let known = memory.sessions.get_mut(place)?;
    if let Some(session) = known.as_ref().filter(|session| session.until > plan.now) {
        return Some(session.clone());
    }
    let phone = plan.random.chance(200);
    let at = match plan.random.below(10) {
        0..4 => Where::Home,
        4..9 => Where::Office,
        _ => Where::Road,
    };
    let session = Session {
        id: org::session(plan.random),
        // A computer doesn't sign in on the road.
        phone: phone || matches!(at, Where::Road),
        at,
        until: plan.now.plus_micros(480 * MINUTE),
    };
    sign_in(plan, estate.org.member(place), &session);
    *known = Some(session.clone());
    Some(session)
}

fn sign_in(plan: &mut Plan<'_>, member: &Member, session: &Session) {
    let client = client(member, session);
    for _ in 0..if plan.random.chance(60) { plan.random.between(1, 2) } else { 0 } {
        plan.log(&acts::wrong_password(member, client));
        plan.pause(4_000, 15_000);
    }
    plan.log(&acts::policy(member, client, &session.id, "CHALLENGE"));
    plan.pause(200, 900);
    plan.log(&acts::sign_in(member, client, &session.id));
    plan.pause(300, 1_200);
    // Now and then a thumb slips.
    for denied in [plan.random.chance(12), false] {
        plan.log(&acts::push_sent(member, client, &session.id));
        plan.pause(3_000, 15_000);
        if !denied {
            break;
        }
        plan.log(&acts::push_denied(member, client, &session.id));
        plan.pause(2_000, 8_000);
    }
    plan.log(&acts::push_approved(member, client, &session.id));
    plan.pause(500, 3_000);
}

fn client<'a>(member: &'a Member, session: &Session) -> Client<'a> {
    let site: &Site = match session.at {
        Where::Home => &member.home,
        Where::Office => &member.office,
        Where::Road => &member.road,
    };
    Client { device: if session.phone { &member.phone } else { &member.computer }, site }
}

/// The org pushes a profile to an application.
fn provision(plan: &mut Plan<'_>) {
    let estate = plan.estate;
    let place = plan.random.below(estate.org.members.len() as u64) as usize;
    let Some(application) = plan.random.pick(&estate.org.applications) else { return };
    plan.log(&acts::provision(application, estate.org.member(place)));
}

/// An IT administrator adds a member to a group, or helps with a new phone.
fn administer(plan: &mut Plan<'_>, memory: &mut Memory) {
    let estate = plan.estate;
    let admins: Vec<usize> = (0..estate.people.len())
        .filter(|place| estate.people.get(*place).is_some_and(|person| person.duty == Duty::ItAdmin))
        .collect();
    let Some(admin) = plan.random.pick(&admins).copied() else { return };
    let other = plan.random.below(estate.org.members.len() as u64) as usize;
    let Some(session) = session(plan, memory, admin) else { return };
    let (admin, member) = (estate.org.member(admin), estate.org.member(other));
    let from = client(admin, &session);
    if plan.random.chance(300) {
        plan.log(&acts::reset_factors(admin, from, &session.id, member));
        // The helpdesk stays on the phone until the new one is enrolled.
        plan.pause(60_000, 400_000);
        let theirs = org::session(plan.random);
        let at = Client { device: &member.computer, site: &member.office };
        plan.log(&acts::enrol(member, at, &theirs));
    } else if let Some(group) = plan.random.pick(&estate.org.groups) {
        plan.log(&acts::add_to_group(admin, from, &session.id, member, group));
    }
}
