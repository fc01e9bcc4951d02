//! Declarations made by hand.

use countersign_declaration::{Declaration, parse_toml};

/// A detection rule's declaration: of API activity by actor, with one field, unless `keys` has other values. `tables`
/// follows the keys.
#[must_use]
pub fn declaration(keys: &str, tables: &str) -> Declaration {
    let with_default = |key: &str, default: &str| {
        if keys.lines().any(|line| line.split('=').next().is_some_and(|given| given.trim() == key)) {
            String::new()
        } else {
            format!("{key} = {default}\n")
        }
    };
    let defaults = [
        ("id", "\"example/rule\""),
        ("identity-types", "[\"human\"]"),
        ("signal-classes", "[\"token\"]"),
        ("event-classes", "[\"api-activity\"]"),
        ("fields", "[\"api.operation\"]"),
        ("partition-key", "\"actor\""),
        ("techniques", "[\"T1078\"]"),
    ];
    let defaults = defaults.map(|(key, default)| with_default(key, default)).concat();
    let text = format!(
        "version = \"1.0.0\"\nkind = \"detection\"\ndescription = \"For a test.\"\nconfidence-floor = 50\n\
         actions = [\"notify\"]\n{defaults}{keys}\n{tables}"
    );
    parse_toml(&text).unwrap_or_else(|reasons| panic!("{reasons:#?}\n{text}"))
}

/// A slot of a declaration.
#[must_use]
pub fn slot(name: &str) -> String {
    format!(
        "[[slot]]\nname = \"{name}\"\nversion = 3\nmax-bytes = 4\nmax-keys = 10\nkept-references = 2\nttl = \"10m\"\n"
    )
}
