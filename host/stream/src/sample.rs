//! Which rows are judged again on their own though the batch said nothing about their key: a rule whose answers depend on
//! what else is in a batch would otherwise show only where it finds something.

use countersign_model::{DigestKey, RuleId};

use crate::Sequenced;
use crate::reference::{NO_KEY_SEED, key_seed, reference};

/// All rows of a rule's code are in the sample up to this one, …
pub(crate) const FIRST_ROWS: u64 = 4_096;

/// … and of the others one in so many.
const ONE_IN: u64 = 256;

/// The sample of one rule's rows: the same whatever the batches, and not to be known to the rule.
pub(crate) struct Sample {
    seed: u64,
}

impl Sample {
    /// Under the key of the run's digests.
    pub(crate) fn new(key: &DigestKey, rule: &RuleId) -> Sample {
        let form = format!("countersign sample 1 {rule}");
        Sample { seed: key.digest(form.as_bytes()).prefix_u64() }
    }

    /// Whether a row is in it that is the rule's nth, from 0.
    pub(crate) fn has(&self, number: u64, row: &Sequenced, key: Option<&str>) -> bool {
        number < FIRST_ROWS
            || reference(self.seed, key.map_or(NO_KEY_SEED, key_seed), row.seed()).is_multiple_of(ONE_IN)
    }
}

#[cfg(test)]
#[path = "../tests/unit/sample.rs"]
mod tests;
