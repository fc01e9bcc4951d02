//! What is wrong in a file: where, what was expected and what was found.

use std::fmt;

use serde::Serialize;

/// One fault of a file. All faults of a file are reported at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Line of the text, from 1; none where the input has no lines (canonical JSON, a component's bytes).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Path of the value, such as `cell[3].floor`, or a position such as `byte 1234`; empty for the file as a whole.
    pub place: String,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub got: String,
    /// What to do, such as the nearest known name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A diagnostic without line and hint.
    #[must_use]
    pub fn new(place: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) -> Diagnostic {
        Diagnostic { line: None, place: place.into(), expected: expected.into(), got: got.into(), hint: None }
    }

    /// The same with a line.
    #[must_use]
    pub fn with_line(mut self, line: Option<usize>) -> Diagnostic {
        self.line = line;
        self
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: Option<String>) -> Diagnostic {
        self.hint = hint;
        self
    }
}

/// One line: `line 7, place: expected …, got … (hint)`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.place.as_str()) {
            (Some(line), "") => write!(f, "line {line}: ")?,
            (Some(line), place) => write!(f, "line {line}, {place}: ")?,
            (None, "") => {}
            (None, place) => write!(f, "{place}: ")?,
        }
        write!(f, "expected {}, got {}", self.expected, self.got)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_is_one_line() {
        let bare = Diagnostic::new("", "TOML", "nothing");
        assert_eq!(bare.to_string(), "expected TOML, got nothing");
        let full = Diagnostic::new("cell[0].floor", "0 to 100", "101").with_line(Some(3));
        assert_eq!(
            full.with_hint(Some("lower it".to_owned())).to_string(),
            "line 3, cell[0].floor: expected 0 to 100, got 101 (lower it)"
        );
    }
}
