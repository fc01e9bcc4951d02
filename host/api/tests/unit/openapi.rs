//! The description of the interface: every endpoint is in it, it is what is in the repository, and real answers are as it
//! says.

use expect_test::expect_file;

use super::*;
use crate::Limits;
use crate::support::{LONG, Served};

#[test]
fn every_endpoint_is_described_once() {
    let known: Vec<_> = ROUTES.iter().map(|route| (route.method.name(), route.path)).collect();
    let described: Vec<_> = OPERATIONS.iter().map(|operation| (operation.method.name(), operation.path)).collect();
    assert_eq!(known, described, "each endpoint is described, in the same order");
    let ids: std::collections::BTreeSet<_> =
        OPERATIONS.iter().map(|one| one.describe()["operationId"].to_string()).collect();
    assert_eq!(ids.len(), OPERATIONS.len());
    for operation in OPERATIONS {
        for (place, _) in operation.path.match_indices('{') {
            let name = operation.path[place + 1..].split('}').next().unwrap();
            assert!((operation.parameters)().iter().any(|one| one["in"] == "path" && one["name"] == name), "{name}");
        }
    }
}

#[test]
fn the_description_in_the_repository_is_this_one() {
    let text = serde_json::to_string_pretty(&document()).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/openapi.json");
    expect_file![path].assert_eq(&format!("{text}\n"));
}

/// Whether a value is as a schema says: the keywords that ours have, and no others.
fn fits(schema: &Value, value: &Value, at: &str) {
    for (keyword, what) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$ref" => {
                let named = what.as_str().unwrap().trim_start_matches('#');
                fits(document().pointer(named).unwrap(), value, at);
            }
            "type" => {
                let is = match value {
                    Value::Null => "null",
                    Value::Bool(_) => "boolean",
                    Value::Number(_) => "integer",
                    Value::String(_) => "string",
                    Value::Array(_) => "array",
                    Value::Object(_) => "object",
                };
                assert_eq!(what, is, "{at}: {value}");
            }
            "anyOf" => {
                let null = what.as_array().unwrap().iter().any(|one| one["type"] == "null");
                assert!(null, "{at}");
                if !value.is_null() {
                    fits(&what[0], value, at);
                }
            }
            "allOf" => what.as_array().unwrap().iter().for_each(|one| fits(one, value, at)),
            "enum" => assert!(what.as_array().unwrap().contains(value), "{at}: {value}"),
            "required" => {
                for name in what.as_array().unwrap() {
                    assert!(value.get(name.as_str().unwrap()).is_some(), "{at}: no {name} in {value}");
                }
            }
            "properties" => {
                for (name, schema) in what.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        fits(schema, value, &format!("{at}/{name}"));
                    }
                }
            }
            "additionalProperties" => value.as_object().unwrap().values().for_each(|value| fits(what, value, at)),
            "items" => value.as_array().unwrap().iter().for_each(|value| fits(what, value, at)),
            "minimum" => assert!(value.as_i64() >= what.as_i64(), "{at}: {value}"),
            "maximum" => assert!(value.as_i64() <= what.as_i64(), "{at}: {value}"),
            "pattern" if what.as_str().unwrap().contains("{64}") => {
                assert_eq!(value.as_str().unwrap().len(), 64, "{at}")
            }
            "pattern" | "format" | "examples" => {}
            other => panic!("{at}: {other}"),
        }
    }
}

#[test]
fn answers_are_as_described() {
    let mut served = Served::start(Limits::default());
    let client = served.open_network(Limits::default());
    let viewer = served.token(crate::Scope::Viewer);
    assert_eq!(served.ask("POST /v1/sources/trail/events", "", b"{}\n").0, 202);
    assert!(served.host.wait_judged(LONG));
    let json = "Content-Type: application/json\r\n";
    let mut asked = 0;
    for operation in OPERATIONS {
        let bodies: &[&str] = match operation.path {
            "/v1/rollback" => &["{\"generation\": 99}", "{}"],
            "/v1/tokens" if operation.body.is_some() => {
                &["{\"source\": \"trail\", \"expires\": \"1h\"}", "{\"expires\": 3}"]
            }
            "/v1/sources/{name}/events" => &["{}\n"],
            _ if operation.body.is_some() => &["{}", "{\"unknown\": 1}"],
            _ => &[""],
        };
        let path = operation.path.replace("{name}", "trail").replace("{id}", "x");
        let query = if path == "/v1/activity" { "?account=aws:111122223333:AIDAEXAMPLE" } else { "" };
        let line = format!("{} {path}{query}", operation.method.name());
        let mut answers: Vec<String> = bodies.iter().map(|body| served.ask(&line, json, body.as_bytes()).1).collect();
        if matches!(operation.access, Access::View) {
            answers.push(client.ask(&line, &viewer, b"").1);
        }
        if !matches!(operation.access, Access::Open) {
            answers.push(client.ask(&line, "", b"").1);
        }
        for answer in answers {
            let status = crate::support::status(&answer);
            let described = operation.describe();
            let content = &described["responses"][status.to_string()]["content"];
            assert!(content.is_object(), "{line}: {status} isn't described: {answer}");
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let (kind, schema) = content.as_object().unwrap().iter().next().unwrap();
            assert!(head.contains(kind.as_str()), "{line}: expected {kind}, got {head}");
            if kind != "text/plain" {
                fits(&schema["schema"], &serde_json::from_str(body).unwrap(), &line);
            }
            asked += 1;
        }
    }
    assert!(asked > OPERATIONS.len());
}
