//! Reports a run while it goes on: findings with decisions for people, or NDJSON.

use std::io::{self, ErrorKind, Write};

use countersign_formats::DeadLetter;
use countersign_model::call::Level;
use countersign_session::report::describe_row;
use countersign_session::{DecisionLine, FindingLine, Notice, Observer};
use serde::Serialize;

use crate::dead_letters::DeadLetters;
use crate::decisions::DecidedFinding;
use crate::findings;
use crate::interrupt::{self, Interrupt};
use crate::out::Out;
use crate::progress::Progress;
use crate::stderr;
use crate::text;

/// So many findings are collected before they are printed by identity.
const MAX_FINDINGS: usize = 2_000;

/// So many notices are printed for people one by one; the figures at the end count them all.
const MAX_NOTICES: u64 = 20;

/// A line with the number of its audit record.
#[derive(Serialize)]
struct Numbered<'a, L> {
    #[serde(flatten)]
    line: &'a L,
    seq: u64,
}

/// Reports a run.
pub(super) struct Reporter<'a> {
    out: &'a mut Out,
    progress: &'a Progress,
    dead_letters: &'a mut DeadLetters,
    json: bool,
    /// Whether the run goes on when standard output is closed.
    keep_on: bool,
    /// Whether a later run goes on where this one ends.
    resumable: bool,
    interrupt: &'a Interrupt,
    findings: Vec<DecidedFinding>,
    notices: u64,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(
        out: &'a mut Out,
        progress: &'a Progress,
        json: bool,
        (keep_on, resumable): (bool, bool),
        dead_letters: &'a mut DeadLetters,
        interrupt: &'a Interrupt,
    ) -> Reporter<'a> {
        Reporter { out, progress, dead_letters, json, keep_on, resumable, interrupt, findings: Vec::new(), notices: 0 }
    }

    /// Prints what waits.
    ///
    /// # Errors
    /// When it can't be printed.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if self.notices > MAX_NOTICES {
            let more = text::number(self.notices - MAX_NOTICES);
            stderr::warning(format_args!("{more} more about rules: `--json` and the audit file have them all"));
        }
        self.print_findings()
    }

    fn print_findings(&mut self) -> io::Result<()> {
        let collected = std::mem::take(&mut self.findings);
        self.progress.aside(|| {
            findings::print(self.out, &collected)?;
            self.out.flush_on_terminal()
        })
    }

    /// Ends the run where nothing reads the output and nothing else comes of the run.
    fn go_on(&self) -> io::Result<()> {
        if self.out.is_closed() && !self.keep_on { Err(ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }

    fn print_notice(&mut self, notice: &Notice) {
        self.notices += 1;
        if self.notices > MAX_NOTICES {
            return;
        }
        self.progress.aside(|| match notice {
            Notice::RowSetAside { rule, occasion, event_id, failure, message } => stderr::warning(format_args!(
                "`{rule}` failed on {}, which is set aside for it: {}: {}",
                text::line(&describe_row(occasion, event_id)),
                failure.id(),
                text::line(message)
            )),
            Notice::Host { message, .. } | Notice::Source { message, .. } | Notice::Log { message } => {
                stderr::error(text::line(message))
            }
            Notice::Diagnostic { rule, occasion, event_id, level, message } => {
                let row = text::line(&describe_row(occasion, event_id));
                let text = format!("`{rule}` on {row}: {}", text::line(message));
                if *level >= Level::Warning { stderr::warning(text) } else { stderr::note(text) }
            }
        });
    }
}

impl Observer for Reporter<'_> {
    fn finding(&mut self, seq: u64, line: &FindingLine) -> io::Result<()> {
        // For people a finding is printed with its decisions.
        if self.json {
            self.out.json(&Numbered { line, seq })?;
        }
        self.go_on()
    }

    fn decision(&mut self, seq: u64, line: &DecisionLine) -> io::Result<()> {
        if self.json {
            self.out.json(&Numbered { line, seq })?;
        } else {
            // All decisions about a finding stay together.
            if self.findings.len() > MAX_FINDINGS {
                let last = self.findings.pop();
                self.print_findings()?;
                self.findings.extend(last);
            }
            DecidedFinding::add(&mut self.findings, line.clone());
        }
        self.go_on()
    }

    fn dead_letter(&mut self, seq: u64, letter: &DeadLetter) -> io::Result<()> {
        self.dead_letters.add(letter, Some(seq))?;
        if self.json {
            self.out.json(&self.dead_letters.line(letter, Some(seq)))?;
        }
        self.go_on()
    }

    fn notice(&mut self, seq: u64, notice: &Notice) -> io::Result<()> {
        if self.json {
            self.out.json(&Numbered { line: notice, seq })?;
        } else {
            self.print_notice(notice);
        }
        self.go_on()
    }

    fn received(&mut self) -> io::Result<()> {
        // Only what a later session doesn't report again has to be out of this process's hands.
        if !self.resumable {
            return Ok(());
        }
        self.print_findings()?;
        self.out.flush()?;
        self.dead_letters.sync()
    }

    fn progress(&mut self, records: u64) -> io::Result<()> {
        self.progress.message(format!("{} records", text::number(records)));
        if self.interrupt.came() { Err(interrupt::error()) } else { Ok(()) }
    }
}
