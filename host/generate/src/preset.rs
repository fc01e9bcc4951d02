//! Named scenarios, as the command line offers them.

use std::time::Duration;

use crate::attacks::Attack;
use crate::bursts::Burst;
use crate::estate::Size;
use crate::scenario::{ScenarioBuilder, scenario};

/// A named scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Preset {
    /// Nothing but ordinary work and lawful bursts.
    QuietDay,
    /// One intruder's chain and a legitimate burst, small.
    Demo,
    /// Every attack by an intruder of its own, and every burst.
    AllAttacks,
    /// A large estate's ordinary work at speed, with every attack and burst in its first ten minutes.
    Bulk,
}

impl Preset {
    /// Every preset.
    pub const ALL: &'static [Preset] = &[Preset::QuietDay, Preset::Demo, Preset::AllAttacks, Preset::Bulk];

    /// The name on the command line.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Preset::QuietDay => "quiet-day",
            Preset::Demo => "demo",
            Preset::AllAttacks => "all-attacks",
            Preset::Bulk => "bulk",
        }
    }

    /// One sentence for a list.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Preset::QuietDay => "a small company's working day with its lawful bursts and no attack",
            Preset::Demo => "a stolen access key's way to administrator and a Terraform run, within half an hour",
            Preset::AllAttacks => "every attack by an intruder of its own and every lawful burst, within two hours",
            Preset::Bulk => {
                "a large company at 6,000 events a minute, every attack in the first ten minutes; 100,000 events"
            }
        }
    }

    /// The preset with this name.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Preset> {
        Preset::ALL.iter().copied().find(|preset| preset.id() == id)
    }

    /// Its scenario, with `events` records in all where given (see [`ScenarioBuilder::events`]).
    pub fn scenario(self, seed: u64, events: Option<u64>) -> ScenarioBuilder {
        let minutes = |count: u64| Duration::from_secs(count * 60);
        let built = match self {
            Preset::QuietDay => scenario(seed)
                .estate(Size::MEDIUM)
                .ordinary(20, minutes(480))
                .burst(Burst::NewHireDay, minutes(60))
                .burst(Burst::TerraformRun, minutes(150))
                .burst(Burst::InstanceReboot, minutes(270)),
            Preset::Demo => {
                let chain = [
                    (Attack::StolenAccessKey, 6),
                    (Attack::ConsoleLoginWithoutMfa, 10),
                    (Attack::PrivilegeToSelf, 13),
                    (Attack::CredentialForAnother, 15),
                    (Attack::RoleTrustOpened, 17),
                    (Attack::InstanceCredentialsElsewhere, 19),
                    (Attack::AuditTrailDisabled, 22),
                ];
                chain.into_iter().fold(
                    scenario(seed).ordinary(20, minutes(30)).burst(Burst::TerraformRun, minutes(4)),
                    |scenario, (attack, at)| scenario.attack(attack, minutes(at)),
                )
            }
            Preset::AllAttacks => {
                everything(scenario(seed).estate(Size::MEDIUM).ordinary(60, minutes(120)), |number| {
                    minutes(5 + 10 * number)
                })
            }
            Preset::Bulk => {
                everything(scenario(seed).estate(Size::LARGE).ordinary(6_000, minutes(60)).events(100_000), |number| {
                    minutes(1 + number)
                })
            }
        };
        match events {
            Some(total) => built.events(total),
            None => built,
        }
    }
}

fn everything(mut scenario: ScenarioBuilder, at: impl Fn(u64) -> Duration) -> ScenarioBuilder {
    for (attack, number) in Attack::ALL.iter().zip(0u32..) {
        scenario = scenario.attack_by(number, *attack, at(u64::from(number)));
    }
    for (burst, number) in Burst::ALL.iter().zip(Attack::ALL.len() as u64..) {
        scenario = scenario.burst(*burst, at(number));
    }
    scenario
}
