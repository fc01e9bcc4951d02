//! One axis of a policy cell: every word of a list, or some of them.

use countersign_document::{NodeValue, Problem};
use serde::{Deserialize, Serialize};

use crate::reader::{Item, Table};

/// What a cell has on one axis. Naming every word is still naming them: only `*` leaves the axis open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Axis<T> {
    /// `*`.
    Any,
    /// One or several, each once, in written order.
    Named(Vec<T>),
}

impl<T: Copy + PartialEq> Axis<T> {
    /// Whether a word is covered.
    #[must_use]
    pub fn covers(&self, value: T) -> bool {
        match self {
            Axis::Any => true,
            Axis::Named(values) => values.contains(&value),
        }
    }

    /// Whether the axis names words.
    #[must_use]
    pub const fn is_named(&self) -> bool {
        matches!(self, Axis::Named(_))
    }

    /// The covered ones among all words.
    #[must_use]
    pub fn expand(&self, all: &[T]) -> Vec<T> {
        all.iter().copied().filter(|value| self.covers(*value)).collect()
    }
}

/// Reads a value, a list or `*`.
pub(crate) fn read<T: Copy + PartialEq + Ord>(
    item: Item<'_>,
    known: &[T],
    id: impl Fn(T) -> &'static str + Copy,
    what: &str,
) -> Option<Axis<T>> {
    match &item.node().value {
        NodeValue::Text(text) if text == "*" => Some(Axis::Any),
        NodeValue::Text(_) => item.word(what, known, id).map(|value| Axis::Named(vec![value])),
        NodeValue::List(_) => {
            // What is known counts even beside a fault, so that faults that follow from it are found too.
            let mut values = Vec::new();
            item.list((1, usize::MAX), |item| {
                let value = item.word(what, known, id);
                if value.is_some_and(|value| values.contains(&value)) {
                    item.refuse::<()>(Problem::DuplicateValue, format!("{what} once"), item.node().shown(), None);
                } else {
                    values.extend(value);
                }
                Some(())
            })?;
            values.sort_unstable();
            Some(Axis::Named(values))
        }
        _ => item.wrong_type(expected(what)),
    }
}

/// Reads a required key as an axis.
pub(crate) fn required<T: Copy + PartialEq + Ord>(
    table: &Table<'_>,
    key: &'static str,
    known: &[T],
    id: impl Fn(T) -> &'static str + Copy,
    what: &str,
) -> Option<Axis<T>> {
    table.read(key, &expected(what), |item| read(item, known, id, what))
}

fn expected(what: &str) -> String {
    format!("{what}, a list of them, or `*`")
}
