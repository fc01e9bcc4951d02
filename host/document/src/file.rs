//! A file that was read, with what it is called and its text; and all that is wrong with one.

use std::fmt;

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
