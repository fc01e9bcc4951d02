//! The JSON Schema of `sources.toml` in `docs/schemas`, held against its reader. `UPDATE_EXPECT=1` writes it anew.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy takes for other code"
)]

#[path = "../../../document/tests/support/schema.rs"]
mod schema;

use countersign_formats::FORMATS;
use countersign_formats::envelope::ENVELOPES;
use countersign_inputs::{SourceKind, Sources};
use countersign_model::vocabulary::ActionClass;
use schema::{Form, Schema, described, document, table, tables, words};
use serde_json::{Value, json};

fn sources() -> Value {
    let duration = || json!({ "type": "string", "examples": ["15m", "1h"] });
    let patterns = |example: &str| {
        let pattern = json!({ "type": "string", "minLength": 1, "examples": [example] });
        json!({ "type": "array", "items": pattern, "minItems": 1 })
    };
    let formats = FORMATS.iter().filter(|format| format.signs().is_some()).map(|format| format.name());
    let envelopes = ENVELOPES.iter().filter(|envelope| envelope.can_be_named()).map(|envelope| envelope.name);
    let classes = [ActionClass::Observe, ActionClass::Challenge, ActionClass::Contain];
    let mut source = table(
        &["name", "format", "tenants"],
        json!({
            "name": described(
                json!({ "type": "string", "pattern": "^[a-z][a-z0-9-]{0,63}$" }),
                "The source's name, unique; the `source` of its events",
            ),
            "format": words(formats),
            "tenants": described(
                patterns("aws:111122223333"),
                "The tenants that it speaks for: `provider:tenant`, `*` stands for any text",
            ),
            "highest-class": described(
                words(classes.iter().map(|class| class.id())),
                "The greatest class of action that it may lead to; `contain` if left out",
            ),
            "envelopes": described(
                json!({ "type": "array", "items": words(envelopes), "minItems": 1 }),
                "The envelopes whose text is believed, since nobody else writes into it",
            ),
            "time-zone": described(
                json!({ "type": "string", "examples": ["Europe/Berlin", "+02:00"] }),
                "The zone of local times in its records that name none",
            ),
            "lateness": described(
                duration(),
                "How late an event may be, up to a day; `15m` for CloudTrail, else `5m` if left out",
            ),
            "silence": described(duration(), "How long the others wait for it, up to a day; `5m` if left out"),
            "path": described(patterns("logs/trail/**"), "Patterns of paths of its inputs; kind `file` needs it"),
            "kind": described(
                words(SourceKind::IDS.iter().copied()),
                "How its records come to a host that runs; at most one is `stdin`",
            ),
            "expect-every": described(
                json!({ "type": "string", "examples": ["10m", "1h"] }),
                "The longest time without records before an alarm, a second to 30 days",
            ),
            "url": described(
                json!({ "type": "string", "pattern": "^https?://", "examples": ["https://acme.okta.com"] }),
                "The provider's address, of kinds `okta` and `directory` only, which need it",
            ),
            "token-file": described(
                json!({ "type": "string", "minLength": 1, "examples": ["okta.token"] }),
                "The file with the token to read the log, of kinds `okta` and `directory` only; without it a variable has the token",
            ),
            "since": described(
                json!({ "type": "string", "examples": ["2026-03-02T09:00:00Z"] }),
                "From where the log is read first, of kind `okta` only; seven days ago if left out",
            ),
        }),
    );
    let of_kind = |kind: &str| json!({ "properties": { "kind": { "const": kind } }, "required": ["kind"] });
    source["dependentRequired"] = json!({ "url": ["kind"], "token-file": ["kind"], "since": ["kind"] });
    source["allOf"] = json!([
        { "if": of_kind("file"), "then": { "required": ["path"] } },
        { "if": of_kind("okta"), "then": { "required": ["url"] } },
        { "if": of_kind("directory"), "then": { "required": ["url"] } },
    ]);
    document(
        "sources",
        "Countersign's sources",
        table(
            &["version"],
            json!({ "version": { "const": 1, "description": "The version of the file's grammar" }, "source": tables(source) }),
        ),
    )
}

#[test]
fn the_schema_accepts_what_the_reader_does() {
    let schema = Schema::check_file("sources", sources());
    let form = Form::new(&schema, &|text| Sources::parse(text).map(drop));
    form.check(include_str!("complete.toml"), &[]);
    form.covers(&[include_str!("complete.toml")]);
}
