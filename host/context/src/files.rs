//! The operator's files that fill context tables. [`FILE_TABLES`](crate::FILE_TABLES) lists the tables; the command line's
//! options, the files of a rule's case and the audit record of a generation all come from there.

use std::fmt;

use countersign_declaration::ContextWanted;
use countersign_document::{Diagnostic, FileDiagnostics, SourceFile};
use countersign_model::call::ContextTable;
use countersign_stream::ContextCall;

use crate::FILE_TABLES;

/// A context table that the operator fills with files.
#[derive(Clone, Copy, Debug)]
pub struct FileTable {
    /// The table's name, which is that of the command line's option (`--NAME FILE`) and of the file in a rule's case
    /// (`NAME.toml`) too.
    pub name: &'static str,
    /// What its files hold, for `--help`.
    pub help: &'static str,
    /// Whether there may be several files. Else the last one counts.
    pub repeatable: bool,
    /// Maximum bytes of a file.
    pub max_bytes: usize,
    /// An empty table.
    pub(crate) empty: fn() -> Box<dyn Filled>,
}

/// The files of one table, read.
pub(crate) trait Filled: fmt::Debug + Send + Sync {
    /// Reads a file and adds it.
    fn add(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), FileDiagnostics>;

    /// The bytes of each file, and whether audit keeps them.
    fn files(&self) -> Vec<(&[u8], bool)>;

    /// The table for a call; none where there is nothing to fill it with.
    fn table(&self, wanted: &ContextWanted, call: &ContextCall<'_>) -> Option<ContextTable>;

    /// A copy.
    fn boxed(&self) -> Box<dyn Filled>;
}

/// A table of one text file.
#[derive(Clone)]
pub(crate) struct TextTable<T> {
    parse: fn(&str) -> Result<T, Vec<Diagnostic>>,
    table: fn(&T, &ContextWanted, &ContextCall<'_>) -> ContextTable,
    file: Option<SourceFile<T>>,
}

impl<T: Clone + Send + Sync + 'static> TextTable<T> {
    /// One without a file.
    pub(crate) fn empty(
        parse: fn(&str) -> Result<T, Vec<Diagnostic>>,
        table: fn(&T, &ContextWanted, &ContextCall<'_>) -> ContextTable,
    ) -> Box<dyn Filled> {
        Box::new(TextTable { parse, table, file: None })
    }
}

impl<T> fmt::Debug for TextTable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TextTable").field(&self.file.as_ref().map(|file| &file.name)).finish()
    }
}

impl<T: Clone + Send + Sync + 'static> Filled for TextTable<T> {
    fn add(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), FileDiagnostics> {
        let not_text = |_| FileDiagnostics::whole(name, Diagnostic::new("", "UTF-8 text", "bytes that aren't"));
        let text = String::from_utf8(bytes).map_err(not_text)?;
        self.file = Some(SourceFile::parse(name, text, self.parse)?);
        Ok(())
    }

    fn files(&self) -> Vec<(&[u8], bool)> {
        self.file.iter().map(|file| (file.text.as_bytes(), true)).collect()
    }

    fn table(&self, wanted: &ContextWanted, call: &ContextCall<'_>) -> Option<ContextTable> {
        self.file.as_ref().map(|file| (self.table)(&file.content, wanted, call))
    }

    fn boxed(&self) -> Box<dyn Filled> {
        Box::new(self.clone())
    }
}

/// The operator's files that context tables are made of, each with the bytes that it was read from.
#[derive(Debug)]
pub struct ContextFiles(Vec<(&'static str, Box<dyn Filled>)>);

/// A file as audit names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedFile<'f> {
    /// The table that it is for.
    pub table: &'static str,
    /// Its bytes.
    pub bytes: &'f [u8],
    /// Whether the bytes are to be kept: a database is large and belongs to its vendor, and what was looked up in it is in
    /// the evidence bundles.
    pub kept: bool,
}

impl Default for ContextFiles {
    fn default() -> Self {
        ContextFiles(FILE_TABLES.iter().map(|table| (table.name, (table.empty)())).collect())
    }
}

impl Clone for ContextFiles {
    fn clone(&self) -> Self {
        ContextFiles(self.0.iter().map(|(name, filled)| (*name, filled.boxed())).collect())
    }
}

impl ContextFiles {
    /// Reads a file of a table and adds it; `name` is what messages call it.
    ///
    /// # Errors
    /// Everything wrong with it at once, or that no files fill such a table.
    pub fn add(&mut self, table: &str, name: &str, bytes: Vec<u8>) -> Result<(), FileDiagnostics> {
        if let Some((_, filled)) = self.0.iter_mut().find(|(known, _)| *known == table) {
            return filled.add(name, bytes);
        }
        let known: Vec<String> = FILE_TABLES.iter().map(|table| format!("`{}`", table.name)).collect();
        let diagnostic = Diagnostic::new("", format!("one of {}", known.join(", ")), format!("`{table}`"));
        Err(FileDiagnostics::whole("the context tables", diagnostic))
    }

    /// Whether there are no files.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files().next().is_none()
    }

    /// Every file, in the order of tables and files.
    pub fn files(&self) -> impl Iterator<Item = NamedFile<'_>> {
        self.0.iter().flat_map(|(table, filled)| {
            filled.files().into_iter().map(move |(bytes, kept)| NamedFile { table, bytes, kept })
        })
    }

    /// The table for a call; none where there is nothing to fill it with.
    pub(crate) fn table(&self, wanted: &ContextWanted, call: &ContextCall<'_>) -> Option<ContextTable> {
        self.0.iter().find(|(name, _)| *name == wanted.table.name).and_then(|(_, filled)| filled.table(wanted, call))
    }
}
