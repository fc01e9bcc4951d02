//! `countersign reload`: has a host look at the files on disk now.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::configuration::ConfigurationArguments;
use crate::exit::Exit;
use crate::live::refused;

const EXAMPLES: &str = "\
Examples:
  countersign reload --config conf/countersign.toml

The same as SIGHUP, and as what a host with `reload.watch` does by itself once files have stood still for two
seconds: what `[reload]` has as `automatic` is applied if it lets nothing more happen and drops no protection.
Everything else waits for `countersign apply`; `countersign status` says what, and why.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    configuration: ConfigurationArguments,
}

impl Arguments {
    pub(crate) fn run(self) -> Result<Exit> {
        match self.configuration.client()?.post::<Value>("/v1/reload", &json!({})) {
            Ok(_) => Ok(Exit::Done),
            Err(error) => refused(error),
        }
    }
}
