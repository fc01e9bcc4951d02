//! `countersign audit rekey`: another key signs a host's log.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use countersign_api::Socket;
use countersign_daemon::{has_host, key_of, rekey};

use crate::configuration::ConfigurationArguments;
use crate::exit::{Exit, unusable};
use crate::out::Out;
use crate::run::now;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign audit rekey --state /var/lib/countersign
      with a new key; the one before stays beside it as host.key.old and vouches for the new one
  countersign audit rekey --state /var/lib/countersign --old /mnt/safe/host.key
      host.key was lost or is another already, and there is a copy of the one before

The change is on record: a checkpoint says which key took whose place. Where the key before is there, that
checkpoint has its signature too, and `audit verify` with that key alone believes the new one. Where it is
lost, `audit verify` needs both: `--key OLD --key NEW`. The host must not run meanwhile.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    configuration: ConfigurationArguments,
    /// A copy of the key that signed so far, where it isn't in host.key
    #[arg(long, value_name = "FILE")]
    old: Option<PathBuf>,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        if !self.configuration.names_a_state() {
            return Err(unusable("expected `--config FILE` or `--state DIR`, got neither"));
        }
        let configuration = self.configuration.read()?;
        let state = &configuration.state.value;
        if !has_host(state) {
            return Err(unusable(format_args!("expected the state folder of a host, got `{}`", text::path(state))));
        }
        // No host runs, and none starts meanwhile.
        let _claimed = Socket::claim(&configuration.api.socket.value).map_err(unusable)?;
        let key = rekey(state, self.old.as_deref(), now())?;
        writeln!(out, "`{}` signs from here on: {key}", text::path(&key_of(state)))?;
        Ok(Exit::Done)
    }
}
