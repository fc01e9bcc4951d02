//! Uses a subscription: the second finding of another rule about one account weighs more than the first.

use countersign_sdk::prelude::*;

countersign_sdk::rule!();

/// State of an account.
#[derive(State)]
#[state(slot = "seen")]
struct Seen {
    findings: u32,
}

#[detection]
fn detect(event: &Event, seen: &mut Slot<Seen>, cx: &mut Context) {
    if !event.is_finding() {
        return;
    }
    seen.findings = seen.findings.saturating_add(1);
    seen.keep(event.reference());
    if seen.findings >= 2 {
        let confidence = event.finding_confidence().unwrap_or_default().saturating_add(10).min(95) as u8;
        let rule = event.finding_rule().unwrap_or("an unnamed rule");
        let finding = Finding::new(class::Token, confidence).evidence_all(seen.kept());
        cx.report(finding.message(format!("{} findings of {rule}", seen.findings)));
    }
}
