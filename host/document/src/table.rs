//! Reads a table key by key.

use std::cell::RefCell;

use countersign_text::quoted;

use crate::diagnostic::Diagnostic;
use crate::item::{Item, expected_name};
use crate::node::{Node, NodeValue, join};
use crate::reader::{Problem, Reader};

/// A table whose keys are read one by one; [`Table::finish`] reports those that weren't asked for.
#[derive(Debug)]
pub struct Table<'n, C = Problem> {
    node: &'n Node,
    entries: &'n [(String, Node)],
    reader: &'n Reader<C>,
    known: RefCell<Vec<&'static str>>,
    /// How many diagnostics there were before the table: unknown keys are reported before what its values have.
    start: usize,
}

impl<'n, C: From<Problem>> Table<'n, C> {
    pub(crate) fn new(node: &'n Node, entries: &'n [(String, Node)], reader: &'n Reader<C>) -> Table<'n, C> {
        Table { node, entries, reader, known: RefCell::default(), start: reader.count() }
    }

    /// The table itself, for diagnostics about it as a whole.
    #[must_use]
    pub fn item(&self) -> Item<'n, C> {
        self.reader.item(self.node)
    }

    /// The table's path.
    #[must_use]
    pub fn place(&self) -> &'n str {
        &self.node.place
    }

    /// The table's line, from 1.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.node.line
    }

    /// Makes keys known whether or not they are read.
    pub fn know(&self, keys: &[&'static str]) {
        let mut known = self.known.borrow_mut();
        for key in keys {
            if !known.contains(key) {
                known.push(key);
            }
        }
    }

    /// The value of a key, which is known from here on.
    pub fn get(&self, key: &'static str) -> Option<Item<'n, C>> {
        self.know(&[key]);
        self.entries.iter().find(|(name, _)| name == key).map(|(_, node)| self.reader.item(node))
    }

    /// Whether a key is there; it is known from here on.
    #[must_use]
    pub fn has(&self, key: &'static str) -> bool {
        self.get(key).is_some()
    }

    /// The value of a key that must be there.
    pub fn required(&self, key: &'static str, expected: &str) -> Option<Item<'n, C>> {
        let item = self.get(key);
        if item.is_none() {
            self.missing(key, expected);
        }
        item
    }

    /// Reports that a key is missing.
    pub fn missing(&self, key: &str, expected: &str) {
        let diagnostic = Diagnostic::new(join(&self.node.place, key), expected, "none").with_line(self.node.line);
        self.reader.push(Problem::MissingKey, diagnostic);
    }

    /// Reads a key that must be there.
    pub fn read<T>(&self, key: &'static str, expected: &str, read: impl FnOnce(Item<'n, C>) -> Option<T>) -> Option<T> {
        self.required(key, expected).and_then(read)
    }

    /// Reads a key that may be missing; the outer option is none if the value is at fault.
    pub fn optional<T>(&self, key: &'static str, read: impl FnOnce(Item<'n, C>) -> Option<T>) -> Option<Option<T>> {
        self.get(key).map_or(Some(None), |item| read(item).map(Some))
    }

    /// Reads a key that people may leave out; a canonical form has it written out.
    pub fn defaulted<T>(
        &self,
        key: &'static str,
        default: T,
        read: impl FnOnce(Item<'n, C>) -> Option<T>,
    ) -> Option<T> {
        match self.get(key) {
            Some(item) => read(item),
            None if self.reader.is_canonical() => {
                self.missing(key, "a value");
                None
            }
            None => Some(default),
        }
    }

    /// The items of `[[key]]`; none if the key isn't there.
    pub fn tables(&self, key: &'static str) -> impl Iterator<Item = Item<'n, C>> + use<'n, C> {
        let items = self.get(key).and_then(|item| match &item.node().value {
            NodeValue::List(items) => Some(items.as_slice()),
            _ => {
                let hint = format!("write `[[{key}]]`");
                item.refuse(Problem::WrongType, "a list of tables", item.node().described(), Some(hint))
            }
        });
        let reader = self.reader;
        items.unwrap_or_default().iter().map(move |node| reader.item(node))
    }

    /// Every key with its value, for tables whose keys are names.
    pub fn entries(&self) -> impl Iterator<Item = (&'n str, Item<'n, C>)> + use<'n, C> {
        let reader = self.reader;
        self.entries.iter().map(move |(name, node)| (name.as_str(), reader.item(node)))
    }

    /// Reports every key that isn't known, with the nearest known name.
    pub fn finish(self) {
        let known = self.known.into_inner();
        let unknown = self.entries.iter().filter(|(name, _)| !known.contains(&name.as_str()));
        for (count, (name, node)) in unknown.enumerate() {
            // Finding the nearest name takes time, and a full reader drops the diagnostic.
            if self.reader.is_full() {
                self.reader.drop_one();
                continue;
            }
            let (expected, hint) = expected_name("a known key", name, known.iter().copied());
            let diagnostic = Diagnostic::new(node.place.clone(), expected, quoted(name));
            let diagnostic = diagnostic.with_line(node.line).with_hint(hint);
            self.reader.insert(self.start + count, Problem::UnknownKey.into(), diagnostic);
        }
    }
}
