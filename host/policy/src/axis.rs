//! One axis of a policy cell: every word of a list, or some of them.

use serde::{Deserialize, Serialize};

use crate::node::{Node, NodeValue};
use crate::reader::{Faults, word};

/// What a cell says on one axis. Naming every word is still naming them: only `*` leaves the axis open.
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
    node: &Node,
    known: &[T],
    id: impl Fn(T) -> &'static str + Copy,
    what: &str,
    faults: &Faults,
) -> Option<Axis<T>> {
    let expected = format!("{what}, a list of them, or `*`");
    match &node.value {
        NodeValue::Text(text) if text == "*" => Some(Axis::Any),
        NodeValue::Text(_) => word(node, known, id, &expected, faults).map(|value| Axis::Named(vec![value])),
        NodeValue::Array(items) if !items.is_empty() => {
            let mut values = Vec::with_capacity(items.len().min(known.len()));
            for item in items {
                let Some(value) = word(item, known, id, what, faults) else { continue };
                if values.contains(&value) {
                    faults.push(item.fault(format!("{what} once"), None));
                } else {
                    values.push(value);
                }
            }
            values.sort_unstable();
            Some(Axis::Named(values))
        }
        _ => {
            faults.push(node.fault(expected, None));
            None
        }
    }
}
