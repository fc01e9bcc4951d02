//! The JSON Schema of `countersign.toml` in `docs/schemas`, held against its reader. `UPDATE_EXPECT=1` writes it anew.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy takes for other code"
)]

#[path = "../../../document/tests/support/schema.rs"]
mod schema;

use countersign_configuration::{
    Change, Configuration, LogFormat, LogLevel, MAX_BATCH, MAX_WORKERS, Overrides, TABLES, Written, keys,
};
use countersign_document::Diagnostic;
use schema::{Form, Schema, described, document, table, text, words};
use serde_json::{Map, Value, json};

/// The form of a key's value.
fn value(table: &str, name: &str) -> Value {
    let flag = json!({ "type": "boolean" });
    let size = json!({ "type": "string", "examples": ["512MiB", "10GiB"] });
    let duration = json!({ "type": "string", "examples": ["15m", "24h", "30d"] });
    let integer = |max: u32| json!({ "type": "integer", "minimum": 1, "maximum": max });
    let paths = json!({ "type": "array", "items": text(), "maxItems": 64, "uniqueItems": true });
    match (table, name) {
        ("files", "rules" | "geo") => paths,
        ("files", "shipped-rules") | ("reload", "watch" | "partial") => flag,
        ("", "state") | ("files", _) | ("judge", "audit-key") | ("api", "socket" | "certificate" | "key") => text(),
        ("recorder", "max-bytes") => size,
        ("recorder" | "audit", "keep") | ("judge", "max-gap") | ("reload", "trial" | "shadow") => duration,
        ("sources", "lag") => duration,
        ("sources", "fall") => integer(50),
        ("sources", "fall-from") => integer(1_000_000),
        ("judge", "workers") => integer(MAX_WORKERS),
        ("judge", "batch") => integer(MAX_BATCH),
        ("api", "listen") => json!({ "type": "string", "examples": ["127.0.0.1:8443"] }),
        ("reload", _) => words(Change::IDS.iter().copied()),
        ("log", "format") => words(LogFormat::IDS.iter().copied()),
        ("log", "level") => words(LogLevel::IDS.iter().copied()),
        _ => panic!("no form of `{table}.{name}`"),
    }
}

/// The keys of a table.
fn values(of: &str) -> Map<String, Value> {
    let keys = keys().into_iter().filter(|key| key.table == of);
    keys.map(|key| (key.name.to_owned(), described(value(of, key.name), key.about))).collect()
}

fn configuration() -> Value {
    let mut properties = values("");
    properties.insert("version".into(), json!({ "const": 1, "description": "The version of the file's grammar" }));
    for (name, about) in TABLES.iter().filter(|(name, _)| !name.is_empty()) {
        let mut schema = described(table(&[], values(name).into()), about);
        if *name == "api" {
            // The key may be in the environment, and the address in an option: the reader has the last word.
            schema["dependentRequired"] = json!({
                "listen": ["certificate", "key"],
                "certificate": ["listen", "key"],
                "key": ["listen", "certificate"],
            });
        }
        properties.insert((*name).into(), schema);
    }
    document("countersign", "Countersign's configuration", table(&["version"], properties.into()))
}

fn read(text: &str) -> Result<(), Vec<Diagnostic>> {
    let written = Written { name: "countersign.toml", folder: "".as_ref(), text };
    let read = Configuration::read(Some(written), &Overrides::default(), &|_| None);
    read.map(drop).map_err(|faults| faults.diagnostics)
}

#[test]
fn the_schema_accepts_what_the_reader_does() {
    let schema = Schema::check_file("countersign", configuration());
    let form = Form::new(&schema, &read);
    // Without the shipped rules there have to be others.
    form.check(include_str!("complete.toml"), &["files.rules"]);
    form.covers(&[include_str!("complete.toml")]);
}
