//! Holds: for a while a rule isn't called with rows of a source on which it failed too often, or missed the deadline.

use countersign_vocabulary::text_ids;
use serde::{Deserialize, Serialize};

use crate::{SourceId, Timestamp};

text_ids! {
    /// Which rows of a source a hold is about.
    pub enum HeldRows {
        /// All of them: the rule is in quarantine for the source, or stopped for it.
        All = "all",
        /// Those whose actor authenticated.
        Authenticated = "authenticated",
        /// The others, which anybody can bring about.
        Outsiders = "outsiders",
    }
}

text_ids! {
    /// Why a hold ends.
    pub enum HoldEnd {
        /// Its time is over.
        Time = "time",
        /// The rule has other code now.
        OtherCode = "other-code",
    }
}

/// A rule isn't called with some rows of a source: it is in quarantine or stopped for the source (`all`), or parked for
/// a part of its rows. Rows that are held are, for that rule, as if they hadn't come. A response rule that is stopped for
/// a source isn't called about findings in its rows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// The source.
    pub source: SourceId,
    /// Which of its rows.
    pub rows: HeldRows,
    /// Of these only those of one party: the account that authenticated, else the network that the row came from or the
    /// account that it names. None: of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<String>,
    /// The clock when it began.
    pub since: Timestamp,
    /// It ends at the first tick at which the clock has reached this.
    pub until: Timestamp,
}

impl Hold {
    /// Whether it is about the whole source, by quarantine or a missed deadline, rather than about a part of its rows.
    #[must_use]
    pub fn is_of_source(&self) -> bool {
        self.rows == HeldRows::All
    }
}
