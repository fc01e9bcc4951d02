//! `countersign findings`: what a host's rules found.

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use crate::exit::Exit;
use crate::out::Out;
use crate::table::Cell;

use super::{Listing, LogArguments, number, shown};

const EXAMPLES: &str = "\
Examples:
  countersign findings --config conf/countersign.toml --since 24h
  countersign findings --state /var/lib/countersign --follow --json | jq -c '{rule, account, event_time}'
      as they are committed, for other programs

Findings are listed oldest first, by the numbers that `countersign audit show` takes. Where no host serves, they
are those of its store. With --follow a host that restarts is waited for; nothing is left out and nothing
listed twice. Ctrl-C ends it (130).
";

const LISTING: Listing = Listing {
    r#type: "finding",
    endpoint: "/v1/findings",
    titles: &["number", "time", "account", "rule", "class", "severity", "confidence"],
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
    let account = shown(record, &["/account"]);
    vec![
        record.pointer("/seq").and_then(Value::as_u64).unwrap_or_default().into(),
        shown(record, &["/event_time"]).into(),
        (if account.is_empty() { "unresolved" } else { account }).into(),
        shown(record, &["/rule"]).into(),
        shown(record, &["/signal_class"]).into(),
        shown(record, &["/severity"]).into(),
        number(record, "/confidence").into(),
    ]
}
