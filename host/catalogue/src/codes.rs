//! The pages of stable codes.

use countersign_audit::FaultCode;
use countersign_audit::record::HostFindingKind;
use countersign_declaration::RefusalCode;
use countersign_formats::DeadReason;
use countersign_model::call::FailureKind;
use countersign_model::{DecisionKind, Effect, ReasonCode};

use crate::Page;
use crate::markdown::Markdown;

/// Why something is decided.
pub(crate) fn reasons() -> Page {
    let mut page = Markdown::new(
        "Reason codes",
        "Every decision lists all its reasons, each with a code, the action that it is about, its effect, and a detail \
         as text (see [JSON](json.md)). Codes are stable; details are for people.",
    );
    page.ids::<ReasonCode>(["code", "meaning"]);
    page.heading("Effects");
    page.paragraph("The strictest effect of all reasons about an action decides about it.");
    page.ids::<Effect>(["effect", "meaning"]);
    page.heading("Decisions");
    page.ids::<DecisionKind>(["decision", "meaning"]);
    Page { name: "reason-codes.md", text: page.finish() }
}

/// Why a rule is refused.
pub(crate) fn refusals() -> Page {
    let mut page = Markdown::new(
        "Refusal codes",
        "Why admission refuses a rule. `rule check` lists every reason at once, each with a code, a place, what was \
         expected and what was there (see [JSON](json.md)). Codes are stable.",
    );
    page.ids::<RefusalCode>(["code", "meaning"]);
    Page { name: "refusal-codes.md", text: page.finish() }
}

/// Why a record can't be used.
pub(crate) fn dead_letters() -> Page {
    let mut page = Markdown::new(
        "Dead-letter codes",
        "Why a record of an input can't become an event. Such a record is a dead letter, and the run goes on (see \
         [formats](formats.md)). Codes are stable.",
    );
    page.ids::<DeadReason>(["code", "meaning"]);
    Page { name: "dead-letter-codes.md", text: page.finish() }
}

/// What is wrong with an audit file, a call or a rule.
pub(crate) fn faults() -> Page {
    let mut page =
        Markdown::new("Fault codes", "Stable codes of what can go wrong while rules run, and of audit files.");
    page.heading("Failed calls");
    page.paragraph(
        "Why a call of a rule gave no usable answer: `failure` of a row set aside. Everything else of the run goes on.",
    );
    page.ids::<FailureKind>(["code", "meaning"]);
    page.heading("Findings of the host");
    page.paragraph("What the host finds about itself: `kind` of a `host-finding` record of the audit file.");
    page.ids::<HostFindingKind>(["code", "meaning"]);
    page.heading("Audit files");
    page.paragraph("What `audit verify` finds.");
    page.ids::<FaultCode>(["code", "meaning"]);
    Page { name: "fault-codes.md", text: page.finish() }
}
