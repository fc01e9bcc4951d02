//! `countersign apply`: has the files on disk serve.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use countersign_api::NeedsRestart;
use serde::{Deserialize, Serialize};

use crate::configuration::ConfigurationArguments;
use crate::exit::Exit;
use crate::out::Out;
use crate::stderr;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign apply --config conf/countersign.toml --reason 'rules of November'
  countersign apply --state /var/lib/countersign --digest 3f0c…
      only if the files are those with this digest, which `countersign plan` shows

The host reads all files again. They serve from the next batch on, with the state that rules have; or, if
anything is wrong with them, the generation that serves goes on and all reasons are printed.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    configuration: ConfigurationArguments,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Apply only files with this digest
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Change {
    reason: Option<String>,
    digest: Option<String>,
}

/// What the host answers.
#[derive(Serialize, Deserialize)]
pub(crate) struct Applied {
    /// The number of the generation.
    pub(crate) generation: u64,
    /// The digest of what it is made of.
    pub(crate) digest: String,
    /// Of a rollback: what rules go on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
    /// What of the configuration on disk only a restart brings about.
    #[serde(default)]
    pub(crate) restart: NeedsRestart,
    /// Sources of which the host reads nothing, each with what to write.
    #[serde(default)]
    pub(crate) unread: Vec<String>,
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        let client = self.configuration.client()?;
        let change = Change { reason: self.reason, digest: self.digest };
        match client.post::<Applied>("/v1/apply", &change) {
            Ok(applied) => print(out, &applied, self.json),
            Err(error) => Err(self.configuration.refused(&error)),
        }
    }
}

/// Prints which generation serves.
pub(crate) fn print(out: &mut Out, applied: &Applied, json: bool) -> Result<Exit> {
    if json {
        out.json(applied)?;
    } else {
        let digest = text::line(&applied.digest);
        writeln!(out, "generation {} serves from the next batch on: {digest}", applied.generation)?;
        if let Some(state) = &applied.state {
            writeln!(out, "{}", text::line(state))?;
        }
        out.flush()?;
        applied.unread.iter().for_each(stderr::warning);
        applied.restart.lines().iter().for_each(stderr::warning);
    }
    Ok(Exit::Done)
}
