//! Where a System Log goes on, as opaque text.

use countersign_model::Timestamp;
use serde::{Deserialize, Serialize};

/// Where a log goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bookmark {
    /// The path and query of the next request; none where only the time is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
    /// When the last record was published: where the log goes on if the link has expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) published: Option<Timestamp>,
}

/// A text that isn't a bookmark of a System Log.
#[derive(Debug, thiserror::Error)]
#[error("expected the bookmark of a System Log, got something else: {0}")]
pub struct BookmarkError(#[from] serde_json::Error);

impl Bookmark {
    pub(crate) fn read(text: &str) -> Result<Bookmark, BookmarkError> {
        Ok(serde_json::from_str(text)?)
    }

    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
