//! Ordinary work in the cloud: people, instances, functions, services, jobs and pipelines.

mod machines;
mod people;
mod pipelines;

use countersign_model::Timestamp;

use super::Move;
use crate::cloudtrail::caller::Session;
use crate::estate::Estate;
use crate::plan::Plan;
use crate::random::Random;
use crate::time::MINUTE;

/// An instance as it runs now.
struct Running {
    session: Session,
    address: String,
}

/// A person's console session, console user or SSO.
struct SignedIn {
    session: Session,
    /// Through the reserved SSO role rather than as an IAM user.
    sso: bool,
    address: String,
    until: Timestamp,
}

/// What is remembered between activities.
pub(super) struct Memory {
    running: Vec<Running>,
    signed_in: Vec<Option<SignedIn>>,
    next_run: Vec<Timestamp>,
    moves: std::vec::IntoIter<Move>,
    next_move: Option<Move>,
}

impl Memory {
    pub(super) fn new(estate: &Estate, random: &mut Random, start: Timestamp, moves: Vec<Move>) -> Memory {
        let mut moves = moves.into_iter();
        Memory {
            running: estate
                .instances
                .iter()
                .map(|instance| Running {
                    session: Session::new(random, start.plus_micros(-90 * MINUTE), false),
                    address: instance.public_address.clone(),
                })
                .collect(),
            signed_in: estate.people.iter().map(|_| None).collect(),
            next_run: estate.jobs.iter().map(|_| start).collect(),
            next_move: moves.next(),
            moves,
        }
    }
}

/// Begins one activity; at least one call is made at once.
pub(super) fn begin(plan: &mut Plan<'_>, memory: &mut Memory) {
    let now = plan.now;
    while let Some(change) = memory.next_move.take_if(|change| change.time <= now) {
        if let Some(running) = memory.running.get_mut(change.instance) {
            running.address = change.address;
            running.session = Session::new(plan.random, change.time, false);
        }
        memory.next_move = memory.moves.next();
    }
    match plan.random.below(100) {
        0..44 => people::work(plan, memory),
        44..72 => machines::instance(plan, memory),
        72..84 => machines::function(plan),
        84..87 => machines::service(plan),
        87..89 => machines::container(plan),
        89 => machines::report(plan),
        90..95 => machines::job(plan, memory),
        95..99 => pipelines::check(plan),
        _ => pipelines::deploy(plan),
    }
}
