//! Benign bursts: legitimate work that looks like an attack by its speed or by its kind.

mod expired_password;
mod helpdesk;
mod inventory;
mod new_hires;
mod phones_offline;
mod pipeline_setup;
mod reboot;
mod shared_address;
mod terraform;

use crate::label::{Label, Story};
use crate::ordinary::Move;
use crate::plan::Plan;
use crate::telemetry::Telemetry;

/// Legitimate work out of the ordinary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Burst {
    /// A pipeline's Terraform run: hundreds of calls a minute, a few of them denied.
    TerraformRun,
    /// An IT administrator makes users, passwords, keys and second factors for new people.
    NewHireDay,
    /// An instance stops and starts: a new public address in its own network, a new session of its role.
    InstanceReboot,
    /// A pipeline sets up another: a provider for the company's own repositories, and more monitoring.
    PipelineSetup,
    /// The helpdesk resets the factors of people with new phones, who enrol them at once.
    HelpdeskDay,
    /// All members sign in from one address after a holiday, and many mistype.
    SharedAddress,
    /// Pushes don't arrive, are sent again, and are accepted or replaced by a code.
    PhonesOffline,
    /// A service keeps using an expired password: hundreds of failures of one account.
    ExpiredPassword,
    /// An inventory asks for tickets of every service, encrypted as they should be.
    Inventory,
}

impl Burst {
    /// Every burst.
    pub const ALL: &'static [Burst] = &[
        Burst::TerraformRun,
        Burst::NewHireDay,
        Burst::InstanceReboot,
        Burst::PipelineSetup,
        Burst::HelpdeskDay,
        Burst::SharedAddress,
        Burst::PhonesOffline,
        Burst::ExpiredPassword,
        Burst::Inventory,
    ];

    /// The id in labels.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Burst::TerraformRun => "terraform-run",
            Burst::NewHireDay => "new-hire-day",
            Burst::InstanceReboot => "instance-reboot",
            Burst::PipelineSetup => "pipeline-setup",
            Burst::HelpdeskDay => "helpdesk-day",
            Burst::SharedAddress => "shared-address",
            Burst::PhonesOffline => "phones-offline",
            Burst::ExpiredPassword => "expired-password",
            Burst::Inventory => "inventory",
        }
    }

    /// The system that sees it.
    #[must_use]
    pub const fn telemetry(self) -> Telemetry {
        match self {
            Burst::TerraformRun | Burst::NewHireDay | Burst::InstanceReboot | Burst::PipelineSetup => {
                Telemetry::CloudTrail
            }
            Burst::HelpdeskDay | Burst::SharedAddress | Burst::PhonesOffline => Telemetry::Okta,
            Burst::ExpiredPassword | Burst::Inventory => Telemetry::WindowsSecurity,
        }
    }

    /// Writes the burst into the plan. What it changes for the ordinary work after it goes into `moves`.
    pub(crate) fn lay(self, plan: &mut Plan<'_>, moves: &mut Vec<Move>) -> Label {
        let mut story = Story::new(plan, self.id(), false);
        match self {
            Burst::TerraformRun => terraform::write(&mut story),
            Burst::NewHireDay => new_hires::write(&mut story),
            Burst::InstanceReboot => reboot::write(&mut story, moves),
            Burst::PipelineSetup => pipeline_setup::write(&mut story),
            Burst::HelpdeskDay => helpdesk::write(&mut story),
            Burst::SharedAddress => shared_address::write(&mut story),
            Burst::PhonesOffline => phones_offline::write(&mut story),
            Burst::ExpiredPassword => expired_password::write(&mut story),
            Burst::Inventory => inventory::write(&mut story),
        }
        story.label
    }
}
