//! What a store tells of the rules that judged in it, for commands that read it without going on with it.

use std::collections::BTreeMap;

use countersign_model::vocabulary::PartitionKey;
use countersign_model::{Digest, Hold, RuleId, Timestamp};
use countersign_store::Stored;

use crate::error::SessionError;
use crate::memory::RuleMemory;
use crate::resume::{read_rules, read_session};

/// What is known of a rule that judged in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRule {
    /// What its state is kept by; none for a response rule, which keeps nothing.
    pub partition_key: Option<PartitionKey>,
    /// With which rows of sources it isn't called for a while; a response rule, about what is found in them.
    pub holds: Vec<Hold>,
    /// Since when it is gone, if the generation that serves doesn't have it.
    pub absent_since: Option<Timestamp>,
    /// The digest of its code.
    pub code: Option<Digest>,
    /// Rows that were delivered to it.
    pub delivered: u64,
    /// Rows that were held back from it.
    pub held: u64,
    /// Findings that it made.
    pub findings: u64,
    /// The gate's clock at the last of them.
    pub last_finding: Option<Timestamp>,
}

/// The rules that judged in a store, and haven't been forgotten.
///
/// # Errors
/// When the store can't be read, or its memory isn't a session's.
pub fn stored_rules(store: &dyn Stored) -> Result<BTreeMap<RuleId, StoredRule>, SessionError> {
    let rule = |memory: RuleMemory| {
        let RuleMemory { partition_key, holds, absent_since, code, delivered, held, findings, last_finding, .. } =
            memory;
        StoredRule { partition_key, holds, absent_since, code, delivered, held, findings, last_finding }
    };
    let mut rules: BTreeMap<RuleId, StoredRule> =
        read_rules(store)?.into_iter().map(|(id, memory)| (id, rule(memory))).collect();
    let responses = read_session(store)?.map(|session| session.held_responses).unwrap_or_default();
    for (id, held) in responses {
        rules.entry(id).and_modify(|rule| rule.holds.extend(held.holds));
    }
    Ok(rules)
}
