//! One row, from field values.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::time::{Duration, Timestamp};

/// A field's or parameter's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Unsigned.
    Unsigned(u64),
    /// Signed.
    Signed(i64),
    /// Float.
    Float(f64),
    /// Boolean.
    Boolean(bool),
    /// Text.
    Text(String),
    /// A list of texts.
    TextList(Vec<String>),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Timestamp(i64),
    /// Address.
    Address(IpAddr),
    /// JSON text.
    Json(String),
    /// A value of another type than the field's.
    WrongType,
}

/// Conversions for [`Harness::set`](super::Harness::set) and [`Row::set`].
macro_rules! from {
    ($($ty:ty, $value:ident => $variant:expr;)+) => {
        $(
            impl From<$ty> for Value {
                fn from($value: $ty) -> Value {
                    $variant
                }
            }
        )+
    };
}

from! {
    bool, value => Value::Boolean(value);
    i64, value => Value::Signed(value);
    f64, value => Value::Float(value);
    &str, value => Value::Text(value.to_owned());
    &[&str], values => Value::TextList(values.iter().map(|value| (*value).to_owned()).collect());
    Duration, value => Value::Signed(value.micros());
}

impl<const N: usize> From<[&str; N]> for Value {
    fn from(values: [&str; N]) -> Value {
        values.as_slice().into()
    }
}

/// What a row is, and what it has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    pub(crate) at: Timestamp,
    pub(crate) key: Option<String>,
    pub(crate) kind: RowKind,
    pub(crate) values: BTreeMap<&'static str, Value>,
    /// The row whose event it stands for, counted over all rows fed, if that isn't its own.
    pub(crate) shows: Option<usize>,
    /// By table, its columns' values.
    pub(crate) context: BTreeMap<&'static str, BTreeMap<&'static str, Value>>,
}

/// What a row is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum RowKind {
    #[default]
    Event,
    Late,
    Timer(String),
    Finding,
}

/// An event at 1970-01-01T00:00:00Z without fields and key. A setter for every field is on [`Row`].
#[must_use]
pub fn row() -> Row {
    Row::default()
}

impl Row {
    /// Its event time, RFC 3339.
    ///
    /// # Panics
    /// When the text isn't one.
    #[must_use]
    pub fn at(mut self, text: &str) -> Self {
        self.at = time(text);
        self
    }

    /// Its event time.
    #[must_use]
    pub fn at_time(mut self, at: Timestamp) -> Self {
        self.at = at;
        self
    }

    /// Moves its event time by so many seconds, back if negative.
    #[must_use]
    pub fn plus_secs(mut self, seconds: i64) -> Self {
        self.at = self.at + Duration::from_secs(seconds);
        self
    }

    /// Its partition key.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Makes it late: older than its source's watermark.
    #[must_use]
    pub fn late(mut self) -> Self {
        self.kind = RowKind::Late;
        self
    }

    /// Makes it a row of the timer with this id, set or not. [`Harness::advance_to`](super::Harness::advance_to) makes
    /// the rows of timers that the rule set.
    #[must_use]
    pub fn timer(mut self, id: &str) -> Self {
        self.kind = RowKind::Timer(id.to_owned());
        self
    }

    /// Makes it a finding of a rule subscribed to; its `finding.*` fields are set like any others.
    #[must_use]
    pub fn finding(mut self) -> Self {
        self.kind = RowKind::Finding;
        self
    }

    /// Sets its row in a context table by row, fresh as of its event time. A declared table that isn't set is missing
    /// for this row.
    #[must_use]
    pub fn context(mut self, table: &'static str, values: &[(&'static str, Value)]) -> Self {
        self.context.insert(table, values.iter().cloned().collect());
        self
    }

    /// Sets a field by its path. With [`Value::WrongType`] the record has a value of another type than the field's.
    #[must_use]
    pub fn set(mut self, path: &'static str, value: impl Into<Value>) -> Self {
        self.values.insert(path, value.into());
        self
    }
}

/// A point in time, RFC 3339.
///
/// # Panics
/// When the text isn't one.
#[must_use]
#[expect(clippy::panic, reason = "for tests")]
pub fn time(text: &str) -> Timestamp {
    match text.parse::<jiff::Timestamp>() {
        Ok(time) => Timestamp::from_micros(time.as_microsecond()),
        Err(error) => panic!("expected an RFC 3339 time such as `2024-01-01T00:00:00Z`, got `{text}`: {error}"),
    }
}

/// An address.
///
/// # Panics
/// When the text isn't one.
#[must_use]
#[expect(clippy::panic, reason = "for tests")]
pub fn address(text: &str) -> IpAddr {
    match text.parse() {
        Ok(address) => address,
        Err(error) => panic!("expected an IP address, got `{text}`: {error}"),
    }
}
