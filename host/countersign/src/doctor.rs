//! `countersign doctor`: looks for what is wrong with a host, its files and its machine, and says what to do. Nothing is
//! changed. `machine` looks at folders, disk and limits, `kept` at what the host keeps, `served` at the host itself.

mod kept;
mod machine;
mod served;

use std::io::Write;

use anyhow::Result;
use clap::Args;
use countersign_model::vocabulary::text_ids;
use serde::Serialize;

use crate::config::check::look;
use crate::configuration::ConfigurationArguments;
use crate::exit::{Exit, unusable};
use crate::out::Out;
use crate::progress::Progress;
use crate::run::now;
use crate::table::{Table, Tone, toned};
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign doctor --config conf/countersign.toml
  countersign doctor --state /var/lib/countersign --json | jq 'select(.state == \"bad\")'

Looks at the configuration and the files that it names, who may read what the host keeps, disk and limits,
whether both databases are whole, the audit log's chain and checkpoints, the host's key, whether the
recorder has all that is to be judged, clocks, sources, and the host if one serves. It reads all of the
audit log. Nothing is changed, and no secret is printed.

The exit code is 1 if something is bad; what needs attention alone gives 0.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    configuration: ConfigurationArguments,
    /// Print NDJSON (see docs/reference/json.md)
    #[arg(long)]
    json: bool,
}

text_ids! {
    /// How something is.
    pub(crate) enum Condition {
        /// As it should be.
        Good = "good",
        /// Something to look at.
        Care = "care",
        /// Something to mend.
        Bad = "bad",
    }
}

/// What was looked at.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "doctor")]
struct Finding {
    /// What it is, such as `free space`.
    what: &'static str,
    /// How it is.
    state: &'static str,
    /// What there is.
    found: String,
    /// What to do.
    advice: Option<String>,
}

/// What was looked at so far.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, what: &'static str, condition: Condition, found: impl ToString, advice: Option<String>) {
        self.0.push(Finding { what, state: condition.id(), found: found.to_string(), advice });
    }

    fn good(&mut self, what: &'static str, found: impl ToString) {
        self.add(what, Condition::Good, found, None);
    }

    fn care(&mut self, what: &'static str, found: impl ToString, advice: &str) {
        self.add(what, Condition::Care, found, Some(advice.to_owned()));
    }

    fn bad(&mut self, what: &'static str, found: impl ToString, advice: &str) {
        self.add(what, Condition::Bad, found, Some(advice.to_owned()));
    }
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        if !self.configuration.names_a_state() {
            return Err(unusable("expected `--config FILE` or `--state DIR`, got neither"));
        }
        let (configuration, read) = look(&self.configuration)?;
        let mut found = Findings::default();
        match read.faults.len() {
            0 => found.good("configuration", format_args!("{} read", text::count(read.rows.len() as u64, "file"))),
            _ => read.faults.iter().for_each(|fault| {
                found.bad("configuration", fault, "mend it; `countersign config check` shows all of it");
            }),
        }
        for note in &read.notes {
            found.care("configuration", note, "write that, then `countersign apply`");
        }
        let state = &configuration.state.value;
        let progress = Progress::waiting();
        progress.message("looking at the folder and the disk".to_owned());
        let is_there = machine::folder(state, &mut found);
        machine::limits(&mut found);
        if is_there {
            machine::disk(state, &mut found);
            progress.message("looking at what the host keeps".to_owned());
            kept::look(&configuration, now(), &mut found);
            served::look(&configuration, now(), &mut found);
        }
        progress.done();
        for advice in found.0.iter_mut().filter_map(|finding| finding.advice.as_mut()) {
            *advice = self.configuration.complete(advice);
        }
        let bad = found.0.iter().filter(|finding| finding.state == Condition::Bad.id()).count();
        if self.json {
            found.0.iter().try_for_each(|finding| out.json(finding))?;
        } else {
            print(out, &found)?;
        }
        Ok(Exit::unless(bad > 0))
    }
}

fn print(out: &mut Out, found: &Findings) -> Result<()> {
    let mut table = Table::new(out, ["what", "state", "found", "what to do"]);
    for Finding { what, state, found, advice } in &found.0 {
        let tone = match *state {
            "good" => Tone::Good,
            "care" => Tone::Care,
            _ => Tone::Bad,
        };
        table.row([what.into(), toned(tone, state), found.into(), advice.clone().unwrap_or_default().into()]);
    }
    Ok(write!(out, "{}", table.text(""))?)
}
