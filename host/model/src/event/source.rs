//! The name of a source of telemetry.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name of a source of telemetry, such as `cloudtrail`; a clone shares the text.
///
/// Event ids are unique within (source, tenant), and each source has a watermark of its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(Arc<str>);

impl SourceId {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for SourceId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SourceId {
    fn from(name: &str) -> SourceId {
        SourceId(Arc::from(name))
    }
}

/// How long a source's records are waited for, in the others' event time; microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patience {
    /// How much older than its source's greatest event time an event may be before it counts as late.
    pub lateness: i64,
    /// Without events for more than so much, a source no longer holds back the watermark.
    pub silence: i64,
}

impl Patience {
    /// That with a source of which nothing else is known: five minutes each.
    pub const USUAL: Patience = Patience { lateness: 5 * 60 * 1_000_000, silence: 5 * 60 * 1_000_000 };
}

impl Default for Patience {
    fn default() -> Patience {
        Patience::USUAL
    }
}

impl PartialEq<str> for SourceId {
    fn eq(&self, name: &str) -> bool {
        *self.0 == *name
    }
}

impl PartialEq<&str> for SourceId {
    fn eq(&self, name: &&str) -> bool {
        *self.0 == **name
    }
}

impl fmt::Debug for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for SourceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SourceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SourceId, D::Error> {
        String::deserialize(deserializer).map(|name| SourceId(Arc::from(name)))
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
