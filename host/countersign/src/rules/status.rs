//! `countersign rules status`: the rules of a host: what serves, what they keep, and what is held back from them.

use anyhow::Result;
use clap::Args;
use countersign_configuration::Configuration;
use countersign_daemon::{rules_of_store, store_of};
use serde_json::Value;

use crate::exit::{Exit, unusable};
use crate::live::ListArguments;
use crate::out::Out;
use crate::stderr;
use crate::table::Table;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  countersign rules status --config conf/countersign.toml
  countersign rules status --state /var/lib/countersign --json | jq 'select(.holds != [])'
      rules that aren't called for some rows for a while

Where no host serves, it is what the store remembers.
";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    list: ListArguments,
}

impl Arguments {
    pub(super) fn run(self, out: &mut Out) -> Result<Exit> {
        self.list.list(out, "/v1/rules", Some(left_behind), table)
    }
}

/// What is known of them where no host serves.
fn left_behind(configuration: &Configuration) -> Result<Vec<Value>> {
    let store = store_of(&configuration.state.value);
    let rules = rules_of_store(&store).map_err(unusable)?;
    stderr::note(format_args!("no host serves: this is what `{}` remembers", text::path(&store)));
    Ok(rules.iter().map(serde_json::to_value).collect::<Result<_, _>>()?)
}

fn table(out: &Out, rules: &[Value]) -> Table {
    let titles =
        ["rule", "kind", "version", "proof", "keys", "state", "rows", "findings", "fuel", "time", "what to know"];
    let mut table = Table::new(out, titles).right(4).right(5).right(6).right(7).right(8).right(9);
    for rule in rules {
        let shown = |pointer: &str| rule.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let number = |key: &str| rule.get(key).and_then(Value::as_u64).unwrap_or_default();
        table.row([
            shown("/rule").into(),
            shown("/serves/kind").into(),
            shown("/serves/version").into(),
            shown("/serves/proof").into(),
            text::number(number("keys")).into(),
            text::size(number("bytes")).into(),
            text::number(number("delivered")).into(),
            text::number(number("findings")).into(),
            share(rule, "/used/fuel_share").into(),
            share(rule, "/used/time_share").into(),
            notes(rule).into(),
        ]);
    }
    table
}

/// A share that is given in thousandths.
fn share(rule: &Value, pointer: &str) -> String {
    let share = rule.pointer(pointer).and_then(Value::as_u64);
    share.map(|share| format!("{}.{} %", share / 10, share % 10)).unwrap_or_default()
}

/// What a person has to know of a rule.
fn notes(rule: &Value) -> String {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut notes = Vec::new();
    let (component, on_disk) = (rule.pointer("/serves/component"), rule.pointer("/serves/on_disk"));
    if rule.pointer("/serves/file").is_some_and(Value::is_string) && component != on_disk {
        let now = if on_disk.is_some_and(Value::is_string) { "has other content now" } else { "can't be read now" };
        notes.push(format!("its file {now}"));
    }
    for hold in rule.get("holds").and_then(Value::as_array).into_iter().flatten() {
        let of = hold.get("party").and_then(Value::as_str).map(|party| format!(" of {party}")).unwrap_or_default();
        notes.push(format!("held for `{}`{of} until {}", text(hold, "source"), text(hold, "until")));
    }
    let nothing = |key: &str| rule.get(key).and_then(Value::as_u64) == Some(0);
    if rule.pointer("/serves/kind").and_then(Value::as_str) == Some("detection")
        && nothing("delivered")
        && nothing("held")
    {
        notes.push("no row has passed its filters".to_owned());
    }
    if let Some(last) = rule.get("last_finding").and_then(Value::as_str) {
        notes.push(format!("found something at {last}"));
    }
    if rule.get("absent_since").is_some_and(Value::is_string) {
        notes.push(format!("gone since {}", text(rule, "absent_since")));
    }
    notes.join("; ")
}
