//! What differs between the configuration that a host runs by and the one that its file says now: a host reads it when it
//! starts, so that only a restart brings it about.

use serde_json::Value;

use crate::configuration::Configuration;

/// A key whose value is another one now.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// Its place, such as `api.listen`.
    pub key: String,
    /// What the host runs by, as [`Shown`](crate::Shown) has it.
    pub running: Value,
    /// What a restart would bring.
    pub now: Value,
}

impl Configuration {
    /// The keys that have other values in `now`, in the order of the file. Of a secret only where it is counts.
    #[must_use]
    pub fn changed(&self, now: &Configuration) -> Vec<Changed> {
        let both = self.shown().into_iter().zip(now.shown());
        let changed = both.filter(|(running, now)| running.value != now.value);
        changed
            .map(|(running, now)| Changed { key: running.key.place(), running: running.value, now: now.value })
            .collect()
    }
}

#[cfg(test)]
#[path = "../tests/unit/changed.rs"]
mod tests;
