//! `countersign dead-letters`: what of a host's records can't be used.

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use crate::exit::Exit;
use crate::out::Out;
use crate::table::Cell;

use super::{Listing, LogArguments, number, shown};

const EXAMPLES: &str = "\
Examples:
  countersign dead-letters --config conf/countersign.toml
  countersign dead-letters --state /var/lib/countersign --json | jq -r .code | sort | uniq -c
      why, and how often

Each is a record that came, and that no rule was given: its place among the records of its source, how long it
is, and why it can't be used. Where no host serves, they are those of its store.
";

const LISTING: Listing = Listing {
    r#type: "dead-letter",
    endpoint: "/v1/dead-letters",
    titles: &["number", "input", "record", "bytes", "code", "why"],
    row,
};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    log: LogArguments,
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        self.log.list(out, &LISTING, None)
    }
}

fn row(record: &Value) -> Vec<Cell> {
    vec![
        record.pointer("/seq").and_then(Value::as_u64).unwrap_or_default().into(),
        number(record, "/input").into(),
        number(record, "/ordinal").into(),
        number(record, "/length").into(),
        shown(record, &["/code"]).into(),
        shown(record, &["/reason"]).into(),
    ]
}
