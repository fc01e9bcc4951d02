//! What of the configuration on disk a host doesn't run by: it reads that when it starts, so only a restart brings it about.

use std::sync::Arc;

use countersign_configuration::Changed;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What only a restart brings about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NeedsRestart {
    /// The keys that have another value now.
    pub changed: Vec<ChangedKey>,
    /// Faults of the configuration on disk: the host wouldn't start by it.
    pub faults: Vec<String>,
}

/// A key of the configuration that has another value now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangedKey {
    /// Its place, such as `api.listen`.
    pub key: String,
    /// What the host runs by; null for none.
    pub running: Value,
    /// What a restart would bring.
    pub now: Value,
}

/// Compares the configuration on disk with what the host runs by.
pub type Compare = Arc<dyn Fn() -> NeedsRestart + Send + Sync>;

impl NeedsRestart {
    /// These keys have another value now.
    #[must_use]
    pub fn of(changed: Vec<Changed>) -> NeedsRestart {
        let changed = changed.into_iter().map(|Changed { key, running, now }| ChangedKey { key, running, now });
        NeedsRestart { changed: changed.collect(), faults: Vec::new() }
    }

    /// The configuration on disk has these faults.
    #[must_use]
    pub fn faulty(faults: Vec<String>) -> NeedsRestart {
        NeedsRestart { changed: Vec::new(), faults }
    }

    /// All of it in words, a line each; none if the host runs by what is on disk.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let shown = |value: &Value| match value {
            Value::Null => "none".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let changed = self.changed.iter().map(|ChangedKey { key, running, now }| {
            let (now, running) = (shown(now), shown(running));
            format!("`{key}` is {now} now, the host runs by {running}: only a restart applies that")
        });
        let faults = self.faults.iter().map(|fault| format!("the host wouldn't start again: {fault}"));
        changed.chain(faults).collect()
    }
}
