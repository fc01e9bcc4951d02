//! `countersign token list`: the tokens, without what is secret.

use anyhow::Result;
use clap::Args;
use countersign_api::ListedToken;
use countersign_configuration::Configuration;
use serde_json::Value;

use crate::exit::{Exit, unusable};
use crate::live::ListArguments;
use crate::out::Out;
use crate::table::Table;
use crate::text;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    list: ListArguments,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        self.list.list(out, "/v1/tokens", Some(left_behind), table)
    }
}

fn left_behind(configuration: &Configuration) -> Result<Vec<Value>> {
    let tokens = super::left_behind(configuration)?;
    let listed = tokens.list().map_err(unusable)?;
    let now = tokens.now();
    Ok(listed.iter().map(|token| serde_json::to_value(ListedToken::of(token, now))).collect::<Result<_, _>>()?)
}

fn table(out: &Out, tokens: &[Value]) -> Table {
    let mut table = Table::new(out, ["token", "for", "source", "made", "valid until", "state"]);
    for token in tokens {
        let shown = |key: &str| {
            let text = token.get(key).and_then(Value::as_str).unwrap_or_default();
            text::line(text).to_string()
        };
        let is_expired = token.get("expired").and_then(Value::as_bool).unwrap_or(false);
        table.row([
            shown("id").into(),
            shown("scope").into(),
            shown("source").into(),
            shown("created").into(),
            shown("expires").into(),
            if is_expired { "expired" } else { "valid" }.into(),
        ]);
    }
    table
}
