//! How rules and sources are shown.

use std::sync::Arc;

use countersign_daemon::{MaterialFile, Role, rules_of_store, sources_of_recorder};
use countersign_model::Digest;
use countersign_shipped::RULES;
use serde_json::{Value, json};

use crate::Limits;
use crate::support::{LONG, Served, material};

fn get(served: &Served, path: &str) -> Value {
    let (status, answer) = served.ask(&format!("GET {path}"), "", b"");
    assert_eq!(status, 200, "{answer}");
    serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap()
}

#[test]
fn rules_and_sources_are_told_as_they_are() {
    let rule = |number: usize| {
        let (id, bytes) = RULES[number];
        let name = format!("rules/{}.wasm", id.replace('/', "."));
        (id, MaterialFile { role: Role::Rule, name, bytes: bytes.to_vec() })
    };
    let ((kept, kept_file), (changed, changed_file), (gone, gone_file)) = (rule(0), rule(1), rule(2));
    let mut first = material();
    first.files.extend([kept_file.clone(), changed_file.clone(), gone_file]);
    let mut now = material();
    now.files.extend([kept_file.clone(), MaterialFile { bytes: b"other".to_vec(), ..changed_file }]);
    let served = Served::with(&first, Arc::new(move || Ok(now.clone())), Limits::default());
    assert_eq!(served.ask("POST /v1/sources/trail/events", "", b"{}\n{}\n").0, 202);
    assert!(served.host.wait_judged(LONG));
    let rules = get(&served, "/v1/rules");
    let find = |id: &str| rules.as_array().unwrap().iter().find(|rule| rule["rule"] == id).unwrap();
    assert_eq!(rules.as_array().unwrap().len(), 3);
    let digest = |bytes: &[u8]| json!(Digest::of(bytes));
    assert_eq!(find(kept)["serves"]["component"], digest(&kept_file.bytes));
    assert_eq!(find(kept)["serves"]["on_disk"], digest(&kept_file.bytes));
    assert_eq!(find(kept)["serves"]["file"], kept_file.name);
    assert_eq!(find(kept)["serves"]["proof"], "shipped");
    assert_eq!(find(changed)["serves"]["on_disk"], digest(b"other"));
    assert_eq!(find(gone)["serves"]["on_disk"], Value::Null);
    for member in ["code", "holds", "keys", "bytes", "delivered", "held", "findings"] {
        assert!(!find(kept)[member].is_null(), "{member}");
    }
    let sources = get(&served, "/v1/sources");
    assert_eq!(sources[0]["source"], "trail");
    assert_eq!(sources[0]["declared"]["kind"], "http");
    assert_eq!(sources[0]["declared"]["format"], "cloudtrail");
    assert_eq!(sources[0]["declared"]["tenants"], json!(["aws:*"]));
    assert_eq!((&sources[0]["records"], &sources[0]["waiting"]), (&json!(2), &json!(0)));
    assert!(sources[0]["arrived"].is_string(), "{sources}");
    assert_eq!((&sources[1]["source"], &sources[1]["records"]), (&json!("logs"), &json!(0)));
    // What is read without a host is the same, but for what only a host knows.
    let stored = serde_json::to_value(rules_of_store(&served.host.store_path()).unwrap()).unwrap();
    for rule in stored.as_array().unwrap() {
        let id = rule["rule"].as_str().unwrap();
        assert_eq!((&rule["code"], &rule["serves"]), (&find(id)["code"], &Value::Null));
    }
    let recorded = sources_of_recorder(&served.host.recorder_path(), 0).unwrap();
    let recorded = serde_json::to_value(recorded).unwrap();
    assert_eq!(recorded[0]["declared"], sources[0]["declared"]);
    // Nothing was judged, as far as this knows.
    assert_eq!((&recorded[0]["records"], &recorded[0]["waiting"]), (&json!(2), &json!(2)));
}
