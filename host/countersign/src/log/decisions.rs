//! `countersign decisions`: what a host decided.

use anyhow::Result;
use clap::Args;
use countersign_model::DecisionKind;
use countersign_model::vocabulary::Action;
use serde_json::Value;

use crate::decisions;
use crate::exit::Exit;
use crate::out::Out;
use crate::table::{Cell, toned};

use super::{Listing, LogArguments, number, shown};

const EXAMPLES: &str = "\
Examples:
  countersign decisions --config conf/countersign.toml --decision await-approval
  countersign decisions --state /var/lib/countersign --follow --json | jq -c '.decision'
      as they are committed, for other programs

Decisions are listed oldest first, by the numbers that `countersign audit show` takes. Where no host serves,
they are those of its store. With --follow a host that restarts is waited for; nothing is left out and nothing
listed twice. Ctrl-C ends it (130).
";

const LISTING: Listing = Listing {
    r#type: "decision",
    endpoint: "/v1/decisions",
    titles: &["number", "time", "account", "rule", "requested", "decision", "confidence"],
    row,
};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// List only these decisions: execute, await-approval, downgrade, suppress or deny
    #[arg(long, value_name = "KIND")]
    decision: Option<DecisionKind>,
    #[command(flatten)]
    log: LogArguments,
}

impl Arguments {
    pub(crate) fn run(self, out: &mut Out) -> Result<Exit> {
        self.log.list(out, &LISTING, self.decision)
    }
}

fn row(record: &Value) -> Vec<Cell> {
    let account = shown(record, &["/decision/account"]);
    let action = |pointer| shown(record, &[pointer]).parse::<Action>().ok();
    let (requested, granted) = (action("/decision/requested_action"), action("/decision/action"));
    let decided = match shown(record, &["/decision/kind"]).parse::<DecisionKind>() {
        Ok(kind) => toned(decisions::tone(kind), &decisions::decided(kind, requested, granted)),
        Err(_) => shown(record, &["/decision/kind"]).into(),
    };
    vec![
        record.pointer("/seq").and_then(Value::as_u64).unwrap_or_default().into(),
        shown(record, &["/event_time"]).into(),
        (if account.is_empty() { "unresolved" } else { account }).into(),
        shown(record, &["/rule/id"]).into(),
        decisions::requested(requested).into(),
        decided,
        number(record, "/decision/confidence").into(),
    ]
}
