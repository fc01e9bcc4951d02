//! The gate: one pure function from an incident's inputs to decisions. Authority only shrinks, every reason is
//! collected, and nothing else in the host can make an [`Authorised`] action. No I/O, no clock, no state.

mod confidence;
mod decide;
mod inputs;
mod judge;
mod outcome;
mod show;

pub use confidence::{Counted, MAX_COMBINED, combined_confidence, effective_confidence};
pub use decide::decide;
pub use inputs::{
    Administrators, Approvals, Budgets, Estimate, Estimates, GateInputs, KillSwitch, Leases, RuleAuthority, Stage,
    Stages, Suppression, Windows,
};
pub use outcome::{ActionTarget, Authorised, Connector, Execution, Outcome, Undo};
pub use show::{answering_rules, available_actions, incident_view};
