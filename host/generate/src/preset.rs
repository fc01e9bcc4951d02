//! Named scenarios, as the command line offers them.

use std::time::Duration;

use crate::attacks::Attack;
use crate::bursts::Burst;
use crate::estate::Size;
use crate::scenario::{ScenarioBuilder, scenario};
use crate::telemetry::Telemetry;

/// A named scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Preset {
    /// Only ordinary work and benign bursts.
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
            Preset::QuietDay => "a small company's working day with its benign bursts and no attack",
            Preset::Demo => "a stolen access key's way to administrator and a Terraform run, within half an hour",
            Preset::AllAttacks => "every attack by an intruder of its own and every benign burst, within two hours",
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

    /// Its scenario as one system sees it, with `events` records in all where given (see [`ScenarioBuilder::events`]).
    pub fn scenario(self, telemetry: Telemetry, seed: u64, events: Option<u64>) -> ScenarioBuilder {
        let minutes = |count: u64| Duration::from_secs(count * 60);
        let built = match self {
            Preset::QuietDay => scenario(seed)
                .estate(Size::MEDIUM)
                .ordinary(20, minutes(480))
                .burst(Burst::NewHireDay, minutes(60))
                .burst(Burst::TerraformRun, minutes(150))
                .burst(Burst::InstanceReboot, minutes(270))
                .burst(Burst::SharedAddress, minutes(5))
                .burst(Burst::HelpdeskDay, minutes(90))
                .burst(Burst::ExpiredPassword, minutes(60))
                .burst(Burst::Inventory, minutes(180))
                .burst(Burst::PipelineSetup, minutes(330))
                .burst(Burst::PhonesOffline, minutes(210)),
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
                everything(telemetry, scenario(seed).estate(Size::MEDIUM).ordinary(60, minutes(120)), |number| {
                    minutes(5 + 10 * number)
                })
            }
            Preset::Bulk => {
                let ordinary = scenario(seed).estate(Size::LARGE).ordinary(6_000, minutes(60)).events(100_000);
                everything(telemetry, ordinary, |number| minutes(1 + number))
            }
        };
        let built = built.telemetry(telemetry);
        match events {
            Some(total) => built.events(total),
            None => built,
        }
    }
}

/// Every attack and burst that a system sees, one after the other.
fn everything(telemetry: Telemetry, mut scenario: ScenarioBuilder, at: impl Fn(u64) -> Duration) -> ScenarioBuilder {
    let attacks: Vec<Attack> = Attack::ALL.iter().copied().filter(|attack| attack.telemetry() == telemetry).collect();
    let bursts = Burst::ALL.iter().copied().filter(|burst| burst.telemetry() == telemetry);
    let first_burst = attacks.len() as u64;
    for (attack, number) in attacks.into_iter().zip(0u32..) {
        scenario = scenario.attack_by(number, attack, at(u64::from(number)));
    }
    for (burst, number) in bursts.zip(first_burst..) {
        scenario = scenario.burst(burst, at(number));
    }
    scenario
}
