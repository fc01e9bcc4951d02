//! JSON text as a tree: an object on one line of a file of many.

use std::fmt;

use countersign_text::{line as line_of, visible};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

use crate::diagnostic::Diagnostic;
use crate::node::{Node, NodeValue, join};

impl Node {
    /// Parses a JSON text that is one line of a file; every value in it is of that line, and paths begin at it. A name
    /// that comes twice in an object is a fault, as in TOML.
    ///
    /// ```
    /// use countersign_document::Node;
    ///
    /// let node = Node::parse_json(r#"{"account": [{"provider": "aws"}]}"#, 7).unwrap();
    /// let account = node.get("account").and_then(|accounts| accounts.as_list()?.first()).unwrap();
    /// assert_eq!((account.place.as_str(), account.line), ("account[0]", Some(7)));
    /// assert!(Node::parse_json(r#"{"id": "a", "id": "b"}"#, 1).is_err());
    /// ```
    ///
    /// # Errors
    /// When the text isn't JSON: a single diagnostic, because nothing after it can be trusted.
    pub fn parse_json(text: &str, line: usize) -> Result<Node, Diagnostic> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let seed = Seed { line, place: String::new() };
        seed.deserialize(&mut reader).and_then(|node| reader.end().map(|()| node)).map_err(|error| {
            let message = error.to_string();
            // The line is that of the file.
            let message = message.split_once(" at line ").map_or(&*message, |(message, _)| message);
            let got = format!("{} at column {}", line_of(message), error.column());
            Diagnostic::new("", "a JSON object on one line", got).with_line(Some(line))
        })
    }
}

/// A value at a place.
struct Seed {
    line: usize,
    place: String,
}

impl Seed {
    fn at<E>(self, value: NodeValue) -> Result<Node, E> {
        Ok(Node { line: Some(self.line), place: self.place, value })
    }
}

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Node;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        self.at(NodeValue::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        self.at(NodeValue::Boolean(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        self.at(NodeValue::Integer(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        self.at(NodeValue::Integer(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        self.at(NodeValue::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
        self.at(NodeValue::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        loop {
            let place = format!("{}[{}]", self.place, nodes.len());
            match items.next_element_seed(Seed { line: self.line, place })? {
                Some(node) => nodes.push(node),
                None => return self.at(NodeValue::List(nodes)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut nodes: Vec<(String, Node)> = Vec::new();
        while let Some(key) = entries.next_key::<String>()? {
            if nodes.iter().any(|(known, _)| *known == key) {
                return Err(A::Error::custom(format_args!("the key `{}` twice", visible(&key))));
            }
            if nodes.len() == MAX_KEYS {
                return Err(A::Error::custom(format_args!("more than {MAX_KEYS} keys in one object")));
            }
            let node = entries.next_value_seed(Seed { line: self.line, place: join(&self.place, &key) })?;
            nodes.push((key, node));
        }
        self.at(NodeValue::Table(nodes))
    }
}

/// Maximum number of keys of an object: no file that people or their tools write has more.
const MAX_KEYS: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_says_where() {
        for (text, expected) in [
            ("{\"a\": 1, \"a\": 2}", "line 3: expected a JSON object on one line, got the key `a` twice at column 12"),
            ("{\"a\": ", "line 3: expected a JSON object on one line, got EOF while parsing a value at column 6"),
            ("{} {}", "line 3: expected a JSON object on one line, got trailing characters at column 4"),
        ] {
            assert_eq!(Node::parse_json(text, 3).unwrap_err().to_string(), expected, "{text}");
        }
        assert!(Node::parse_json(&"[".repeat(100_000), 1).is_err());
        let many: Vec<String> = (0..=MAX_KEYS).map(|key| format!("\"{key}\":0")).collect();
        assert!(Node::parse_json(&format!("{{{}}}", many.join(",")), 1).is_err());
    }

    #[test]
    fn it_is_the_tree_of_the_same_json_value() {
        let text = r#"{"a":[1,-2,2.5,true,null,"x\u00e9"],"b c":{"d":[]},"big":18446744073709551615}"#;
        let tree = Node::parse_json(text, 9).unwrap();
        assert_eq!(tree, Node::from_json(&serde_json::from_str(text).unwrap(), "").at_line(Some(9)));
    }
}
