//! A place in the one order of a host's inputs.

use serde::{Deserialize, Serialize};

/// How far the inputs of a recorder were taken: next is the record `within` of `batch`, and host inputs up to `host` were
/// taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The batch, from 1.
    pub batch: u64,
    /// How many of its records were taken.
    pub within: u32,
    /// The last input of the host's own that was taken; 0 before the first.
    pub host: u64,
}

impl Place {
    /// Before the first input.
    pub const START: Place = Place { batch: 1, within: 0, host: 0 };
}

impl Default for Place {
    fn default() -> Place {
        Place::START
    }
}
