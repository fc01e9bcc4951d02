//! Compares a finding with the answer in its bundle, and texts for messages.

use countersign_casework::bundle::FindingBundle;
use countersign_model::call::RowKind;
use countersign_model::vocabulary::Severity;
use countersign_model::{ContextState, Occasion};
use serde::Serialize;

/// A form as text, to be compared.
pub(crate) fn json(form: &impl Serialize) -> String {
    serde_json::to_string(form).unwrap_or_default()
}

/// Whether a finding is what the host makes of the answer in its bundle, where its rule's findings have at most this
/// severity.
pub(crate) fn finding_matches_answer(bundle: &FindingBundle, greatest: Severity) -> bool {
    let finding = &bundle.finding;
    let own = bundle.call.batch.rows.references.first();
    let Some(answered) = bundle.answer.findings.get(bundle.place as usize) else { return false };
    let mut evidence: Vec<u64> = own.copied().into_iter().collect();
    for reference in &answered.evidence {
        if !evidence.contains(reference) {
            evidence.push(*reference);
        }
    }
    row_has_occasion(bundle)
        && finding.rule == bundle.rule.id
        && finding.signal_class.id() == answered.signal_class
        && finding.confidence == answered.confidence
        && finding.severity == answered.severity.min(greatest)
        && finding.role == answered.subject
        && answered.evidence_role.is_none_or(|role| finding.evidence_role <= role)
        && finding.evidence.iter().map(|evidence| evidence.reference).eq(evidence)
        && finding.techniques == answered.techniques
        && finding.message == answered.message
        && finding.context == ContextState::of(&bundle.call.context)
}

/// Whether the row came for the finding's occasion.
fn row_has_occasion(bundle: &FindingBundle) -> bool {
    let rows = &bundle.call.batch.rows;
    let kind = rows.kinds.as_ref().and_then(|kinds| kinds.first());
    match (&bundle.finding.occasion, kind) {
        (Occasion::Event, None | Some(RowKind::Event | RowKind::Late))
        | (Occasion::Finding { .. }, Some(RowKind::Finding)) => true,
        (Occasion::Timer { id, at }, Some(RowKind::Timer(row_id))) => {
            id == row_id && rows.event_times.first() == Some(&at.micros())
        }
        _ => false,
    }
}

/// Excerpts of two texts from where they differ.
pub(crate) fn difference_excerpts(expected: &str, got: &str) -> (String, String) {
    const BEFORE: usize = 40;
    let common = expected.bytes().zip(got.bytes()).take_while(|(a, b)| a == b).count();
    let from = |text: &str| {
        let at = text.floor_char_boundary(common.saturating_sub(BEFORE));
        let start = if at > 0 { "…" } else { "" };
        format!("{start}{}", shorten(text.get(at..).unwrap_or_default()))
    };
    (from(expected), from(got))
}

fn shorten(text: &str) -> String {
    const MAX_BYTES: usize = 160;
    let end = text.floor_char_boundary(MAX_BYTES);
    match text.get(..end) {
        Some(start) if end < text.len() => format!("{start}…"),
        _ => text.to_owned(),
    }
}
