//! Event references: made by the host, the same for the same rule, key and event, and opaque to rules.

use countersign_model::{Digest, Event, RuleId};

/// The seed of an event. Its id is unique within (source, tenant) only, and only claimed by the record: two records that
/// claim one id must not pass for each other as evidence, so the bytes count too.
pub(crate) fn event_seed(event: &Event) -> u64 {
    let raw = event.raw.digest.0;
    let mut text = Vec::with_capacity(raw.len() + event.source.len() + event.tenant.len() + event.id.len() + 2);
    text.extend_from_slice(&raw);
    text.extend_from_slice(event.source.as_bytes());
    text.push(0);
    text.extend_from_slice(event.tenant.as_bytes());
    text.push(0);
    text.extend_from_slice(event.id.as_bytes());
    Digest::of(&text).prefix_u64()
}

/// The seed of a rule.
pub(crate) fn rule_seed(rule: &RuleId) -> u64 {
    Digest::of(rule.as_str().as_bytes()).prefix_u64()
}

/// The seed of a row without a key.
pub(crate) const NO_KEY_SEED: u64 = 0;

/// The seed of a key: FNV-1a, 64 bits (Fowler, Noll and Vo).
pub(crate) fn key_seed(key: &str) -> u64 {
    key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The reference. Each seed goes through its own bijection, so that two of them can't cancel out.
pub(crate) fn reference(rule: u64, key: u64, event: u64) -> u64 {
    mix(mix(mix(rule) ^ key) ^ event)
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::*;
    use crate::testing::event;

    fn make(rule: &str, key: Option<&str>, event: &Event) -> u64 {
        reference(rule_seed(&rule.parse().unwrap()), key.map_or(NO_KEY_SEED, key_seed), event_seed(event))
    }

    #[test]
    fn a_reference_is_the_same_for_the_same_rule_key_and_event() {
        let mut delivered_again = event(7);
        delivered_again.raw.input = 3;
        delivered_again.raw.ordinal = 9;
        delivered_again.raw.offset = 1_000;
        assert_eq!(make("a/b", Some("k"), &event(7)), make("a/b", Some("k"), &delivered_again));
    }

    #[test]
    fn a_reference_differs_where_the_rule_the_key_or_the_event_does() {
        let mut events = vec![event(1), event(2)];
        // One id in another tenant, of another source, and claimed by another record.
        events.extend((0..3).map(|_| event(1)));
        if let [.., tenant, source, bytes] = events.as_mut_slice() {
            tenant.tenant = Arc::from("444455556666");
            source.source = "elsewhere".into();
            bytes.raw.digest = Digest::of(b"another record");
        }
        let mut all = BTreeSet::new();
        for event in &events {
            for rule in ["a/b", "a/c"] {
                all.extend([None, Some(""), Some("k"), Some("l")].map(|key| make(rule, key, event)));
            }
        }
        assert_eq!(all.len(), events.len() * 2 * 4);
    }

    #[test]
    fn no_rule_shares_the_references_of_another_by_a_choice_of_keys() {
        // If the seeds were only joined, a key could be chosen to get the reference of another key's event.
        let (first, second) = (event_seed(&event(1)), event_seed(&event(2)));
        let rule = rule_seed(&"a/b".parse().unwrap());
        assert_ne!(reference(rule, first, second), reference(rule, second, first));
        assert_ne!(reference(rule, first ^ second, 0), reference(rule, 0, first ^ second));
        assert_ne!(reference(first, first, second), reference(second, second, second));
    }
}
