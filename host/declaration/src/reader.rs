//! Reads values of a declaration one by one and keeps every fault: nothing here stops at the first.

use std::fmt::Display;

use countersign_model::time::{format_duration, parse_duration};
use serde_json::{Map, Value};

use crate::nearest::nearest;
use crate::reasons::{Refusal, RefusalCode, quoted};

/// Most reasons that one declaration gives: a hostile one could have a fault every few bytes.
const MAX_REFUSALS: usize = 500;

/// The greatest whole number that JSON keeps exactly (RFC 8785 section 3.2.2.3): 2^53 − 1.
pub(crate) const GREATEST_INTEGER: i64 = (1 << 53) - 1;

/// Whether a key must be there.
pub(crate) enum Need<T> {
    /// It must.
    Required,
    /// `rule.toml` may leave it out; the section has it written out.
    Default(T),
    /// It may be left out in both.
    Optional(T),
}

/// What a reader of values carries along.
pub(crate) struct Reader {
    refusals: Vec<Refusal>,
    /// Whether the section is read: defaults are written out and every value is in its normal form.
    section: bool,
}

/// A table and where it is.
#[derive(Clone)]
pub(crate) struct Table<'a> {
    map: &'a Map<String, Value>,
    place: String,
}

impl<'a> Table<'a> {
    pub(crate) fn new(map: &'a Map<String, Value>, place: impl Into<String>) -> Table<'a> {
        Table { map, place: place.into() }
    }

    /// Where a key's value is.
    pub(crate) fn place(&self, key: &str) -> String {
        if self.place.is_empty() { shown_key(key) } else { format!("{}.{}", self.place, shown_key(key)) }
    }

    /// Where the table is.
    pub(crate) fn own_place(&self) -> &str {
        &self.place
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.map.keys().map(String::as_str)
    }
}

impl Reader {
    pub(crate) fn new(section: bool) -> Reader {
        Reader { refusals: Vec::new(), section }
    }

    pub(crate) fn is_section(&self) -> bool {
        self.section
    }

    /// Every fault so far.
    pub(crate) fn into_refusals(self) -> Vec<Refusal> {
        self.refusals
    }

    pub(crate) fn has_refusals(&self) -> bool {
        !self.refusals.is_empty()
    }

    /// Notes a fault.
    pub(crate) fn refuse(
        &mut self,
        code: RefusalCode,
        place: impl Into<String>,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) {
        self.push(Refusal::new(code, place, expected, got));
    }

    /// Notes a fault.
    pub(crate) fn push(&mut self, refusal: Refusal) {
        if self.refusals.len() < MAX_REFUSALS {
            self.refusals.push(refusal);
        }
    }

    /// Notes a name that isn't among the known ones.
    pub(crate) fn unknown<'c>(
        &mut self,
        code: RefusalCode,
        place: &str,
        what: &str,
        got: &str,
        known: impl IntoIterator<Item = &'c str> + Clone,
    ) {
        if self.refusals.len() >= MAX_REFUSALS {
            return;
        }
        let hint = nearest(got, known.clone()).map(|name| format!("did you mean `{name}`?"));
        let listed: Vec<String> = known.into_iter().map(|name| format!("`{name}`")).collect();
        let expected = match (&hint, listed.len()) {
            (None, 1..=24) => format!("{what}: {}", listed.join(", ")),
            _ => what.to_owned(),
        };
        self.push(Refusal::new(code, place, expected, quoted(got)).with_hint(hint));
    }

    /// Notes every key of the table that isn't known.
    pub(crate) fn only(&mut self, table: &Table<'_>, known: &[&str]) {
        for key in table.keys().filter(|key| !known.contains(key)) {
            self.unknown(RefusalCode::UnknownKey, &table.place(key), "a known key", key, known.iter().copied());
        }
    }

    /// Reads a key's value, or its default where it may be left out.
    pub(crate) fn key<'a, T>(
        &mut self,
        table: &Table<'a>,
        key: &str,
        need: Need<T>,
        read: impl FnOnce(&mut Reader, &str, &'a Value) -> Option<T>,
    ) -> Option<T> {
        let place = table.place(key);
        match (table.get(key), need) {
            (Some(value), _) => read(self, &place, value),
            (None, Need::Optional(default)) => Some(default),
            (None, Need::Default(default)) if !self.section => Some(default),
            (None, _) => {
                self.refuse(RefusalCode::MissingKey, place, "a value", "none");
                None
            }
        }
    }

    fn wrong_type(&mut self, place: &str, expected: &str, value: &Value) {
        self.refuse(RefusalCode::WrongType, place, expected, describe(value));
    }

    /// Text of 1 to `most` bytes.
    pub(crate) fn text<'a>(&mut self, place: &str, value: &'a Value, most: usize) -> Option<&'a str> {
        let text = self.any_text(place, value, most)?;
        if text.trim().is_empty() {
            self.refuse(RefusalCode::InvalidValue, place, "text that says something", quoted(text));
            return None;
        }
        Some(text)
    }

    /// Text of 0 to `most` bytes.
    pub(crate) fn any_text<'a>(&mut self, place: &str, value: &'a Value, most: usize) -> Option<&'a str> {
        let Some(text) = value.as_str() else {
            self.wrong_type(place, "text", value);
            return None;
        };
        if text.len() > most {
            self.refuse(
                RefusalCode::OutOfRange,
                place,
                format!("at most {most} bytes of text"),
                format!("{} bytes", text.len()),
            );
            return None;
        }
        Some(text)
    }

    /// A name of our own form: 1 to 64 of `a`–`z`, `0`–`9`, `-`, beginning with a letter.
    pub(crate) fn name(&mut self, place: &str, value: &Value) -> Option<String> {
        let text = self.any_text(place, value, 4_096)?;
        if !countersign_model::rule::is_id_part(text) {
            self.refuse(
                RefusalCode::InvalidValue,
                place,
                "1 to 64 characters of a-z, 0-9 and `-` beginning with a letter",
                quoted(text),
            );
            return None;
        }
        Some(text.to_owned())
    }

    /// Text that parses.
    pub(crate) fn parsed<T: std::str::FromStr>(&mut self, place: &str, value: &Value, expected: &str) -> Option<T> {
        let text = self.any_text(place, value, 4_096)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.refuse(RefusalCode::InvalidValue, place, expected, quoted(text));
        }
        parsed
    }

    /// True or false.
    pub(crate) fn boolean(&mut self, place: &str, value: &Value) -> Option<bool> {
        if value.as_bool().is_none() {
            self.wrong_type(place, "true or false", value);
        }
        value.as_bool()
    }

    /// A whole number of any size that JSON keeps exactly.
    pub(crate) fn whole(&mut self, place: &str, value: &Value) -> Option<i64> {
        if !value.is_i64() && !value.is_u64() {
            self.wrong_type(place, "a whole number", value);
            return None;
        }
        self.within(
            RefusalCode::OutOfRange,
            place,
            value.as_i64().unwrap_or(i64::MAX),
            -GREATEST_INTEGER,
            GREATEST_INTEGER,
        )
    }

    /// A whole number within a range, ends included.
    pub(crate) fn integer<T: TryFrom<i64>>(&mut self, place: &str, value: &Value, least: i64, most: i64) -> Option<T> {
        if !value.is_i64() && !value.is_u64() {
            self.wrong_type(place, &format!("a whole number, {least} to {most}"), value);
            return None;
        }
        let number = value.as_i64().unwrap_or(i64::MAX);
        self.within(RefusalCode::OutOfRange, place, number, least, most).and_then(|number| number.try_into().ok())
    }

    /// A finite number.
    pub(crate) fn decimal(&mut self, place: &str, value: &Value) -> Option<f64> {
        let number = value.as_f64().filter(|number| number.is_finite());
        if number.is_none() {
            self.wrong_type(place, "a finite number", value);
        }
        // Canonical JSON has no negative zero.
        number.map(|number| number + 0.0)
    }

    /// Holds a value against a range, ends included.
    pub(crate) fn within<T: PartialOrd + Display>(
        &mut self,
        code: RefusalCode,
        place: &str,
        value: T,
        least: T,
        most: T,
    ) -> Option<T> {
        if value < least || value > most {
            self.refuse(code, place, format!("{least} to {most}"), value.to_string());
            return None;
        }
        Some(value)
    }

    /// A duration in microseconds, 0 to 400 days; the range is checked by the caller.
    pub(crate) fn any_duration(&mut self, place: &str, value: &Value) -> Option<i64> {
        const EXPECTED: &str = "a duration such as `10m`, `24h` or `7d`";
        let Some(text) = value.as_str() else {
            self.wrong_type(place, EXPECTED, value);
            return None;
        };
        let micros = (text.len() <= 64).then(|| parse_duration(text).ok()).flatten();
        let Some(micros) = micros.filter(|micros| *micros <= LONGEST_DURATION) else {
            let longest = format_duration(LONGEST_DURATION);
            self.refuse(RefusalCode::InvalidValue, place, format!("{EXPECTED}, at most {longest}"), quoted(text));
            return None;
        };
        if self.section && format_duration(micros) != text {
            let expected = format!("`{}`, the duration's normal form", format_duration(micros));
            self.refuse(RefusalCode::InvalidValue, place, expected, quoted(text));
            return None;
        }
        Some(micros)
    }

    /// A duration within a range, ends included; all in microseconds.
    pub(crate) fn duration(&mut self, place: &str, value: &Value, least: i64, most: i64) -> Option<i64> {
        let micros = self.any_duration(place, value)?;
        if micros < least || micros > most {
            let expected = format!("{} to {}", format_duration(least), format_duration(most));
            self.refuse(RefusalCode::OutOfRange, place, expected, format_duration(micros));
            return None;
        }
        Some(micros)
    }

    /// A known word.
    pub(crate) fn word<T: Copy>(
        &mut self,
        place: &str,
        value: &Value,
        code: RefusalCode,
        what: &str,
        known: &[(&'static str, T)],
    ) -> Option<T> {
        let text = self.any_text(place, value, 4_096)?;
        let found = known.iter().find(|(name, _)| *name == text).map(|(_, word)| *word);
        if found.is_none() {
            self.unknown(code, place, what, text, known.iter().map(|(name, _)| *name));
        }
        found
    }

    /// A list of `least` to `most` values; none if any of them is at fault, after all were read.
    pub(crate) fn list<'a, T>(
        &mut self,
        place: &str,
        value: &'a Value,
        (least, most): (usize, usize),
        mut read: impl FnMut(&mut Reader, &str, &'a Value) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(items) = value.as_array() else {
            self.wrong_type(place, "a list", value);
            return None;
        };
        let fits = (least..=most).contains(&items.len());
        if !fits {
            let expected = format!("a list of {least} to {most}");
            self.refuse(RefusalCode::OutOfRange, place, expected, format!("a list of {}", items.len()));
        }
        let mut whole = fits;
        let mut read_items = Vec::new();
        for (index, item) in items.iter().take(most).enumerate() {
            match read(self, &format!("{place}[{index}]"), item) {
                Some(item) => read_items.push(item),
                None => whole = false,
            }
        }
        whole.then_some(read_items)
    }

    /// A list as [`Reader::list`], whose members differ.
    pub(crate) fn set<'a, T: PartialEq>(
        &mut self,
        place: &str,
        value: &'a Value,
        bounds: (usize, usize),
        mut read: impl FnMut(&mut Reader, &str, &'a Value) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut seen: Vec<(T, String)> = Vec::new();
        self.list(place, value, bounds, |reader, place, value| {
            let item = read(reader, place, value)?;
            match seen.iter().find(|(earlier, _)| *earlier == item) {
                Some((_, earlier)) => {
                    let expected = format!("a value other than that of {earlier}");
                    reader.refuse(RefusalCode::DuplicateValue, place, expected, describe(value));
                    None
                }
                None => {
                    seen.push((item, place.to_owned()));
                    Some(())
                }
            }
        })?;
        Some(seen.into_iter().map(|(item, _)| item).collect())
    }

    /// A table.
    pub(crate) fn table<'a>(&mut self, place: &str, value: &'a Value) -> Option<Table<'a>> {
        match value {
            Value::Object(map) => Some(Table::new(map, place)),
            _ => {
                self.wrong_type(place, "a table", value);
                None
            }
        }
    }

    /// A list of tables with a name each; the names differ.
    pub(crate) fn named<'a, T>(
        &mut self,
        place: &str,
        value: &'a Value,
        most: usize,
        key: &str,
        mut read: impl FnMut(&mut Reader, Table<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut seen: Vec<(&str, String)> = Vec::new();
        self.list(place, value, (0, most), |reader, place, value| {
            let table = reader.table(place, value)?;
            let mut distinct = true;
            if let Some(name) = table.get(key).and_then(Value::as_str) {
                match seen.iter().find(|(earlier, _)| *earlier == name) {
                    Some((_, earlier)) => {
                        let expected = format!("another {key} than that of {earlier}");
                        reader.refuse(RefusalCode::DuplicateValue, table.place(key), expected, quoted(name));
                        distinct = false;
                    }
                    None => seen.push((name, place.to_owned())),
                }
            }
            read(reader, table).filter(|_| distinct)
        })
    }
}

/// The longest duration that a declaration may name, microseconds: 400 days.
pub(crate) const LONGEST_DURATION: i64 = 400 * 86_400_000_000;

/// A key as part of a place: quoted if it isn't of the usual form.
fn shown_key(key: &str) -> String {
    let usual = !key.is_empty()
        && key.len() <= 64
        && key.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.'));
    if usual { key.to_owned() } else { quoted(key) }
}

/// What came, for a message.
pub(crate) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing that JSON can hold (`null`, `nan`, `inf` or a date)".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text {}", quoted(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
    }
}
