//! How a source of telemetry stands, as a host that runs sees it: well, or what is wrong with it.

use countersign_vocabulary::text_ids;
use serde::{Deserialize, Serialize};

use crate::{SourceId, Timestamp};

text_ids! {
    /// What can be wrong with a source.
    pub enum Ailment {
        /// Nothing has come of it for longer than the operator expects.
        Silent = "silent",
        /// What came of it, or waits to be read, isn't judged in time.
        Lagging = "lagging",
        /// What came of it keeps what came of other sources from being judged in time.
        Flooding = "flooding",
        /// Far less comes of it than usual.
        Fallen = "fallen",
    }
}

/// Something that is wrong with a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unwell {
    /// What.
    pub what: Ailment,
    /// Since when, by the host's clock.
    pub since: Timestamp,
    /// Records an hour that are usual, where far fewer come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<u64>,
    /// In words, with the figures.
    pub why: String,
}

/// How a source stands from a place in the order of inputs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceStanding {
    /// The source.
    pub source: SourceId,
    /// All that is wrong with it, each once; nothing where it is well.
    pub unwell: Vec<Unwell>,
}
