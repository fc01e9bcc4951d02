//! `countersign audit checkpoint`: the last checkpoint that a host signed.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use countersign_daemon::store_of;

use crate::configuration::ConfigurationArguments;
use crate::exit::{Exit, unusable};
use crate::out::Out;
use crate::storage::{open_store, store_error};
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign audit checkpoint --state /var/lib/countersign > last.json
      to be kept where whoever can change the log can't change it
  countersign audit verify /var/lib/countersign/store.db --key host.pub --checkpoint last.json
      the log goes on from there: no older copy was put back

It is printed as it was signed, a DSSE envelope (see docs/reference/audit.md). The exit code is 1 if nothing
was signed yet.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    configuration: ConfigurationArguments,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        if !self.configuration.names_a_state() {
            return Err(unusable("expected `--config FILE` or `--state DIR`, got neither"));
        }
        let path = store_of(&self.configuration.read()?.state.value);
        let last = open_store(&path)?.last_checkpoint().map_err(store_error)?;
        let path = text::path(&path);
        let last = last
            .ok_or_else(|| anyhow::anyhow!("expected a log in `{path}` that its host has signed, got one without"))?;
        out.write_all(&last.envelope)?;
        writeln!(out)?;
        Ok(Exit::Done)
    }
}
