//! What a detection gets besides the event, and where it reports findings.

use crate::bindings::detect::{self, Answer, ContextTable};
use crate::event::NO_KEY;
use crate::finding::{Finding, cut};
use crate::rule::{DetectionDeclaration, Timer};
use crate::tables::Tables;
use crate::time::Timestamp;

/// The surroundings of one row: parameters, data and context in; findings, timers and diagnostics out.
pub struct Context<'a, 'p, R: DetectionDeclaration> {
    parameters: &'a R::Parameters<'p>,
    data: &'a [u8],
    tables: &'a [ContextTable],
    row: u32,
    key: u32,
    answer: Answer,
}

impl<'a, 'p, R: DetectionDeclaration> Context<'a, 'p, R> {
    pub(crate) fn new(parameters: &'a R::Parameters<'p>, data: &'a [u8], tables: &'a [ContextTable]) -> Self {
        let answer = Answer { findings: Vec::new(), states: Vec::new(), timers: Vec::new(), diagnostics: Vec::new() };
        Context { parameters, data, tables, row: 0, key: NO_KEY, answer }
    }

    #[inline]
    pub(crate) fn enter(&mut self, row: u32, key: u32) {
        self.row = row;
        self.key = key;
    }

    pub(crate) fn into_answer(self) -> Answer {
        self.answer
    }

    /// The parameters in force.
    #[inline]
    #[must_use]
    pub fn parameters(&self) -> &'a R::Parameters<'p> {
        self.parameters
    }

    /// The rule's data file (`rule.data`), byte for byte; empty if it has none.
    #[inline]
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The declared context tables, as seen from this row.
    #[inline]
    #[must_use]
    pub fn tables(&self) -> R::Tables<'a> {
        Tables::new(self.tables, self.row, self.key).into()
    }

    /// Reports a finding on this row.
    pub fn report(&mut self, finding: Finding<R>) {
        self.answer.findings.push(finding.into_answer(self.row));
    }

    /// Sets a declared timer for the row's key, or moves it: it fires as a row of its own at the first tick at or after
    /// `at` (event time). A row without a key has no timers: nothing is set, and a diagnostic is emitted.
    pub fn set_timer(&mut self, timer: Timer<R>, at: Timestamp) {
        self.timer(timer, Some(at.micros()));
    }

    /// Cancels a declared timer of the row's key.
    pub fn cancel_timer(&mut self, timer: Timer<R>) {
        self.timer(timer, None);
    }

    /// Emits a note for the rule's author; it never affects a decision. At most 1,024 bytes, a longer text is cut.
    pub fn inform(&mut self, message: impl Into<String>) {
        self.diagnose(detect::Level::Information, message.into());
    }

    /// Emits a warning for the rule's author; it never affects a decision. At most 1,024 bytes, a longer text is cut.
    pub fn warn(&mut self, message: impl Into<String>) {
        self.diagnose(detect::Level::Warning, message.into());
    }

    /// Emits an error for the rule's author; it never affects a decision. At most 1,024 bytes, a longer text is cut.
    pub fn error(&mut self, message: impl Into<String>) {
        self.diagnose(detect::Level::Error, message.into());
    }

    fn timer(&mut self, timer: Timer<R>, at: Option<i64>) {
        if self.key == NO_KEY {
            self.warn(format!("the timer `{}` has no key to belong to: the row has none", timer.id()));
        } else {
            self.answer.timers.push(detect::Timer { row: self.row, id: timer.id().to_owned(), at });
        }
    }

    fn diagnose(&mut self, level: detect::Level, message: String) {
        self.answer.diagnostics.push(detect::Diagnostic { row: self.row, level, message: cut(message) });
    }
}
