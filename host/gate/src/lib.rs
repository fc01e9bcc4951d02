//! The gate: pure functions from an incident's inputs to decisions, and from a decision on record to the right to act.
//! Authority only shrinks, every reason is collected, and nothing else in the host can make an [`Authorised`] action. No
//! I/O, no clock, no state.

mod approved;
mod authorised;
mod circumstances;
mod confidence;
mod decide;
mod inputs;
mod judge;
mod reauthorise;
mod recorded;
mod show;
mod version;

pub use authorised::{ActionTarget, Authorised};
pub use circumstances::{
    Administrators, Approvals, Budgets, Circumstances, Estimate, Estimates, GivenApproval, KillSwitch, Leases, Sources,
    Stage, Stages, Suppression, Windows,
};
pub use confidence::{Counted, MAX_COMBINED, combined_confidence, effective_confidence};
pub use decide::{decide, may_act};
pub use inputs::{GateInputs, RuleAuthority};
pub use reauthorise::{Less, ReauthoriseError, Reauthorised, reauthorise, target};
pub use recorded::RecordedInputs;
pub use show::{answering_rules, available_actions, incident_view};
pub use version::{VERSION, changes_between};
