//! Scenarios: an estate, its ordinary work, and what is laid over it, read as one stream.

use std::iter::Peekable;
use std::time::Duration;

use countersign_model::Timestamp;

use crate::attacks::Attack;
use crate::bursts::Burst;
use crate::disorder::{Delivered, Deliveries, Delivery, Disorder};
use crate::estate::{Estate, Size};
use crate::label::Label;
use crate::ordinary::{Flow, Move, Ordinary};
use crate::plan::{Plan, Planned};
use crate::random::{Random, Stream};
use crate::telemetry::Telemetry;

/// When scenarios start by default: 2026-03-02T08:00:00Z.
pub const START: Timestamp = Timestamp(1_772_438_400_000_000);

/// A scenario in the making; begins small, with no ordinary work and nothing laid over it.
#[derive(Clone, Debug)]
#[must_use]
pub struct ScenarioBuilder {
    seed: u64,
    telemetry: Telemetry,
    size: Size,
    start: Timestamp,
    per_minute: u32,
    ordinary: u64,
    events: Option<u64>,
    overlays: Vec<(Overlay, Duration)>,
    disorder: Disorder,
    receipt_times: bool,
}

#[derive(Clone, Copy, Debug)]
enum Overlay {
    Attack(Attack, u32),
    Burst(Burst),
}

impl Overlay {
    fn telemetry(self) -> Telemetry {
        match self {
            Overlay::Attack(attack, _) => attack.telemetry(),
            Overlay::Burst(burst) => burst.telemetry(),
        }
    }
}

/// Begins a scenario. The same seed and the same steps give the same bytes.
pub fn scenario(seed: u64) -> ScenarioBuilder {
    ScenarioBuilder {
        seed,
        telemetry: Telemetry::default(),
        size: Size::SMALL,
        start: START,
        per_minute: 30,
        ordinary: 0,
        events: None,
        overlays: Vec::new(),
        disorder: Disorder::default(),
        receipt_times: false,
    }
}

impl ScenarioBuilder {
    /// The system whose records it has; [`Telemetry::CloudTrail`] by default. Attacks and bursts that another system
    /// sees are left out.
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// How large the estate is; [`Size::SMALL`] by default.
    pub fn estate(mut self, size: Size) -> Self {
        self.size = size;
        self
    }

    /// When it starts; [`START`] by default.
    pub fn start(mut self, start: Timestamp) -> Self {
        self.start = start;
        self
    }

    /// Ordinary work at an even rate of `per_minute` records, at least 1, for `duration`.
    pub fn ordinary(mut self, per_minute: u32, duration: Duration) -> Self {
        self.per_minute = per_minute.max(1);
        self.ordinary = u64::from(self.per_minute).saturating_mul(duration.as_secs()) / 60;
        self
    }

    /// So many records in all (before duplicates and damaged copies): ordinary work goes on until there are so
    /// many. What is laid over it always comes whole, so there can be more.
    pub fn events(mut self, total: u64) -> Self {
        self.events = Some(total);
        self
    }

    /// An attack by intruder 0, `at` after the start.
    pub fn attack(self, attack: Attack, at: Duration) -> Self {
        self.attack_by(0, attack, at)
    }

    /// An attack by a numbered intruder. Attacks by the same one have the same victim and come from the same
    /// address, so that several make a chain; other intruders have other victims, as far as the estate has people.
    pub fn attack_by(mut self, intruder: u32, attack: Attack, at: Duration) -> Self {
        self.overlays.push((Overlay::Attack(attack, intruder), at));
        self
    }

    /// A burst of legitimate work, `at` after the start.
    pub fn burst(mut self, burst: Burst, at: Duration) -> Self {
        self.overlays.push((Overlay::Burst(burst), at));
        self
    }

    /// How delivery goes wrong; by default it doesn't.
    pub fn disorder(mut self, disorder: Disorder) -> Self {
        self.disorder = disorder;
        self
    }

    /// Gives every whole record a member `countersign.ingestTime`, which the host takes for its receipt time. Real
    /// records have none, so by default these have none either; with it, a duplicate differs from its first in that
    /// member.
    pub fn receipt_times(mut self) -> Self {
        self.receipt_times = true;
        self
    }

    /// Lays it out. Overlays are written now (a few hundred records each); ordinary work is made as it is read.
    #[must_use]
    pub fn build(self) -> Generated {
        let estate = Estate::new(self.seed, self.size);
        let mut labels = Vec::new();
        let mut moves: Vec<Move> = Vec::new();
        let mut laid: Vec<Planned> = Vec::new();
        for ((overlay, at), number) in self.overlays.into_iter().zip(0u32..) {
            if overlay.telemetry() != self.telemetry {
                continue;
            }
            let at = self.start.plus_micros(i64::try_from(at.as_micros()).unwrap_or(i64::MAX));
            let mut random = Random::new(self.seed, Stream::Overlay(number));
            let mut plan = Plan::new(&estate, &mut random, at);
            labels.push(match overlay {
                Overlay::Attack(attack, intruder) => attack.lay(&mut plan, self.seed, intruder),
                Overlay::Burst(burst) => burst.lay(&mut plan, &mut moves),
            });
            laid.extend(plan.out);
        }
        // Stable, so that equal times keep the order in which they were laid.
        laid.sort_by_key(|record| record.time);
        moves.sort_by_key(|change| change.time);
        let count = match self.events {
            Some(total) => total.saturating_sub(laid.len() as u64),
            None => self.ordinary,
        };
        let identities_toml = estate.identities_toml();
        let egress_toml = estate.egress_toml(self.start);
        let domain_roles_toml = estate.domain_roles_toml(self.start);
        let flow = Flow { start: self.start, per_minute: u64::from(self.per_minute), count };
        let ordinary = Ordinary::new(self.telemetry, estate.clone(), self.seed, flow, moves);
        let merged = Merged { ordinary: ordinary.peekable(), laid: laid.into_iter().peekable() };
        let deliveries = Deliveries::new(merged, self.telemetry, self.disorder, self.seed);
        let records = Records { deliveries, receipt_times: self.receipt_times };
        Generated { estate, identities_toml, egress_toml, domain_roles_toml, labels, records }
    }
}

/// A scenario laid out.
pub struct Generated {
    /// Whose telemetry it is.
    pub estate: Estate,
    /// What the operator's directory knows of it.
    pub identities_toml: String,
    /// The networks that are its own, as of the start.
    pub egress_toml: String,
    /// What accounts and machines of its domain are there for, as of the start.
    pub domain_roles_toml: String,
    /// What was laid over the ordinary work, in the order in which it was added.
    pub labels: Vec<Label>,
    /// The records, made as they are read, in bounded memory.
    pub records: Records,
}

/// A scenario's records in order of delivery.
pub struct Records {
    deliveries: Deliveries<Merged>,
    receipt_times: bool,
}

impl Iterator for Records {
    type Item = Delivered;

    fn next(&mut self) -> Option<Delivered> {
        let mut record = self.deliveries.next()?;
        if self.receipt_times && !matches!(record.delivery, Delivery::Bad(_)) && record.line.pop().is_some() {
            // A record is an object that isn't empty: its last character closes it.
            record.line.push_str(&format!(",\"countersign.ingestTime\":\"{}\"}}", record.ingest_time));
        }
        Some(record)
    }
}

struct Merged {
    ordinary: Peekable<Ordinary>,
    laid: Peekable<std::vec::IntoIter<Planned>>,
}

impl Iterator for Merged {
    type Item = Planned;

    fn next(&mut self) -> Option<Planned> {
        match (self.ordinary.peek(), self.laid.peek()) {
            (Some(work), Some(laid)) if laid.time < work.time => self.laid.next(),
            (Some(_), _) => self.ordinary.next(),
            (None, _) => self.laid.next(),
        }
    }
}
