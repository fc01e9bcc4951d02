//! What is read of a page before its records are recorded: how many there are, and when the last one was published.

use std::fmt;

use countersign_model::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};

use crate::okta::system_log::LIMIT;

/// The records of a page: a list of [`LIMIT`] at most, of which none is held.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Records {
    pub(crate) count: usize,
    /// The latest time of theirs; none where none has one.
    pub(crate) published: Option<Timestamp>,
}

/// What is read of a record, whose form is its format's affair.
#[derive(Deserialize)]
struct Published {
    #[serde(default)]
    published: Option<String>,
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Records;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Records, A::Error> {
        let mut records = Records::default();
        while let Some(Published { published }) = list.next_element()? {
            if records.count == LIMIT {
                return Err(A::Error::custom("more records than were asked for"));
            }
            records.count += 1;
            records.published = records.published.max(published.and_then(|time| time.parse().ok()));
        }
        Ok(records)
    }
}

impl<'de> Deserialize<'de> for Records {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Records, D::Error> {
        deserializer.deserialize_seq(List)
    }
}
