//! Which of the intents that are due are taken up: so many of a connector at once, some of them kept for undoing.

use std::collections::{BTreeMap, BTreeSet};

use countersign_model::{Digest, Timestamp};

use crate::input::{Next, Phase, Purpose};
use crate::work::Work;

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

/// An intent that may be taken up.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'w> {
    /// The connector that it goes through.
    pub connector: &'w str,
    /// What it acts on, as the connector tells targets apart: one is done after another on each.
    pub target: &'w str,
    /// The intent.
    pub work: &'w Work,
}

/// Chooses among the intents of all connectors.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lanes {
    /// Of each connector.
    pub limits: Limits,
}

impl Lanes {
    /// The keys of the intents to take up now: of each connector what undoes first, then what is to be settled, then what
    /// acts, and of these the longest due first. Those in flight aren't chosen again, nor is another one of their target. A
    /// slow connector takes no place of another's, and what acts takes none that is kept for undoing, whether it is new or to
    /// be settled.
    #[must_use]
    pub fn choose<'w>(
        &self,
        candidates: impl IntoIterator<Item = Candidate<'w>>,
        in_flight: &BTreeSet<Digest>,
        now: Timestamp,
    ) -> Vec<Digest> {
        let (mut waiting, mut busy) = (BTreeMap::<&str, Vec<Candidate<'w>>>::new(), BTreeMap::<&str, usize>::new());
        let mut targets = BTreeSet::new();
        for candidate in candidates {
            if in_flight.contains(&candidate.work.key()) {
                *busy.entry(candidate.connector).or_default() += 1;
                targets.insert((candidate.connector, candidate.target));
            } else if !matches!(candidate.work.next(now), Next::Wait(_) | Next::Nothing) {
                waiting.entry(candidate.connector).or_default().push(candidate);
            }
        }
        let mut chosen = Vec::new();
        for (connector, mut candidates) in waiting {
            candidates.sort_by_key(|Candidate { work, .. }| {
                (work.purpose() == Purpose::Act, work.phase() == Phase::Waiting, work.due(), work.key())
            });
            let most = self.limits.at_once.max(1);
            let kept = self.limits.kept_for_undo.min(most - 1);
            let mut free = most.saturating_sub(busy.get(connector).copied().unwrap_or_default());
            for Candidate { target, work, .. } in candidates {
                let needs = if work.purpose() == Purpose::Act { kept + 1 } else { 1 };
                if free >= needs && targets.insert((connector, target)) {
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
