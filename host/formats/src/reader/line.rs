//! How deep the line is indented on which something begins.

use super::scanner::MAX_INDENTATION;

/// The line that something begins on.
pub(super) struct Line {
    /// The white space at its beginning so far, columns; none within a line, and deeper than is distinguished.
    indentation: Option<usize>,
}

impl Line {
    /// Within a line.
    pub(super) const WITHIN: Line = Line { indentation: None };

    /// At the beginning of one.
    pub(super) const BEGINNING: Line = Line { indentation: Some(0) };

    /// Whether nothing but white space came in it, and little of that.
    pub(super) fn begins(&self) -> bool {
        self.indentation.is_some()
    }

    /// Goes past what is skipped. Where in it, from its beginning, the line is the same if it began within a line; none if
    /// only at a place before.
    pub(super) fn skip(&mut self, spaces: &[u8]) -> Option<usize> {
        let feed = memchr::memrchr(b'\n', spaces);
        if feed.is_some() {
            self.indentation = Some(0);
        }
        if let Some(columns) = self.indentation {
            let spaces = spaces.get(feed.map_or(0, |at| at + 1)..).unwrap_or_default();
            self.indentation = Some(columns.saturating_add(spaces.len())).filter(|columns| *columns <= MAX_INDENTATION);
        }
        match self.indentation {
            None => Some(spaces.len()),
            Some(_) => feed,
        }
    }

    /// Columns; 0 within a line.
    pub(super) fn indentation(&self) -> usize {
        self.indentation.unwrap_or(0)
    }
}
