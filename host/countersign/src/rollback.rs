//! `countersign rollback`: has an earlier generation serve again.

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::apply::{Applied, print};
use crate::configuration::ConfigurationArguments;
use crate::exit::Exit;
use crate::out::Out;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    configuration: ConfigurationArguments,
    /// The number of the generation, as `countersign generations` shows it; another one is refused with those that there are
    #[arg(value_name = "GENERATION")]
    generation: u64,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Have rules go on at once from what there is, instead of what they had when the generation served, caught up with
    /// what came since
    #[arg(long)]
    at_once: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Change {
    generation: u64,
    reason: Option<String>,
    at_once: bool,
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        let client = self.configuration.client()?;
        let change = Change { generation: self.generation, reason: self.reason, at_once: self.at_once };
        match client.post::<Applied>("/v1/rollback", &change) {
            Ok(applied) => print(out, &applied, self.json),
            Err(error) => Err(self.configuration.refused(&error)),
        }
    }
}
