//! The name of a source of telemetry.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

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

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
