//! Reads one value: its type, its range and its form.

use std::fmt::Display;
use std::str::FromStr;

use countersign_model::size::{format_size, parse_size};
use countersign_model::time::{format_duration, parse_duration};
use countersign_model::vocabulary::TextId;
use countersign_text::quoted;

use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::node::{Node, NodeValue};
use crate::reader::{Problem, Reader};
use crate::table::Table;

/// The greatest whole number that JSON keeps exactly (RFC 8785 section 3.2.2.3): 2^53 − 1.
pub const MAX_INTEGER: i64 = (1 << 53) - 1;

/// The longest duration that a file may name, microseconds: 400 days.
pub const MAX_DURATION: i64 = 400 * 86_400_000_000;

/// Most known names that a message lists.
const MAX_LISTED: usize = 24;

/// A value to be read. Every method that returns none has added a diagnostic.
#[derive(Debug)]
pub struct Item<'n, C = Problem> {
    node: &'n Node,
    reader: &'n Reader<C>,
}

impl<C> Clone for Item<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Item<'_, C> {}

impl<'n, C: From<Problem>> Item<'n, C> {
    pub(crate) fn new(node: &'n Node, reader: &'n Reader<C>) -> Item<'n, C> {
        Item { node, reader }
    }

    /// The value with its place.
    #[must_use]
    pub fn node(&self) -> &'n Node {
        self.node
    }

    /// What collects the diagnostics.
    #[must_use]
    pub fn reader(&self) -> &'n Reader<C> {
        self.reader
    }

    /// Adds a diagnostic here; returns none, for the caller to return.
    pub fn refuse<T>(
        &self,
        code: impl Into<C>,
        expected: impl Into<String>,
        got: impl Into<String>,
        hint: Option<String>,
    ) -> Option<T> {
        let diagnostic = Diagnostic::new(self.node.place.clone(), expected, got);
        self.reader.push(code, diagnostic.with_line(self.node.line).with_hint(hint));
        None
    }

    /// Refuses a value of another type.
    pub fn wrong_type<T>(&self, expected: impl Into<String>) -> Option<T> {
        self.refuse(Problem::WrongType, expected, self.node.described(), None)
    }

    /// Refuses a value of the right type in another form.
    pub fn invalid<T>(&self, expected: impl Into<String>) -> Option<T> {
        self.refuse(Problem::InvalidValue, expected, self.node.shown(), None)
    }

    /// Refuses a name that isn't known, with the nearest that is, or a list of all if they are few.
    pub fn unknown<'c, T>(
        &self,
        code: impl Into<C>,
        what: &str,
        got: &str,
        known: impl IntoIterator<Item = &'c str> + Clone,
    ) -> Option<T> {
        // Finding the nearest name takes time, and a full reader drops the diagnostic.
        if !self.reader.is_full() {
            let (expected, hint) = expected_name(what, got, known);
            self.refuse::<()>(code, expected, quoted(got), hint);
        } else {
            self.reader.drop_one();
        }
        None
    }

    /// Text of at most `max` bytes.
    pub fn any_text(&self, max: usize) -> Option<&'n str> {
        let NodeValue::Text(text) = &self.node.value else { return self.wrong_type("text") };
        if text.len() > max {
            let expected = format!("at most {max} bytes of text");
            return self.refuse(Problem::OutOfRange, expected, format!("{} bytes", text.len()), None);
        }
        Some(text)
    }

    /// Text that isn't empty.
    pub fn text(&self) -> Option<&'n str> {
        let text = self.any_text(usize::MAX)?;
        if text.is_empty() { self.refuse(Problem::InvalidValue, "text", "empty text", None) } else { Some(text) }
    }

    /// Text of at most 4,096 bytes that parses.
    pub fn parsed<T: FromStr>(&self, expected: &str) -> Option<T> {
        let parsed = self.any_text(4_096)?.parse().ok();
        if parsed.is_none() { self.invalid(expected) } else { parsed }
    }

    /// `true` or `false`.
    pub fn flag(&self) -> Option<bool> {
        match self.node.value {
            NodeValue::Boolean(value) => Some(value),
            _ => self.wrong_type("true or false"),
        }
    }

    /// A whole number that JSON keeps exactly.
    pub fn whole(&self) -> Option<i64> {
        match self.node.value {
            NodeValue::Integer(number) => self.in_range(Problem::OutOfRange, number, -MAX_INTEGER, MAX_INTEGER),
            _ => self.wrong_type("a whole number"),
        }
    }

    /// A whole number within a range, ends included.
    pub fn integer<T: TryFrom<i64>>(&self, min: i64, max: i64) -> Option<T> {
        match self.node.value {
            NodeValue::Integer(number) => {
                self.in_range(Problem::OutOfRange, number, min, max).and_then(|number| number.try_into().ok())
            }
            _ => self.wrong_type(format!("a whole number, {min} to {max}")),
        }
    }

    /// A percentage, 0–100.
    pub fn percent(&self) -> Option<u8> {
        self.integer(0, 100)
    }

    /// Holds a whole number against a range, ends included.
    pub fn in_range(&self, code: impl Into<C>, number: i128, min: i64, max: i64) -> Option<i64> {
        self.within(code, number, min.into(), max.into()).and_then(|number| number.try_into().ok())
    }

    /// A finite number.
    pub fn decimal(&self) -> Option<f64> {
        let number = match self.node.value {
            NodeValue::Float(number) => Some(number),
            #[expect(clippy::cast_precision_loss, reason = "a number that a float can't hold is rounded, as in TOML")]
            NodeValue::Integer(number) => Some(number as f64),
            _ => None,
        };
        match number.filter(|number| number.is_finite()) {
            // Canonical JSON has no negative zero.
            Some(number) => Some(number + 0.0),
            None => self.wrong_type("a finite number"),
        }
    }

    /// Holds a value against a range, ends included.
    pub fn within<T: PartialOrd + Display>(&self, code: impl Into<C>, value: T, min: T, max: T) -> Option<T> {
        if value < min || value > max {
            return self.refuse(code, format!("{min} to {max}"), value.to_string(), None);
        }
        Some(value)
    }

    /// A duration of at most [`MAX_DURATION`], microseconds; the caller checks its range.
    pub fn any_duration(&self) -> Option<i64> {
        const EXPECTED: &str = "a duration such as `10m`, `24h` or `7d`";
        let NodeValue::Text(text) = &self.node.value else { return self.wrong_type(EXPECTED) };
        let micros = (text.len() <= 64).then(|| parse_duration(text).ok()).flatten();
        let Some(micros) = micros.filter(|micros| *micros <= MAX_DURATION) else {
            return self.invalid(format!("{EXPECTED}, at most {}", format_duration(MAX_DURATION)));
        };
        if self.reader.is_canonical() && format_duration(micros) != *text {
            return self.invalid(format!("`{}`, the duration's normal form", format_duration(micros)));
        }
        Some(micros)
    }

    /// A duration within a range, ends included; all in microseconds.
    pub fn duration(&self, min: i64, max: i64) -> Option<i64> {
        self.duration_within(Problem::OutOfRange, min, max)
    }

    /// A duration within a range, ends included; all in microseconds. `code` is that of a duration out of range.
    pub fn duration_within(&self, code: impl Into<C>, min: i64, max: i64) -> Option<i64> {
        let micros = self.any_duration()?;
        if micros < min || micros > max {
            let expected = format!("{} to {}", format_duration(min), format_duration(max));
            return self.refuse(code, expected, format_duration(micros), None);
        }
        Some(micros)
    }

    /// A size within a range, ends included; all in bytes.
    pub fn size(&self, min: u64, max: u64) -> Option<u64> {
        const EXPECTED: &str = "a size such as `512MiB` or `10GiB`";
        let NodeValue::Text(text) = &self.node.value else { return self.wrong_type(EXPECTED) };
        let Some(bytes) = (text.len() <= 64).then(|| parse_size(text).ok()).flatten() else {
            return self.invalid(EXPECTED);
        };
        if bytes < min || bytes > max {
            let expected = format!("{} to {}", format_size(min), format_size(max));
            return self.refuse(Problem::OutOfRange, expected, format_size(bytes), None);
        }
        Some(bytes)
    }

    /// A word of a list.
    pub fn word<T: TextId>(&self, what: &str) -> Option<T> {
        self.word_among(Problem::UnknownWord, what, T::ALL)
    }

    /// One of these words. `code` is that of another one.
    pub fn word_among<T: TextId>(&self, code: impl Into<C>, what: &str, known: &[T]) -> Option<T> {
        let NodeValue::Text(text) = &self.node.value else { return self.wrong_type(what) };
        let found = T::from_id(text).filter(|word| known.contains(word));
        if found.is_none() {
            return self.unknown(code, what, text, known.iter().map(|word| word.id()));
        }
        found
    }

    /// A table.
    pub fn table(&self) -> Option<Table<'n, C>> {
        match &self.node.value {
            NodeValue::Table(entries) => Some(Table::new(self.node, entries, self.reader)),
            _ => self.wrong_type("a table"),
        }
    }
}

/// What was expected where a name isn't known, and a hint.
pub(crate) fn expected_name<'c>(
    what: &str,
    got: &str,
    known: impl IntoIterator<Item = &'c str> + Clone,
) -> (String, Option<String>) {
    let hint = nearest(got, known.clone()).map(|name| format!("did you mean `{name}`?"));
    let listed: Vec<String> = known.into_iter().map(|name| format!("`{name}`")).collect();
    let expected = match (&hint, listed.len()) {
        (None, 1..=MAX_LISTED) => format!("{what}: {}", listed.join(", ")),
        _ => what.to_owned(),
    };
    (expected, hint)
}
