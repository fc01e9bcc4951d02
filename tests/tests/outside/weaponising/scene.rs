//! What a sequence is written with: the victim, where its records go, and the clock at which they come.

use std::fmt::Write as _;

use countersign_model::Timestamp;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// The victims' account of AWS.
pub(super) const TENANT: &str = "111122223333";

/// The victims' domain of Windows.
pub(super) const DOMAIN: &str = "S-1-5-21-1-2-3";

pub(super) const SECOND: i64 = 1_000_000;
pub(super) const HOUR: i64 = 3_600 * SECOND;

/// 2026-03-04T08:00:00Z.
pub(super) const BEGIN: i64 = 1_772_611_200 * SECOND;

/// Numbers that a seed determines.
pub(super) struct Random(ChaCha8Rng);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(ChaCha8Rng::seed_from_u64(seed))
    }

    pub(super) fn seed(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// From 0 to below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.0.next_u64() % end as u64).unwrap()
    }

    /// From `least` to `most`.
    pub(super) fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    pub(super) fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// A victim: a person with a user of AWS, one of Identity Center, one of Okta and one of a domain, and a machine of the
/// person's with a key of AWS and an account of the domain. The number is in every id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Victim(pub(super) usize);

impl Victim {
    /// The person's user of AWS.
    pub(super) fn user(self) -> String {
        format!("AIDAPERSON{:06}", self.0)
    }

    /// The machine's user of AWS.
    pub(super) fn machine(self) -> String {
        format!("AIDAMACHIN{:06}", self.0)
    }

    /// The person's user of Okta.
    pub(super) fn okta(self) -> String {
        format!("00uperson{:06}", self.0)
    }

    /// The person's user of Identity Center.
    pub(super) fn store_user(self) -> String {
        format!("store-{:06}", self.0)
    }

    /// The person's account of the domain.
    pub(super) fn sid(self) -> String {
        format!("{DOMAIN}-{}", 100_000 + self.0)
    }

    /// The machine's account of the domain, which needs no pre-authentication.
    pub(super) fn service_sid(self) -> String {
        format!("{DOMAIN}-{}", 500_000 + self.0)
    }

    /// The person's name wherever there are names.
    pub(super) fn name(self) -> String {
        format!("person{}", self.0)
    }

    /// The address behind which the person and its colleagues are.
    pub(super) fn home(self) -> String {
        format!("81.{}.{}.20", self.0 / 256, self.0 % 256)
    }

    /// The address of the machine.
    pub(super) fn server(self) -> String {
        format!("81.{}.{}.200", 128 + self.0 / 256, self.0 % 256)
    }

    /// An address at the other end of the world.
    pub(super) fn elsewhere(self) -> String {
        format!("203.{}.{}.66", self.0 / 256, self.0 % 256)
    }

    /// The person's session of Okta.
    pub(super) fn session(self) -> String {
        format!("idx-{:06}", self.0)
    }
}

/// The sources, in the order of `sources.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feed {
    /// CloudTrail of the victims' account.
    Trail,
    /// The victims' Okta.
    Okta,
    /// The controllers of the victims' domain.
    Domain,
    /// CloudTrail of a partner's account, bound to that.
    Partner,
    /// Okta of a sandbox, bound to that.
    Sandbox,
    /// Hosts of another domain, bound to that.
    Workgroup,
    /// OCSF from anywhere, bound to tenants of his own.
    Anything,
}

impl Feed {
    /// The source of this format that the outsider may write to.
    pub(super) fn forgeable(self) -> Feed {
        match self {
            Feed::Trail | Feed::Partner => Feed::Partner,
            Feed::Okta | Feed::Sandbox => Feed::Sandbox,
            Feed::Domain | Feed::Workgroup => Feed::Workgroup,
            Feed::Anything => Feed::Anything,
        }
    }
}

/// A record as it is delivered.
#[derive(Clone)]
pub(super) struct Delivery {
    /// Microseconds.
    pub(super) at: i64,
    pub(super) feed: Feed,
    /// One line of JSON.
    pub(super) line: String,
}

/// What a record says about itself.
pub(super) struct Stamp {
    /// Its id, once in all sequences.
    pub(super) id: String,
    /// A number, once in all sequences of a run.
    pub(super) number: usize,
    /// RFC 3339.
    pub(super) time: Timestamp,
}

/// A sequence as it is played.
pub(super) struct Scene {
    pub(super) victim: Victim,
    pub(super) random: Random,
    /// The time of the last delivery, microseconds.
    clock: i64,
    /// How far the records' times are from their delivery, microseconds.
    pub(super) shift: i64,
    /// Records go to sources that the outsider may write to.
    pub(super) forging: bool,
    /// Whether the owner acts.
    owned: bool,
    pub(super) deliveries: Vec<Delivery>,
    /// The places of the owner's own records among the deliveries.
    pub(super) genuine: Vec<usize>,
}

impl Scene {
    pub(super) fn new(victim: Victim, begin: i64) -> Scene {
        Scene {
            victim,
            random: Random::new(0),
            clock: begin,
            shift: 0,
            forging: false,
            owned: false,
            deliveries: Vec::new(),
            genuine: Vec::new(),
        }
    }

    /// Begins a step with numbers of its own; time passes.
    pub(super) fn step(&mut self, seed: u64, owned: bool) {
        self.random = Random::new(seed);
        (self.shift, self.forging, self.owned) = (0, false, owned);
        self.pass(30);
    }

    /// Lets up to so many seconds pass.
    pub(super) fn pass(&mut self, seconds: usize) {
        self.clock += i64::try_from(self.random.between(1, seconds)).unwrap() * SECOND;
    }

    /// Delivers a record.
    pub(super) fn deliver(&mut self, feed: Feed, write: impl FnOnce(&Stamp) -> String) {
        self.clock += SECOND;
        let number = self.victim.0 * 4_096 + self.deliveries.len();
        let stamp = Stamp { id: format!("event-{number}"), number, time: Timestamp(self.clock + self.shift) };
        let mut line = write(&stamp);
        receive(&mut line, Timestamp(self.clock));
        self.deliver_again(if self.forging { feed.forgeable() } else { feed }, line);
    }

    /// Delivers a line as it is.
    pub(super) fn deliver_again(&mut self, feed: Feed, line: String) {
        if self.owned {
            self.genuine.push(self.deliveries.len());
        }
        self.deliveries.push(Delivery { at: self.clock, feed, line });
    }

    /// The clock, for another receipt.
    pub(super) fn now(&mut self) -> Timestamp {
        self.clock += SECOND;
        Timestamp(self.clock)
    }

    /// The owner's records so far.
    pub(super) fn all_genuine(&self) -> Vec<Delivery> {
        self.genuine.iter().map(|place| self.deliveries[*place].clone()).collect()
    }

    /// One of the owner's records so far.
    pub(super) fn one_genuine(&mut self) -> Option<Delivery> {
        let place = (!self.genuine.is_empty()).then(|| self.random.below(self.genuine.len()))?;
        Some(self.deliveries[self.genuine[place]].clone())
    }
}

const RECEIVED: &str = ",\"countersign.ingestTime\":\"";

/// Sets when a record was received, instead of what it says so far.
pub(super) fn receive(line: &mut String, at: Timestamp) {
    let end = line.find(RECEIVED).unwrap_or(line.len() - 1);
    line.truncate(end);
    write!(line, "{RECEIVED}{at}\"}}").unwrap();
}
