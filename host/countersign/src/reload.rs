//! `countersign reload`: has a host look at the files on disk now.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use countersign_api::NeedsRestart;
use serde::Deserialize;
use serde_json::json;

use crate::configuration::ConfigurationArguments;
use crate::exit::Exit;
use crate::out::Out;
use crate::stderr;

const EXAMPLES: &str = "\
Examples:
  countersign reload --config conf/countersign.toml

The same as SIGHUP, and as what a host with `reload.watch` does by itself once files have stood still for two
seconds: what `[reload]` has as `automatic` is applied if it lets nothing more happen and drops no protection.
Everything else waits for `countersign apply`; `countersign status` says what, and why. Changes of the
configuration itself are told, and need a restart of the host.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    configuration: ConfigurationArguments,
}

/// What the host answers.
#[derive(Deserialize)]
struct Reloading {
    /// What of the configuration on disk only a restart brings about.
    #[serde(default)]
    restart: NeedsRestart,
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        let reloading = match self.configuration.client()?.post::<Reloading>("/v1/reload", &json!({})) {
            Ok(reloading) => reloading,
            Err(error) => return Err(self.configuration.refused(&error)),
        };
        let status = self.configuration.command("status");
        writeln!(out, "the host looks at the files now; what becomes of them:\n  {status}")?;
        out.flush()?;
        reloading.restart.lines().iter().for_each(stderr::warning);
        Ok(Exit::Done)
    }
}
