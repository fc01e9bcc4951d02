//! `countersign activity`: who used an account lately.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use countersign_api::{Client, ClientError};
use countersign_daemon::{activity_of, has_host, store_of};
use countersign_model::Account;
use serde_json::Value;

use crate::configuration::ConfigurationArguments;
use crate::exit::Exit;
use crate::log::{encoded, number, shown};
use crate::out::Out;
use crate::stderr;
use crate::storage::open_store;
use crate::table::Table;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign activity aws:111122223333:AIDACKCEVSQ6C2EXAMPLE --config conf/countersign.toml
      what would stop if that account couldn't be used any more
  countersign activity okta:org:00u1 --state /var/lib/countersign --json | jq '.days[-1]'

Uses are counted by day of event time, for 30 days, of what sources are bound to and the record proves to be
authenticated. A caller is the service that called on the account's behalf, else the client application, else the
program, as it names itself, with its network. Of a day at most 16 are told apart. Where no host serves, it is
what the store has.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The account: `provider:tenant:subject`
    #[arg(value_name = "ACCOUNT")]
    account: Account,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    configuration: ConfigurationArguments,
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        let configuration = self.configuration.find()?;
        let client = Client::new(&configuration.api.socket.value);
        let activity: Value = match client.get(&format!("/v1/activity?account={}", encoded(&self.account.to_string())))
        {
            Ok(activity) => activity,
            Err(ClientError::NoHost(_)) if has_host(&configuration.state.value) => {
                let path = store_of(&configuration.state.value);
                let store = open_store(&path)?;
                stderr::note(format_args!("no host serves: this is what `{}` has", text::path(&path)));
                serde_json::to_value(activity_of(&store, &self.account)?)?
            }
            Err(error) => return Err(self.configuration.refused(&error)),
        };
        if self.json {
            out.json(&activity)?;
            return Ok(Exit::Done);
        }
        let callers = activity.get("callers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if callers.is_empty() {
            writeln!(out, "nothing was seen of {} on the last 30 days", text::line(&self.account.to_string()))?;
            return Ok(Exit::Done);
        }
        let mut table = Table::new(out, ["caller", "uses", "days", "last"]).right(1).right(2);
        for caller in callers {
            table.row([
                shown(caller, &["/caller"]).into(),
                number(caller, "/count").into(),
                number(caller, "/days").into(),
                shown(caller, &["/last"]).into(),
            ]);
        }
        write!(out, "{}", table.text(""))?;
        Ok(Exit::Done)
    }
}
