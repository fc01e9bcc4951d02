//! Event references: made by the host, the same for the same rule, key and event, and telling a rule nothing.

use countersign_model::{Digest, Event, RuleId};

/// What stands for an event: its id is unique within (source, tenant) only.
pub(crate) fn event_seed(event: &Event) -> u64 {
    let mut text = Vec::with_capacity(event.source.len() + event.tenant.len() + event.id.len() + 2);
    text.extend_from_slice(event.source.as_bytes());
    text.push(0);
    text.extend_from_slice(event.tenant.as_bytes());
    text.push(0);
    text.extend_from_slice(event.id.as_bytes());
    Digest::of(&text).prefix_u64()
}

/// What stands for a rule.
pub(crate) fn rule_seed(rule: &RuleId) -> u64 {
    Digest::of(rule.as_str().as_bytes()).prefix_u64()
}

/// What stands for the missing key of a row without one.
pub(crate) const NO_KEY_SEED: u64 = 0;

/// What stands for a key: FNV-1a, 64 bits (Fowler, Noll and Vo).
pub(crate) fn key_seed(key: &str) -> u64 {
    key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The reference. Each seed goes through a bijection of its own, so that two of them can't cancel out.
pub(crate) fn reference(rule: u64, key: u64, event: u64) -> u64 {
    mix(mix(mix(rule) ^ key) ^ event)
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
