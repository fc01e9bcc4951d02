//! Which of the intents that are due are taken up: so many of a connector at once, some of them kept for undoing.

use std::collections::BTreeMap;

use countersign_model::{Digest, Timestamp};

use crate::work::{Next, Phase, Purpose, Work};

/// How many intents of one connector are under way at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In all; at least 1.
    pub at_once: usize,
    /// Of these, so many are kept for undoing: fewer than all, so that something is contained too.
    pub kept_for_undo: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { at_once: 8, kept_for_undo: 2 }
    }
}

/// Chooses among the intents of all connectors.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lanes {
    /// Of each connector.
    pub limits: Limits,
}

impl Lanes {
    /// The keys of the intents to take up now, given with the name of their connector: those that are under way first, then
    /// what undoes, then what acts; of these the longest due first. A slow connector takes no place of another's.
    #[must_use]
    pub fn choose<'w>(
        &self,
        works: impl IntoIterator<Item = (&'w str, &'w Work)>,
        busy: &BTreeMap<&str, usize>,
        now: Timestamp,
    ) -> Vec<Digest> {
        let mut by_connector: BTreeMap<&str, Vec<&Work>> = BTreeMap::new();
        for (connector, work) in works {
            if !matches!(work.next(now), Next::Wait(_) | Next::Nothing) {
                by_connector.entry(connector).or_default().push(work);
            }
        }
        let mut chosen = Vec::new();
        for (connector, mut works) in by_connector {
            works.sort_by_key(|work| {
                (work.phase() == Phase::Waiting, work.purpose() == Purpose::Act, work.due(), work.key())
            });
            let mut free = self.limits.at_once.max(1).saturating_sub(busy.get(connector).copied().unwrap_or_default());
            let kept = self.limits.kept_for_undo.min(self.limits.at_once.max(1) - 1);
            for work in works {
                // What is to be settled goes first wherever it came from: until then nobody knows what is there.
                let needs = if work.purpose() == Purpose::Act && work.phase() == Phase::Waiting { kept + 1 } else { 1 };
                if free >= needs {
                    free -= 1;
                    chosen.push(work.key());
                }
            }
        }
        chosen
    }
}

#[cfg(test)]
#[path = "../tests/unit/lanes.rs"]
mod tests;
