//! What the next commit contains: records, with all that goes into the same commit.

use std::collections::BTreeSet;

use countersign_audit::{Blob, Record};
use countersign_casework::IntentDraft;
use countersign_model::{Digest, Finding};

use crate::report::Line;

/// What the next commit contains.
#[derive(Default)]
pub(crate) struct Page {
    pub(crate) records: Vec<Record>,
    pub(crate) blobs: Blobs,
    pub(crate) findings: Vec<Finding>,
    pub(crate) intents: Vec<PageIntent>,
    /// Lines for observers, each with the place of its record.
    pub(crate) lines: Vec<(usize, Line)>,
}

/// An intent of a decision whose record isn't numbered yet.
pub(crate) struct PageIntent {
    /// The place of the decision's record.
    pub(crate) record: usize,
    pub(crate) draft: IntentDraft,
}

/// The blobs that the records of a commit name, each once.
#[derive(Default)]
pub(crate) struct Blobs {
    all: Vec<Blob>,
    names: BTreeSet<Digest>,
    bytes: u64,
}

impl Page {
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Adds a line about the last record.
    pub(super) fn line(&mut self, line: Line) {
        self.lines.push((self.records.len().saturating_sub(1), line));
    }
}

impl Blobs {
    /// Adds a blob, unless it is there.
    pub(crate) fn add(&mut self, blob: Blob) {
        if self.names.insert(blob.name()) {
            self.bytes += blob.bytes().len() as u64;
            self.all.push(blob);
        }
    }

    /// All of them, in the order in which they came.
    pub(crate) fn all(&self) -> &[Blob] {
        &self.all
    }

    /// What they take, bytes.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }
}
