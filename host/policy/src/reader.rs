//! Reads tables key by key and collects what is wrong with them.

use std::cell::RefCell;

use countersign_model::Timestamp;
use countersign_model::time::parse_duration;

use crate::fault::{Fault, did_you_mean};
use crate::node::{Node, NodeValue};

/// Faults as they are found.
#[derive(Debug, Default)]
pub(crate) struct Faults(RefCell<Vec<Fault>>);

impl Faults {
    /// Adds one.
    pub(crate) fn push(&self, fault: Fault) {
        self.0.borrow_mut().push(fault);
    }

    /// The value, if there were none; else all of them by line.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, Vec<Fault>> {
        let mut faults = self.0.into_inner();
        if faults.is_empty() {
            return Ok(value);
        }
        faults.sort_by_key(|fault| fault.line);
        Err(faults)
    }
}

/// A table whose keys are taken one by one; those that nobody took are unknown.
pub(crate) struct TableReader<'n> {
    node: &'n Node,
    entries: &'n [(String, Node)],
    taken: RefCell<Vec<&'static str>>,
    faults: &'n Faults,
}

impl<'n> TableReader<'n> {
    /// None, with a fault, if the value isn't a table.
    pub(crate) fn new(node: &'n Node, faults: &'n Faults) -> Option<TableReader<'n>> {
        if let NodeValue::Table(entries) = &node.value {
            return Some(TableReader { node, entries, taken: RefCell::default(), faults });
        }
        faults.push(node.fault("a table", None));
        None
    }

    /// The value of a key, which is thereby known.
    pub(crate) fn get(&self, key: &'static str) -> Option<&'n Node> {
        self.taken.borrow_mut().push(key);
        self.entries.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The value of a key that must be there.
    pub(crate) fn required(&self, key: &'static str, expected: &str) -> Option<&'n Node> {
        let node = self.get(key);
        if node.is_none() {
            self.missing(key, expected);
        }
        node
    }

    /// Says that a key must be there.
    pub(crate) fn missing(&self, key: &str, expected: &str) {
        self.faults.push(Fault {
            line: Some(self.node.line),
            place: self.node.path.clone(),
            expected: format!("`{key}`: {expected}"),
            got: "no such key".to_owned(),
            hint: None,
        });
    }

    /// The table's line, from 1.
    pub(crate) fn line(&self) -> usize {
        self.node.line
    }

    /// Every key with its value, for tables whose keys are names.
    pub(crate) fn entries(&self) -> &'n [(String, Node)] {
        self.entries
    }

    /// Text that isn't empty.
    pub(crate) fn text(&self, key: &'static str) -> Option<String> {
        self.get(key).and_then(|node| text(node, self.faults))
    }

    /// True or false; false where the key isn't there.
    pub(crate) fn flag(&self, key: &'static str, default: bool) -> bool {
        match self.get(key) {
            None => default,
            Some(Node { value: NodeValue::Boolean(value), .. }) => *value,
            Some(node) => {
                self.faults.push(node.fault("`true` or `false`", None));
                default
            }
        }
    }

    /// A whole number within a range, ends included.
    pub(crate) fn integer(&self, key: &'static str, min: i64, max: i64) -> Option<i64> {
        let node = self.get(key)?;
        match node.value {
            NodeValue::Integer(value) if (min..=max).contains(&value) => Some(value),
            _ => {
                self.faults.push(node.fault(format!("a whole number {min} to {max}"), None));
                None
            }
        }
    }

    /// A percentage, 0–100.
    pub(crate) fn percent(&self, key: &'static str) -> Option<u8> {
        self.integer(key, 0, 100).and_then(|value| u8::try_from(value).ok())
    }

    /// A duration within a range of microseconds, ends included.
    pub(crate) fn duration(&self, key: &'static str, min: i64, max: i64) -> Option<i64> {
        let node = self.get(key)?;
        let parsed = match &node.value {
            NodeValue::Text(text) => parse_duration(text).ok().filter(|micros| (min..=max).contains(micros)),
            _ => None,
        };
        if parsed.is_none() {
            let (min, max) =
                (countersign_model::time::format_duration(min), countersign_model::time::format_duration(max));
            self.faults.push(node.fault(format!("a duration such as `15m`, `{min}` to `{max}`"), None));
        }
        parsed
    }

    /// One word of a list.
    pub(crate) fn word<T: Copy>(
        &self,
        key: &'static str,
        known: &[T],
        id: impl Fn(T) -> &'static str,
        what: &str,
    ) -> Option<T> {
        self.get(key).and_then(|node| word(node, known, id, what, self.faults))
    }

    /// Says which keys nobody took, with the nearest known name.
    pub(crate) fn finish(self) {
        let taken = self.taken.into_inner();
        for (name, node) in self.entries {
            if !taken.contains(&name.as_str()) {
                self.faults.push(unknown_key(node, name, &taken));
            }
        }
    }
}

/// The fault of a key that isn't known.
pub(crate) fn unknown_key(node: &Node, name: &str, known: &[&str]) -> Fault {
    let hint = did_you_mean(name, known.iter().copied());
    Fault {
        line: Some(node.line),
        place: node.path.clone(),
        expected: "a known key".to_owned(),
        got: format!("`{name}`"),
        hint: hint.or_else(|| Some(format!("known: {}", known.join(", ")))),
    }
}

/// Text that isn't empty.
pub(crate) fn text(node: &Node, faults: &Faults) -> Option<String> {
    match &node.value {
        NodeValue::Text(text) if !text.is_empty() => Some(text.clone()),
        _ => {
            faults.push(node.fault("text, not empty", None));
            None
        }
    }
}

/// One word of a list.
pub(crate) fn word<T: Copy>(
    node: &Node,
    known: &[T],
    id: impl Fn(T) -> &'static str,
    what: &str,
    faults: &Faults,
) -> Option<T> {
    if let NodeValue::Text(text) = &node.value {
        if let Some(found) = known.iter().copied().find(|candidate| id(*candidate) == text) {
            return Some(found);
        }
        let ids: Vec<&str> = known.iter().map(|candidate| id(*candidate)).collect();
        let hint = did_you_mean(text, ids.iter().copied()).unwrap_or_else(|| format!("known: {}", ids.join(", ")));
        faults.push(node.fault(what, Some(hint)));
        return None;
    }
    faults.push(node.fault(what, None));
    None
}

/// The items of a list of tables (`[[key]]`).
pub(crate) fn tables<'n>(node: Option<&'n Node>, faults: &Faults) -> &'n [Node] {
    match node {
        None => &[],
        Some(Node { value: NodeValue::Array(items), .. }) => items,
        Some(node) => {
            faults.push(node.fault("a list of tables", Some("write `[[…]]`".to_owned())));
            &[]
        }
    }
}

/// `as-of` of a file: the date (its beginning, UTC) or time that its facts are as of.
pub(crate) fn as_of(table: &TableReader<'_>, faults: &Faults) -> Option<Timestamp> {
    let node = table.required("as-of", "the date that the file is as of, such as `2026-11-01`")?;
    let time = match &node.value {
        NodeValue::Date(text) | NodeValue::Text(text) => {
            text.parse().or_else(|_| format!("{text}T00:00:00Z").parse::<Timestamp>()).ok()
        }
        _ => None,
    };
    // Years past 9999 and before 1970 aren't dates that an operator means.
    let meant = time.filter(|time| (0..=253_402_300_799_000_000).contains(&time.micros()));
    if meant.is_none() {
        faults.push(node.fault("a date such as `2026-11-01`, or a time such as `2026-11-01T12:00:00Z`", None));
    }
    meant
}

/// `version = 1` of a file.
pub(crate) fn version(table: &TableReader<'_>, faults: &Faults) {
    if let Some(node) = table.required("version", "1")
        && !matches!(node.value, NodeValue::Integer(1))
    {
        faults.push(node.fault("`1`, the version of this grammar", None));
    }
}
