//! A file that was read, with what it is called and its text; and all that is wrong with one.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use countersign_text::line;

use crate::diagnostic::Diagnostic;

/// A parsed file with its name and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile<T> {
    /// What messages call it: a path, or a few words for text that ships.
    pub name: String,
    /// The text as read.
    pub text: String,
    /// The parsed content.
    pub content: T,
}

/// Every diagnostic of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiagnostics {
    /// What messages call the file.
    pub file: String,
    /// At least one.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a file of at most `max` bytes; none of one that is larger.
///
/// # Errors
/// When it can't be read.
pub fn read_capped(path: &Path, max: u64) -> io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    let mut bytes = Vec::new();
    // One byte more than the limit shows that the file is longer.
    #[expect(clippy::disallowed_methods, reason = "limited by `take`")]
    file.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= max).then_some(bytes))
}

impl<T> SourceFile<T> {
    /// Parses a file's text.
    ///
    /// # Errors
    /// Every diagnostic, with the file's name.
    pub fn parse(
        name: impl Into<String>,
        text: impl Into<String>,
        parse: impl FnOnce(&str) -> Result<T, Vec<Diagnostic>>,
    ) -> Result<SourceFile<T>, FileDiagnostics> {
        let (name, text) = (name.into(), text.into());
        match parse(&text) {
            Ok(content) => Ok(SourceFile { name, text, content }),
            Err(diagnostics) => Err(FileDiagnostics { file: name, diagnostics }),
        }
    }
}

impl FileDiagnostics {
    /// A file that can't be read at all, or is no document.
    #[must_use]
    pub fn whole(file: impl Into<String>, diagnostic: Diagnostic) -> FileDiagnostics {
        FileDiagnostics { file: file.into(), diagnostics: vec![diagnostic] }
    }

    /// A line for each diagnostic, with the file's name.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.diagnostics.iter().map(|diagnostic| line(&format!("{}: {diagnostic}", self.file)))
    }
}

/// A line for each diagnostic, with the file's name.
impl fmt::Display for FileDiagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().collect::<Vec<_>>().join("\n"))
    }
}

impl std::error::Error for FileDiagnostics {}
