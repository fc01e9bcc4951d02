//! The files of a new configuration: `countersign.toml` with every key, the operator's files, and a systemd unit. What ships
//! is written out as it is, so that it can be changed.

use countersign_policy::{DEFAULT_POLICY, DEFAULT_TRUST};

use crate::configuration::Configuration;
use crate::key::TABLES;
use crate::overrides::Overrides;
use crate::shown::Shown;

/// The file of the configuration.
pub const CONFIGURATION: &str = "countersign.toml";

/// The folder of rules.
pub const RULES: &str = "rules";

/// The systemd unit.
pub const UNIT: &str = "countersign.service";

/// The folder from which the unit serves.
pub const UNIT_FOLDER: &str = "/etc/countersign";

/// What the host keeps, where the unit serves.
const UNIT_STATE: &str = "/var/lib/countersign";

/// Maximum width of a comment.
const MAX_COLUMNS: usize = 120;

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Its name in the folder.
    pub name: &'static str,
    /// Its text.
    pub text: String,
}

/// Every file, in the order of writing: the configuration after those that it names. Beside them the folder [`RULES`] is made.
/// What the host keeps goes below the folder, but where that is the unit's: there it goes to systemd's state folder.
#[must_use]
pub fn files(for_unit: bool) -> Vec<NewFile> {
    vec![
        NewFile { name: "policy.toml", text: format!("{}{DEFAULT_POLICY}", include_str!("../data/policy.toml")) },
        NewFile { name: "identities.toml", text: include_str!("../data/identities.toml").to_owned() },
        NewFile { name: "trust.toml", text: format!("{DEFAULT_TRUST}{}", include_str!("../data/trust.toml")) },
        NewFile { name: "sources.toml", text: include_str!("../data/sources.toml").to_owned() },
        NewFile { name: CONFIGURATION, text: configuration(if for_unit { UNIT_STATE } else { "state" }) },
        NewFile { name: UNIT, text: include_str!("../data/countersign.service").to_owned() },
    ]
}

/// The keys that are set, with their values as TOML; all others are comments with what holds without them.
const SET: &[(&str, &str)] = &[
    ("files.rules", "[\"rules\"]"),
    ("files.trust", "\"trust.toml\""),
    ("files.policy", "\"policy.toml\""),
    ("files.identities", "\"identities.toml\""),
    ("files.sources", "\"sources.toml\""),
];

fn configuration(state: &str) -> String {
    let mut text = include_str!("../data/countersign.toml").to_owned();
    let overrides = Overrides { state: Some(state.into()), ..Overrides::default() };
    let defaults = Configuration::read_all(None, &overrides, &|_| None).0.shown();
    for (table, about) in TABLES {
        if !table.is_empty() {
            text.push_str(&format!("\n{}[{table}]\n", comment(about)));
        }
        for Shown { key, value, .. } in defaults.iter().filter(|shown| shown.key.table == *table) {
            let place = key.place();
            let set = SET.iter().find(|(known, _)| *known == place).map(|(_, value)| *value);
            // JSON's texts, numbers, flags and lists of texts are TOML.
            let value = if value.is_null() { key.example.to_owned() } else { value.to_string() };
            let mark = if set.is_some() || place == "state" { "" } else { "# " };
            let about = key.about.trim_end_matches('.');
            let without = match key.unset {
                "" | "none" => String::new(),
                unset => format!(" [without it: {unset}]"),
            };
            text.push_str(&comment(&format!("{about}.{without}")));
            text.push_str(&format!("{mark}{} = {}\n", key.name, set.unwrap_or(&value)));
        }
    }
    text
}

/// Lines of a comment.
fn comment(text: &str) -> String {
    let mut lines = String::from("#");
    let mut used = 1;
    for word in text.split(' ') {
        if used + 1 + word.len() > MAX_COLUMNS {
            lines.push_str("\n#");
            used = 1;
        }
        lines.push(' ');
        lines.push_str(word);
        used += 1 + word.len();
    }
    lines.push('\n');
    lines
}

#[cfg(test)]
#[path = "../tests/unit/init.rs"]
mod tests;
