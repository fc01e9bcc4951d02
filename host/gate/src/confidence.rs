//! Confidence: of a finding under the operator's caps, and of several findings combined.

use std::collections::BTreeMap;

use countersign_model::Finding;
use countersign_model::vocabulary::SignalClass;

use crate::inputs::{GateInputs, RuleAuthority};

/// The maximum of combined confidence: more needs a finding that has it alone.
pub const MAX_COMBINED: u8 = 95;

/// A finding's effective confidence, 0–100: its rule's score under the operator's caps on the rule, on its publisher
/// and on every rule whose findings feed it. 0 where the inputs don't have the rule's authority.
#[must_use]
pub fn effective_confidence(inputs: &GateInputs, finding: &Finding) -> u8 {
    let Some(authority) = inputs.authority(&finding.rule) else { return 0 };
    let caps = with_lineage(inputs, authority).map(|member| member.map_or(0, |member| member.cap));
    caps.fold(finding.confidence, u8::min)
}

/// A rule and every rule whose findings feed it; none for one whose authority isn't among the inputs.
pub(crate) fn with_lineage<'i>(
    inputs: &'i GateInputs,
    authority: &'i RuleAuthority,
) -> impl Iterator<Item = Option<&'i RuleAuthority>> {
    std::iter::once(Some(authority)).chain(authority.lineage.iter().map(|rule| inputs.authority(rule)))
}

/// A finding as it counts in the combined confidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted<'i> {
    /// Effective confidence, 0–100.
    pub confidence: u8,
    /// The event it is about.
    pub event_id: &'i str,
    /// Its class.
    pub class: SignalClass,
    /// Its rule's publisher.
    pub publisher: &'i str,
    /// Whether this publisher's findings count each on its own, by the operator's setting.
    pub exempt_from_grouping: bool,
}

impl<'i> Counted<'i> {
    pub(crate) fn of(inputs: &'i GateInputs, finding: &'i Finding) -> Counted<'i> {
        Counted {
            confidence: effective_confidence(inputs, finding),
            event_id: &finding.event_id,
            class: finding.signal_class,
            publisher: finding.rule.publisher(),
            exempt_from_grouping: inputs.authority(&finding.rule).is_some_and(|rule| rule.exempt_from_grouping),
        }
    }
}

/// The combined confidence of findings, 0–95: 1 − ∏(1 − c) over the strongest of each event, of each signal class and
/// of each publisher, and of these three the least.
///
/// Monotone: another finding, or more confidence in one, never lowers it. That is why a single finding is held at 95
/// too: otherwise a second one would lower what the first had alone.
#[must_use]
pub fn combined_confidence(findings: &[Counted<'_>]) -> u8 {
    let by_event = strength(findings.iter().map(|found| (found.event_id, found.confidence)));
    let by_class = strength(findings.iter().map(|found| (found.class, found.confidence)));
    let by_publisher = strength(findings.iter().enumerate().map(|(place, found)| {
        let alone = found.exempt_from_grouping.then_some(place);
        ((found.publisher, alone), found.confidence)
    }));
    by_event.min(by_class).min(by_publisher).min(MAX_COMBINED)
}

/// 1 − ∏(1 − c) over the strongest of each group, in whole per cent, rounded down.
fn strength<K: Ord>(findings: impl Iterator<Item = (K, u8)>) -> u8 {
    // Integers, so that the result is the same on every machine; doubt is rounded up, so that it never vanishes.
    const WHOLE: u64 = 1_000_000_000_000;
    let mut strongest: BTreeMap<K, u8> = BTreeMap::new();
    for (group, confidence) in findings {
        let max = strongest.entry(group).or_default();
        *max = confidence.min(100).max(*max);
    }
    let doubt =
        strongest.values().fold(WHOLE, |doubt, confidence| (doubt * (100 - u64::from(*confidence))).div_ceil(100));
    100 - u8::try_from((doubt * 100).div_ceil(WHOLE)).unwrap_or(100)
}
