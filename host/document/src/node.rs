//! A tree in which every value knows its path and line.

use serde_json::Value as Json;

use countersign_text::{quoted, visible};

/// A value and where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Line of the text, from 1: a table's or key's own. None where the input has no lines.
    pub line: Option<usize>,
    /// Path, such as `cell[3].floor`; empty for the root.
    pub place: String,
    /// The value.
    pub value: NodeValue,
}

/// A value of TOML or JSON.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeValue {
    /// JSON's `null`; TOML has none.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number; beyond 128 bits it is the nearest of these.
    Integer(i128),
    /// Any other number, not-a-number and infinities included.
    Float(f64),
    /// Text.
    Text(String),
    /// A date, a time or both, as TOML writes it.
    Date(String),
    /// A list.
    List(Vec<Node>),
    /// A table, in the order of the text.
    Table(Vec<(String, Node)>),
}

impl Node {
    /// A JSON value at a place, without lines.
    #[must_use]
    pub fn from_json(value: &Json, place: impl Into<String>) -> Node {
        let place = place.into();
        let value = match value {
            Json::Null => NodeValue::Null,
            Json::Bool(value) => NodeValue::Boolean(*value),
            Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(number), ..) => NodeValue::Integer(number.into()),
                (None, Some(number), _) => NodeValue::Integer(number.into()),
                (None, None, number) => NodeValue::Float(number.unwrap_or(f64::NAN)),
            },
            Json::String(text) => NodeValue::Text(text.clone()),
            Json::Array(items) => {
                let items = items.iter().enumerate();
                NodeValue::List(items.map(|(index, item)| Node::from_json(item, format!("{place}[{index}]"))).collect())
            }
            Json::Object(map) => NodeValue::Table(
                map.iter().map(|(key, value)| (key.clone(), Node::from_json(value, join(&place, key)))).collect(),
            ),
        };
        Node { line: None, place, value }
    }

    /// The same as of a line, with everything in it.
    #[must_use]
    pub fn at_line(mut self, line: Option<usize>) -> Node {
        self.line = line;
        match &mut self.value {
            NodeValue::List(items) => {
                for item in items {
                    *item = std::mem::replace(item, Node::null()).at_line(line);
                }
            }
            NodeValue::Table(entries) => {
                for (_, entry) in entries {
                    *entry = std::mem::replace(entry, Node::null()).at_line(line);
                }
            }
            _ => {}
        }
        self
    }

    fn null() -> Node {
        Node { line: None, place: String::new(), value: NodeValue::Null }
    }

    /// The value of a table's key; none if there is no such key, or the value is no table.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            NodeValue::Table(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The text, if the value is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            NodeValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items, if the value is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            NodeValue::List(items) => Some(items),
            _ => None,
        }
    }

    /// The value with its type, for a message: `the text `yes``, `the number 5`.
    #[must_use]
    pub fn described(&self) -> String {
        match &self.value {
            NodeValue::Null => "`null`".to_owned(),
            NodeValue::Boolean(value) => value.to_string(),
            NodeValue::Integer(number) => format!("the number {number}"),
            NodeValue::Float(number) if number.is_finite() => format!("the number {number:?}"),
            NodeValue::Float(number) => format!("`{}`", number.to_string().to_lowercase()),
            NodeValue::Text(text) => format!("the text {}", quoted(text)),
            NodeValue::Date(text) => format!("the date {}", quoted(text)),
            NodeValue::List(items) if items.is_empty() => "an empty list".to_owned(),
            NodeValue::List(_) => "a list".to_owned(),
            NodeValue::Table(_) => "a table".to_owned(),
        }
    }

    /// The value for a message where its type is as expected: text and dates alone, all others as
    /// [`Node::described`].
    #[must_use]
    pub fn shown(&self) -> String {
        match &self.value {
            NodeValue::Text(text) | NodeValue::Date(text) => quoted(text),
            _ => self.described(),
        }
    }
}

/// The path of a key: bare where TOML lets it be bare and it isn't long, else in double quotes.
pub(crate) fn join(place: &str, key: &str) -> String {
    let bare = !key.is_empty()
        && key.len() <= 64
        && key.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'));
    let key = if bare { key.to_owned() } else { format!("\"{}\"", visible(key)) };
    if place.is_empty() { key } else { format!("{place}.{key}") }
}
