//! `countersign rule test`: runs the cases of rules.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use countersign_author::{feeders, find_cases, run_case};
use countersign_build::{build_rule, ensure_target};
use countersign_declaration::Ceilings;
use countersign_engine::Engine;

use crate::exit::Exit;
use crate::loading::Loading;
use crate::out::Out;
use crate::progress::Progress;
use crate::stderr;
use crate::table::Tone;
use crate::text;

use super::build::{options, rule_folders};
use super::lookup::{beside, shipped};

const EXAMPLES: &str = "\
Examples:
  countersign rule test rules/
  countersign rule test rules/my-rule

Each rule is built, and each folder in its cases/ is run as telemetry is, in batches of 256, 1, 2 and
7, and with the events of unrelated keys in other orders: the findings must be the same, and a
difference names the batch or the order.
  cases/NAME/events.ndjson      raw records
  cases/NAME/identities.toml    the directory of identities, if it matters
  cases/NAME/expect.toml        every finding; none if the rule must stay quiet
Time advances with the events, and timers fire as it does; `until = \"2024-05-01T08:30:00Z\"` in
expect.toml advances it further after the last event. A finding of a timer is on the event that set it.
Rules whose findings feed the tested one run too: from the folders beside its own, else the shipped
ones. A response rule has incident.toml instead of records, and its proposals in expect.toml.

Building a folder runs its code (build scripts and macros, also of its dependencies) with your rights.
Variables that may hold credentials aren't passed on, and a Cargo.lock is kept to. With a source that
you don't trust, take its component.

The exit code is 1 if a case fails, a rule can't be built, or a rule has no case.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Rule folders (each with a rule.toml), or folders of them
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    loading: Loading,
}

/// The results.
#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
    /// Rules that couldn't be built or have no case.
    untested: u64,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        let rules = rule_folders(&self.paths)?;
        ensure_target()?;
        let engine = self.loading.engine(1, Ceilings::default().memory)?;
        let progress = Progress::steps(rules.len() as u64);
        let mut tally = Tally::default();
        for rule in &rules {
            test(out, &engine, rule, &progress, &mut tally)?;
            progress.step();
        }
        progress.done();
        let Tally { passed, failed, untested } = tally;
        let mut line = format!("{}: {passed} passed, {failed} failed", text::count(passed + failed, "case"));
        if untested > 0 {
            line.push_str(&format!("; {} not tested", text::count(untested, "rule")));
        }
        let refused = failed + untested > 0;
        writeln!(out, "{}", if refused { Tone::Bad } else { Tone::Good }.paint(line))?;
        Ok(Exit::unless(refused))
    }
}

fn test(out: &mut Out, engine: &Engine, rule: &Path, progress: &Progress, tally: &mut Tally) -> Result<()> {
    progress.message(format!("building {}", text::path(&rule)));
    let untested = |why: &dyn std::fmt::Display| progress.aside(|| stderr::error(why));
    let built = match build_rule(rule, &options()) {
        Ok(built) => built,
        Err(error) => {
            tally.untested += 1;
            untested(&error);
            return Ok(());
        }
    };
    let cases = match find_cases(rule) {
        Ok(cases) if !cases.is_empty() => cases,
        Ok(_) => {
            tally.untested += 1;
            untested(&format_args!("{}: expected at least one folder in `cases`, got none", text::path(&rule)));
            return Ok(());
        }
        Err(error) => {
            tally.untested += 1;
            untested(&format_args!("{}: {error}", rule.join("cases").display()));
            return Ok(());
        }
    };
    let id = &built.admitted.declaration().id;
    let feeders = feeders(engine.intake(), &built.bytes, &mut |id| beside(rule, id).or_else(|| shipped(id)));
    for case in cases {
        let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
        progress.message(format!("{id}: {name}"));
        let differences =
            run_case(engine, &built.bytes, &feeders, &case).unwrap_or_else(|error| vec![error.to_string()]);
        let passed = differences.is_empty();
        if passed {
            tally.passed += 1
        } else {
            tally.failed += 1
        }
        let verdict = if passed { Tone::Good.paint("passed") } else { Tone::Bad.paint("failed") };
        progress.aside(|| {
            writeln!(out, "{verdict}  {id}  {}", text::line(&name))?;
            for difference in &differences {
                writeln!(out, "        {}", text::message(difference).replace('\n', "\n        "))?;
            }
            out.flush_on_terminal()
        })?;
    }
    Ok(())
}
