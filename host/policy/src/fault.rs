//! What is wrong in one of the operator's files.

use std::fmt;

use countersign_declaration::nearest;

/// One thing wrong in one of the operator's files. All of a file's faults are reported at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line of the text, from 1; none where the text has no lines (canonical bytes).
    pub line: Option<usize>,
    /// Path of the value, such as `cell[3].floor`; empty for the file as a whole.
    pub place: String,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub got: String,
    /// What to do, such as the nearest known name.
    pub hint: Option<String>,
}

impl Fault {
    /// The same with other words for what came.
    pub(crate) fn with_got(self, got: &str) -> Fault {
        Fault { got: format!("`{}`", got.chars().take(80).collect::<String>()), ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.place.as_str()) {
            (Some(line), "") => write!(f, "line {line}: ")?,
            (Some(line), place) => write!(f, "line {line}, `{place}`: ")?,
            (None, "") => {}
            (None, place) => write!(f, "`{place}`: ")?,
        }
        write!(f, "expected {}, got {}", self.expected, self.got)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Fault {}

/// The known name nearest to a word, as a hint; none if nothing is near.
pub(crate) fn did_you_mean<'n>(word: &str, known: impl IntoIterator<Item = &'n str>) -> Option<String> {
    nearest(word, known).map(|name| format!("did you mean `{name}`?"))
}
