//! Says in words how versions differ, and how they decide differently.

use std::fmt::Write as _;

use countersign_audit::record::Generation as GenerationRecord;
use countersign_engine::{ENGINE_VERSION, INTERFACE};
use countersign_gate::{VERSION, changes_between};
use countersign_model::vocabulary::Action;
use countersign_model::{Decision, Reason};

use crate::difference::Cause;

/// Which versions of what a generation names differ from the running ones; none for tampering.
pub(crate) fn versions(record: &GenerationRecord, cause: Cause) -> Option<String> {
    match cause {
        Cause::Tampering => None,
        Cause::EngineVersion => Some(format!(
            "run by `{}` with `{}`, and now by `{ENGINE_VERSION}` with `{INTERFACE}`",
            record.engine, record.interface
        )),
        Cause::GateVersion => {
            let mut text = format!("decided by version {} of the gate, and now by version {VERSION}", record.gate);
            let (older, newer) = (record.gate.min(VERSION), record.gate.max(VERSION));
            for (place, change) in changes_between(older, newer).enumerate() {
                let _ = write!(text, "{}{change}", if place == 0 { "; since then: " } else { "; " });
            }
            Some(text)
        }
    }
}

/// How two decisions on the same proposal differ.
pub(crate) fn decisions(recorded: &Decision, now: &Decision) -> String {
    let name = |decision: &Decision| {
        let action = decision.action.or(decision.requested_action).map_or("nothing", Action::id);
        format!("`{}` of `{action}`", decision.kind)
    };
    let mut text = match (name(recorded), name(now)) {
        (recorded, now) if recorded == now => format!("{recorded} both times"),
        (recorded, now) => format!("{recorded} then, {now} now"),
    };
    list(&mut text, "reasons now that there weren't", missing_in(&now.reasons, &recorded.reasons));
    list(&mut text, "reasons then that there aren't", missing_in(&recorded.reasons, &now.reasons));
    text
}

/// The reasons that others don't have, or have otherwise.
fn missing_in<'r>(reasons: &'r [Reason], others: &'r [Reason]) -> impl Iterator<Item = &'r Reason> {
    reasons.iter().filter(|reason| !others.contains(reason))
}

fn list<'r>(text: &mut String, heading: &str, reasons: impl Iterator<Item = &'r Reason>) {
    for (place, reason) in reasons.enumerate() {
        let before = if place == 0 { format!("; {heading}: ") } else { ", ".to_owned() };
        let _ = write!(text, "{before}`{}` for `{}` ({})", reason.code, reason.action, reason.detail);
    }
}
