//! Bursts: legitimate work that looks like an attack by its speed or by its kind.

mod new_hires;
mod reboot;
mod terraform;

use crate::label::{Label, Story};
use crate::ordinary::Move;
use crate::plan::Plan;

/// Legitimate work out of the ordinary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Burst {
    /// A pipeline's Terraform run: hundreds of calls a minute, a few of them denied.
    TerraformRun,
    /// An IT administrator makes users, passwords, keys and second factors for new people.
    NewHireDay,
    /// An instance stops and starts: a new public address in its own network, a new session of its role.
    InstanceReboot,
}

impl Burst {
    /// Every burst.
    pub const ALL: &'static [Burst] = &[Burst::TerraformRun, Burst::NewHireDay, Burst::InstanceReboot];

    /// The id in labels.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Burst::TerraformRun => "terraform-run",
            Burst::NewHireDay => "new-hire-day",
            Burst::InstanceReboot => "instance-reboot",
        }
    }

    /// Writes the burst into the plan. What it changes for the ordinary work after it goes into `moves`.
    pub(crate) fn lay(self, plan: &mut Plan<'_>, moves: &mut Vec<Move>) -> Label {
        let mut story = Story::new(plan, self.id(), false);
        match self {
            Burst::TerraformRun => terraform::tell(&mut story),
            Burst::NewHireDay => new_hires::tell(&mut story),
            Burst::InstanceReboot => reboot::tell(&mut story, moves),
        }
        story.label
    }
}
