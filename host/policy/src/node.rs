//! A TOML document as a tree in which every value knows its line and its path.

use std::fmt;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::fault::Fault;

/// A value with its place in the text.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// From 1.
    pub(crate) line: usize,
    /// Such as `cell[3].floor`.
    pub(crate) path: String,
    pub(crate) value: NodeValue,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum NodeValue {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    /// A date, a time or both, as TOML writes it.
    Date(String),
    Array(Vec<Node>),
    /// In the order of the text; the line is that of the key.
    Table(Vec<(String, Node)>),
}

impl Node {
    /// Parses a document.
    ///
    /// # Errors
    /// When the text isn't TOML; the only fault, because nothing after it can be trusted.
    pub(crate) fn parse(text: &str) -> Result<Node, Fault> {
        if text.len() > crate::MAX_BYTES {
            return Err(Fault {
                line: None,
                place: String::new(),
                expected: format!("a file of at most {} bytes", crate::MAX_BYTES),
                got: text.len().to_string(),
                hint: None,
            });
        }
        let lines = Lines::of(text);
        let table = DeTable::parse(text).map_err(|error| Fault {
            line: error.span().map(|span| lines.line(span.start)),
            place: String::new(),
            expected: "TOML".to_owned(),
            got: error.message().replace('\n', ", "),
            hint: None,
        })?;
        Ok(Node { line: 1, path: String::new(), value: lines.table(table.get_ref(), "") })
    }

    /// A fault here.
    pub(crate) fn fault(&self, expected: impl Into<String>, hint: Option<String>) -> Fault {
        Fault {
            line: Some(self.line),
            place: self.path.clone(),
            expected: expected.into(),
            got: self.to_string(),
            hint,
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            NodeValue::Boolean(value) => write!(f, "`{value}`"),
            NodeValue::Integer(value) => write!(f, "`{value}`"),
            NodeValue::Float(value) => write!(f, "`{value}`"),
            NodeValue::Text(text) => {
                let shown: String = text.chars().take(80).collect();
                write!(f, "`{shown}`")
            }
            NodeValue::Date(text) => write!(f, "`{text}`"),
            NodeValue::Array(items) => write!(f, "a list of {}", items.len()),
            NodeValue::Table(_) => f.write_str("a table"),
        }
    }
}

/// Where each line of a text begins.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Lines {
        Lines(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset)
    }

    fn table(&self, table: &DeTable<'_>, path: &str) -> NodeValue {
        let mut entries: Vec<(usize, String, Node)> = table
            .iter()
            .map(|(key, value)| {
                let name = key.get_ref().as_ref();
                let at = key.span().start;
                let place = join(path, name);
                let line = self.line(at);
                (at, name.to_owned(), Node { line, value: self.value(value, &place), path: place })
            })
            .collect();
        entries.sort_by_key(|(at, ..)| *at);
        NodeValue::Table(entries.into_iter().map(|(_, name, node)| (name, node)).collect())
    }

    fn value(&self, value: &Spanned<DeValue<'_>>, path: &str) -> NodeValue {
        match value.get_ref() {
            DeValue::Boolean(value) => NodeValue::Boolean(*value),
            // Past 64 bits it is out of every range: the text says so better than a wrapped number would.
            DeValue::Integer(value) => match i64::from_str_radix(value.as_str(), value.radix()) {
                Ok(number) => NodeValue::Integer(number),
                Err(_) => NodeValue::Text(value.to_string()),
            },
            DeValue::Float(value) => match value.as_str().parse() {
                Ok(number) => NodeValue::Float(number),
                Err(_) => NodeValue::Text(value.to_string()),
            },
            DeValue::String(text) => NodeValue::Text(text.to_string()),
            DeValue::Datetime(date) => NodeValue::Date(date.to_string()),
            DeValue::Array(items) => NodeValue::Array(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| {
                        let place = format!("{path}[{index}]");
                        let line = self.line(item.span().start);
                        Node { line, value: self.value(item, &place), path: place }
                    })
                    .collect(),
            ),
            DeValue::Table(table) => self.table(table, path),
        }
    }
}

/// The path of a key: bare where TOML lets it be bare.
fn join(path: &str, key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_');
    let key = if bare { key.to_owned() } else { format!("{key:?}") };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}
