//! Collects diagnostics while a document is read.

use std::cell::{Cell, RefCell};

use crate::diagnostic::Diagnostic;
use crate::document::Document;
use crate::item::Item;
use crate::node::Node;

/// Most diagnostics of one document: a hostile one could have a fault every few bytes.
pub const MAX_DIAGNOSTICS: usize = 500;

/// What kind of fault a value has. A format with codes of its own makes them from these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A key that isn't known.
    UnknownKey,
    /// A required key is missing.
    MissingKey,
    /// A value of another type.
    WrongType,
    /// A value outside its range.
    OutOfRange,
    /// Text in another form than expected.
    InvalidValue,
    /// The same name or value twice.
    DuplicateValue,
    /// Text that isn't one of the known words.
    UnknownWord,
    /// Values that can't be together.
    Conflict,
}

/// Collects diagnostics, each with a code: a [`Problem`], or a type that is made from one.
#[derive(Debug)]
pub struct Reader<C = Problem> {
    found: RefCell<Vec<(C, Diagnostic)>>,
    /// How many more there were than are kept.
    dropped: Cell<usize>,
    canonical: bool,
}

impl<C: From<Problem>> Reader<C> {
    /// A reader of files that people write.
    #[must_use]
    pub fn new() -> Reader<C> {
        Reader { found: RefCell::default(), dropped: Cell::default(), canonical: false }
    }

    /// A reader of a canonical form, in which every default is written out and every value is in its normal form.
    #[must_use]
    pub fn canonical() -> Reader<C> {
        Reader { found: RefCell::default(), dropped: Cell::default(), canonical: true }
    }

    /// Whether a canonical form is read.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        self.canonical
    }

    /// The root of a document, to be read.
    #[must_use]
    pub fn root<'n>(&'n self, document: &'n Document) -> Item<'n, C> {
        self.item(document.root())
    }

    /// A node, to be read.
    #[must_use]
    pub fn item<'n>(&'n self, node: &'n Node) -> Item<'n, C> {
        Item::new(node, self)
    }

    /// Adds a diagnostic; past [`MAX_DIAGNOSTICS`] it is only counted.
    pub fn push(&self, code: impl Into<C>, diagnostic: Diagnostic) {
        self.insert(usize::MAX, code.into(), diagnostic);
    }

    /// Adds a diagnostic before those from `at` on.
    pub(crate) fn insert(&self, at: usize, code: C, diagnostic: Diagnostic) {
        let mut found = self.found.borrow_mut();
        if found.len() < MAX_DIAGNOSTICS {
            let at = at.min(found.len());
            found.insert(at, (code, diagnostic));
        } else {
            self.drop_one();
        }
    }

    /// Counts a diagnostic that isn't made, since it would be dropped.
    pub(crate) fn drop_one(&self) {
        self.dropped.set(self.dropped.get().saturating_add(1));
    }

    /// The number of diagnostics.
    pub(crate) fn count(&self) -> usize {
        self.found.borrow().len()
    }

    /// Whether no more diagnostics are taken.
    pub(crate) fn is_full(&self) -> bool {
        self.count() >= MAX_DIAGNOSTICS
    }

    /// Whether there are no diagnostics.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.count() == 0
    }

    /// Every diagnostic with its code, in the order of reading.
    #[must_use]
    pub fn into_found(self) -> Vec<(C, Diagnostic)> {
        self.found.into_inner()
    }

    /// The value, if there are no diagnostics.
    ///
    /// # Errors
    /// Every diagnostic, by line; past [`MAX_DIAGNOSTICS`] one more that says how many there are.
    pub fn finish<T>(self, value: T) -> Result<T, Vec<Diagnostic>> {
        let found = self.found.into_inner();
        if found.is_empty() {
            return Ok(value);
        }
        let mut diagnostics: Vec<Diagnostic> = found.into_iter().map(|(_, diagnostic)| diagnostic).collect();
        diagnostics.sort_by_key(|diagnostic| diagnostic.line);
        let dropped = self.dropped.get();
        if dropped > 0 {
            let (kept, all) = (diagnostics.len(), diagnostics.len().saturating_add(dropped));
            let got = format!("{all}: these and {dropped} more");
            diagnostics.push(Diagnostic::new("", format!("at most {kept} faults"), got));
        }
        Err(diagnostics)
    }
}

impl<C: From<Problem>> Default for Reader<C> {
    fn default() -> Self {
        Reader::new()
    }
}
