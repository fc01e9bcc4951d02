//! What waits to be judged, and what of it is one source's own.
//!
//! Records are judged in the order in which they came. So what one source sends in masses keeps those of all others waiting,
//! and how long a record waits says little about its own source. If the sources took turns, each would wait for its own
//! records and at most as many of each other one that waits: that is what counts as its own lag.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use countersign_model::SourceId;

/// Records that wait, by source.
#[derive(Debug, Default)]
pub(super) struct Queue(pub(super) BTreeMap<SourceId, u64>);

impl Queue {
    /// What of it is a source's own.
    pub(super) fn share(&self, source: &SourceId) -> Share {
        let own = self.0.get(source).copied().unwrap_or_default();
        Share { own, all: self.0.values().sum(), sources: self.0.len() as u64 }
    }
}

/// A source's own part of what waits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Share {
    /// Records of the source.
    pub(super) own: u64,
    /// Of all sources.
    pub(super) all: u64,
    /// How many sources have any.
    pub(super) sources: u64,
}

impl Share {
    /// What of a time that a record of the source has waited is its own doing: all of it where the source has as much as each
    /// would have if all had the same, and less in the proportion in which it has less.
    pub(super) fn of(&self, waits: Duration) -> Duration {
        let fair = u128::from(self.own).saturating_mul(self.sources.into());
        let micros = waits.as_micros().saturating_mul(fair.min(self.all.into())) / u128::from(self.all.max(1));
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    /// Whether most of what waits is its own, and others wait too.
    pub(super) fn floods(&self) -> bool {
        self.sources > 1 && self.own > self.all / 2
    }
}

/// In words.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Share { own, all, sources } = self;
        write!(f, "of {all} records of {sources} sources that aren't judged {own} are its own")
    }
}

#[cfg(test)]
#[path = "../../tests/unit/vigil_queue.rs"]
mod tests;
