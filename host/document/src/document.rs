//! TOML text as a tree.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::Diagnostic;
use crate::node::{Node, NodeValue, join};

/// Most characters of a parser's message that are shown.
const MAX_MESSAGE: usize = 200;

/// A parsed TOML file.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    root: Node,
}

impl Document {
    /// Parses TOML text.
    ///
    /// ```
    /// use countersign_document::Document;
    ///
    /// let document = Document::parse("[limits]\nfuel = 5", 1_024).unwrap();
    /// let fuel = document.root().get("limits").and_then(|limits| limits.get("fuel")).unwrap();
    /// assert_eq!((fuel.place.as_str(), fuel.line), ("limits.fuel", Some(2)));
    /// assert!(Document::parse("fuel = ", 1_024).is_err());
    /// ```
    ///
    /// # Errors
    /// When the text has more than `max_bytes`, or isn't TOML: a single diagnostic, because nothing after it can be
    /// trusted.
    pub fn parse(text: &str, max_bytes: usize) -> Result<Document, Diagnostic> {
        if text.len() > max_bytes {
            let expected = format!("a file of at most {max_bytes} bytes");
            return Err(Diagnostic::new("", expected, format!("{} bytes", text.len())));
        }
        let lines = Lines::new(text);
        let table = DeTable::parse(text).map_err(|error| {
            let line = error.span().map(|span| lines.line(span.start));
            Diagnostic::new("", "TOML", one_line(error.message())).with_line(line)
        })?;
        let root = Node { line: Some(1), place: String::new(), value: lines.table(table.get_ref(), "") };
        Ok(Document { root })
    }

    /// The table that the whole file is.
    #[must_use]
    pub fn root(&self) -> &Node {
        &self.root
    }
}

fn one_line(message: &str) -> String {
    let message: String = message.replace('\n', ", ").chars().take(MAX_MESSAGE).collect();
    countersign_text::line(&message)
}

/// The byte at which each line of a text begins.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Lines {
        Lines(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset)
    }

    /// The entries of a table in the order of the text; the line of each is its key's.
    fn table(&self, table: &DeTable<'_>, place: &str) -> NodeValue {
        let mut entries: Vec<(usize, String, Node)> = table
            .iter()
            .map(|(key, value)| {
                let name = key.get_ref().as_ref();
                let at = key.span().start;
                let place = join(place, name);
                let node = Node { line: Some(self.line(at)), value: self.value(value, &place), place };
                (at, name.to_owned(), node)
            })
            .collect();
        entries.sort_by_key(|(at, ..)| *at);
        NodeValue::Table(entries.into_iter().map(|(_, name, node)| (name, node)).collect())
    }

    fn value(&self, value: &Spanned<DeValue<'_>>, place: &str) -> NodeValue {
        match value.get_ref() {
            DeValue::Boolean(value) => NodeValue::Boolean(*value),
            DeValue::Integer(value) => NodeValue::Integer(integer(value.as_str(), value.radix())),
            DeValue::Float(value) => match value.as_str().parse() {
                Ok(number) => NodeValue::Float(number),
                Err(_) => NodeValue::Text(value.to_string()),
            },
            DeValue::String(text) => NodeValue::Text(text.to_string()),
            DeValue::Datetime(date) => NodeValue::Date(date.to_string()),
            DeValue::Array(items) => NodeValue::List(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| {
                        let place = format!("{place}[{index}]");
                        let line = Some(self.line(item.span().start));
                        Node { line, value: self.value(item, &place), place }
                    })
                    .collect(),
            ),
            DeValue::Table(table) => self.table(table, place),
        }
    }
}

/// A whole number; beyond 128 bits the nearest one, which is out of every range too.
fn integer(digits: &str, radix: u32) -> i128 {
    let beyond = if digits.starts_with('-') { i128::MIN } else { i128::MAX };
    i128::from_str_radix(digits, radix).unwrap_or(beyond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_line_and_path() {
        let text = "a = 1\n[b.\"x/y\"]\nc = [\n  true,\n  { d = 2.5 },\n]\n[[e]]\nf = 0x10\n[[e]]\ng = 1979-05-27\n";
        let document = Document::parse(text, 1_000).unwrap();
        let mut found = Vec::new();
        let mut rest = vec![document.root()];
        while let Some(node) = rest.pop() {
            match &node.value {
                NodeValue::Table(entries) => rest.extend(entries.iter().rev().map(|(_, node)| node)),
                NodeValue::List(items) => rest.extend(items.iter().rev()),
                _ => found.push(format!("{} {} {}", node.line.unwrap(), node.place, node.shown())),
            }
        }
        assert_eq!(
            found,
            [
                "1 a the number 1",
                "4 b.\"x/y\".c[0] true",
                "5 b.\"x/y\".c[1].d the number 2.5",
                "8 e[0].f the number 16",
                "10 e[1].g `1979-05-27`",
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_has_one_diagnostic_with_its_line() {
        for (text, expected) in [
            ("a = 1\nb = ", "line 2: expected TOML, got string values must be quoted, expected literal string"),
            ("a = 1\na = 2", "line 2: expected TOML, got duplicate key"),
            (&" ".repeat(101), "expected a file of at most 100 bytes, got 101 bytes"),
        ] {
            assert_eq!(Document::parse(text, 100).unwrap_err().to_string(), expected, "{text}");
        }
        assert!(Document::parse(&format!("x = {}", "[".repeat(10_000)), 100_000).is_err());
    }
}
