//! Whether people approved an action, and whether what they approved is what would be done now.

use countersign_model::vocabulary::Action;
use countersign_model::{Effect, Reason, ReasonCode};

use crate::circumstances::{Approvals, Estimates, GivenApproval};
use crate::inputs::GateInputs;

/// What became of the approval of an action.
pub(crate) enum Approved {
    /// Nobody approved it.
    No,
    /// It may be done, for this reason.
    Yes(Reason),
    /// What people approved hits fewer than it would now: it waits again, for this reason.
    Exceeded(Reason),
}

/// Whether an action on a subject was approved, and would still hit no more than people were told.
pub(crate) fn approved(inputs: &GateInputs, subject: usize, action: Action) -> Approved {
    let Approvals::Given(all) = &inputs.circumstances.approvals else { return Approved::No };
    let Some(given) = all.iter().find(|given| (given.subject, given.action) == (subject, action)) else {
        return Approved::No;
    };
    let GivenApproval { approval, by, .. } = given;
    let Some(told) = given.principals else {
        return Approved::Yes(reason(action, format!("approval {approval}: {}", by.join(", "))));
    };
    let now = match &inputs.circumstances.estimates {
        Estimates::Unconfigured => None,
        Estimates::Asked(all) => all.iter().find(|one| (one.subject, one.action) == (subject, action)),
    };
    match now.map(|one| one.principals) {
        Some(now) if now <= told => Approved::Yes(reason(
            action,
            format!("approval {approval}: {}, of at most {told} principals", by.join(", ")),
        )),
        now => {
            let now = now.map_or_else(|| "an unknown number".to_owned(), |now| now.to_string());
            let detail = format!("approval {approval} is of {told} principals, and it would hit {now}");
            Approved::Exceeded(Reason { code: ReasonCode::ApprovalExceeded, action, effect: Effect::Approval, detail })
        }
    }
}

fn reason(action: Action, detail: String) -> Reason {
    Reason { code: ReasonCode::Approved, action, effect: Effect::Allow, detail }
}
