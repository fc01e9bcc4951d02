//! The files of a case, read together: every fault of every file is reported at once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use countersign_document::{Diagnostic, Document, FileDiagnostics, Reader, SourceFile, Table};
use countersign_generation::{ContextFiles, FILE_TABLES};
use countersign_model::response::IncidentView;
use countersign_policy::Directory;

use super::expectation::{self, DetectionExpectation, ExpectedProposal};
use super::{CaseError, EXPECT_FILE, IDENTITIES_FILE, INCIDENT_FILE, incident};
use countersign_generation::Settings;

/// The largest file of a case, bytes.
const MAX_FILE_BYTES: usize = 64 << 20;

/// Reads the files of a case and collects their faults.
pub(super) struct CaseFiles<'c> {
    case: &'c Path,
    faults: Vec<FileDiagnostics>,
}

impl CaseFiles<'_> {
    pub(super) fn new(case: &Path) -> CaseFiles<'_> {
        CaseFiles { case, faults: Vec::new() }
    }

    /// What was read, if no file has a fault.
    ///
    /// # Errors
    /// With every fault of every file read.
    pub(super) fn finish<T>(self, read: Option<T>) -> Result<T, CaseError> {
        match read {
            Some(read) if self.faults.is_empty() => Ok(read),
            _ => Err(CaseError::Files(self.faults)),
        }
    }

    /// The operator's files of the case, and the policy and capability tables that ship. Whose rule it is doesn't matter.
    pub(super) fn settings(&mut self) -> Option<Settings> {
        let directory = self.optional(IDENTITIES_FILE, Directory::parse);
        let context = self.context();
        let shipped = Settings::of_authors().map_err(|faults| self.faults.push(faults)).ok()?;
        Some(Settings { directory, context, ..shipped })
    }

    /// The files of context tables: each has its table's name.
    fn context(&mut self) -> ContextFiles {
        let mut context = ContextFiles::default();
        for table in FILE_TABLES {
            let path = self.case.join(format!("{}.toml", table.name));
            if !path.exists() {
                continue;
            }
            let name = path.display().to_string();
            let text = text(&path).map_err(|fault| FileDiagnostics::whole(name.clone(), fault));
            let added = text.and_then(|text| context.add(table.name, &name, text.into_bytes()));
            self.faults.extend(added.err());
        }
        context
    }

    /// What a detection's case expects.
    pub(super) fn detection(&mut self) -> Option<DetectionExpectation> {
        self.required(EXPECT_FILE, |text| document(text, expectation::detection))
    }

    /// The proposals that a response rule's case expects.
    pub(super) fn proposals(&mut self) -> Option<Vec<ExpectedProposal>> {
        self.required(EXPECT_FILE, |text| document(text, expectation::response))
    }

    /// The incident of a response rule's case.
    pub(super) fn incident(&mut self) -> Option<IncidentView> {
        self.required(INCIDENT_FILE, |text| document(text, incident::incident))
    }

    fn required<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, Vec<Diagnostic>>) -> Option<T> {
        self.read(self.case.join(name), parse).map(|file| file.content)
    }

    /// None if the case has no such file.
    fn optional<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, Vec<Diagnostic>>) -> Option<SourceFile<T>> {
        let path = self.case.join(name);
        if path.exists() { self.read(path, parse) } else { None }
    }

    fn read<T>(&mut self, path: PathBuf, parse: impl Fn(&str) -> Result<T, Vec<Diagnostic>>) -> Option<SourceFile<T>> {
        let name = path.display().to_string();
        let text = text(&path).map_err(|fault| FileDiagnostics::whole(name.clone(), fault));
        let file = text.and_then(|text| SourceFile::parse(name, text, parse));
        file.map_err(|faults| self.faults.push(faults)).ok()
    }
}

fn text(path: &Path) -> Result<String, Diagnostic> {
    let unreadable = |error: io::Error| Diagnostic::new("", "a text file that can be read", error.to_string());
    let length = fs::metadata(path).map_err(unreadable)?.len();
    if length > MAX_FILE_BYTES as u64 {
        return Err(Diagnostic::new("", format!("at most {MAX_FILE_BYTES} bytes"), length.to_string()));
    }
    fs::read_to_string(path).map_err(unreadable)
}

/// Reads a TOML file's root.
pub(super) fn document<T>(text: &str, read: impl Fn(&Table<'_>) -> Option<T>) -> Result<T, Vec<Diagnostic>> {
    let document = Document::parse(text, MAX_FILE_BYTES).map_err(|diagnostic| vec![diagnostic])?;
    let reader = Reader::new();
    let read = reader.root(&document).table().and_then(|table| {
        let read = read(&table);
        table.finish();
        read
    });
    let none = || vec![Diagnostic::new("", "a case's file", "one that can't be read")];
    // INVARIANT: what couldn't be read has a diagnostic.
    reader.finish(read)?.ok_or_else(none)
}
