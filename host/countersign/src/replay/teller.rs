//! Tells a run while it goes on: a table of decisions for people, or NDJSON.

use std::io::{self, ErrorKind, Write};

use countersign_formats::DeadLetter;
use countersign_model::call::Level;
use countersign_pipeline::report::describe_row;
use countersign_pipeline::{DecisionLine, Notice, Observer};

use crate::decisions::{self, Decided};
use crate::out::Out;
use crate::progress::Progress;
use crate::say;
use crate::table::{Cell, Table, Tone, toned};
use crate::text;

use super::dead_letters::DeadLetters;

/// The decisions about so many findings make a table: then it is printed and the next one begun.
const ROWS: usize = 500;

/// So many notices are told to people one by one; the figures at the end count them all.
const NOTICES: u64 = 20;

/// Tells a run.
pub(super) struct Teller<'a> {
    out: &'a mut Out,
    progress: &'a Progress,
    dead_letters: &'a mut DeadLetters,
    json: bool,
    /// Whether the run is worth ending even where nobody reads what is printed.
    keep_on: bool,
    decisions: Vec<Decided>,
    notices: u64,
}

impl<'a> Teller<'a> {
    pub(super) fn new(
        out: &'a mut Out,
        progress: &'a Progress,
        json: bool,
        keep_on: bool,
        dead_letters: &'a mut DeadLetters,
    ) -> Teller<'a> {
        Teller { out, progress, dead_letters, json, keep_on, decisions: Vec::new(), notices: 0 }
    }

    /// Prints what waits.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if self.notices > NOTICES {
            let more = text::number(self.notices - NOTICES);
            say::warning(format_args!("{more} more about rules: `--json` and the audit file have them all"));
        }
        self.print_decisions()
    }

    fn print_decisions(&mut self) -> io::Result<()> {
        if self.decisions.is_empty() {
            return Ok(());
        }
        let mut table = Table::new(self.out, ["when, and about whom", "finding, with its confidence", "decisions"]);
        for decided in self.decisions.drain(..) {
            table.row(row(&decided));
        }
        let text = table.text("");
        self.progress.aside(|| {
            write!(self.out, "{text}")?;
            if self.out.is_terminal() { self.out.flush() } else { Ok(()) }
        })
    }

    /// Goes on, unless nobody reads what is printed and nothing else comes of the run.
    fn go_on(&self) -> io::Result<()> {
        if self.out.is_closed() && !self.keep_on { Err(ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }

    fn say(&mut self, notice: &Notice) {
        self.notices += 1;
        if self.notices > NOTICES {
            return;
        }
        self.progress.aside(|| match notice {
            Notice::RowSetAside { rule, occasion, event_id, failure, message } => say::warning(format_args!(
                "`{rule}` failed on {}, which is set aside for it: {}: {message}",
                describe_row(occasion, event_id),
                failure.id()
            )),
            Notice::Host { message, .. } => say::error(message),
            Notice::Diagnostic { rule, occasion, event_id, level, message } => {
                let text = format!("`{rule}` on {}: {message}", describe_row(occasion, event_id));
                if *level >= Level::Warning { say::warning(text) } else { say::note(text) }
            }
        });
    }
}

impl Observer for Teller<'_> {
    fn decision(&mut self, line: &DecisionLine) -> io::Result<()> {
        if self.json {
            self.out.json(line)?;
        } else {
            // What is about one finding stays together.
            if self.decisions.len() > ROWS {
                let last = self.decisions.pop();
                self.print_decisions()?;
                self.decisions.extend(last);
            }
            Decided::add(&mut self.decisions, line.clone());
        }
        self.go_on()
    }

    fn dead_letter(&mut self, letter: &DeadLetter) -> io::Result<()> {
        self.dead_letters.take(letter)?;
        if self.json {
            self.out.json(&self.dead_letters.line(letter))?;
        }
        self.go_on()
    }

    fn notice(&mut self, notice: &Notice) -> io::Result<()> {
        if self.json {
            self.out.json(notice)?;
        } else {
            self.say(notice);
        }
        self.go_on()
    }

    fn progress(&mut self, records: u64) {
        self.progress.message(format!("{} records", text::number(records)));
    }
}

fn row(decided: &Decided) -> [Cell; 3] {
    let finding = decided.finding();
    let mut verdicts = Vec::new();
    for line in decided.acts() {
        let verdict = toned(decisions::tone(line.decision), &decisions::decided(line));
        verdicts.push(Cell::from(format_args!("{} → ", decisions::asked(line))).and(verdict));
        verdicts.push(toned(Tone::Faint, &format!("  {}", decisions::codes(&decisions::deciding(line)))));
    }
    let told = decided.told();
    if !told.is_empty() {
        verdicts.push(toned(Tone::Faint, &told));
    }
    // Keeps findings apart.
    verdicts.push("".into());
    let identity = finding.identity.as_deref().unwrap_or("unresolved");
    [
        Cell::lines([
            finding.event_time.into(),
            identity.into(),
            toned(Tone::Faint, &format!("{}, {}, {}", finding.identity_type, finding.tier, finding.usage)),
        ]),
        Cell::lines([
            format!("{} {}", decisions::rule(&finding.rule), finding.confidence).into(),
            toned(Tone::Faint, &finding.message),
        ]),
        Cell::lines(verdicts),
    ]
}
