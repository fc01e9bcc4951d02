//! The description of the interface (OpenAPI 3.1): made from [`ROUTES`] and from what each endpoint takes and answers, served
//! as `GET /v1/openapi.json`, and kept as `docs/reference/openapi.json`. Tests hold both, and real answers, against it.

mod answers;
mod schema;

use axum::Json;
use countersign_daemon::MAX_PAGE;
use countersign_model::DecisionKind;
use serde_json::{Map, Value, json};

use self::schema::{flag, named, text, time, time_span, whole};
use crate::caller::Viewer;
use crate::follow::LONGEST_WAIT;
use crate::server::{MAX_BODY, Method, ROUTES};

/// What an endpoint takes and answers.
struct Operation {
    method: Method,
    path: &'static str,
    about: &'static str,
    /// Members of its query, and headers.
    parameters: fn() -> Vec<Value>,
    /// The body that it takes.
    body: Option<fn() -> Value>,
    /// The status of success, and the schema of its body, or the type of a body that is no JSON.
    done: (u16, Result<&'static str, &'static str>),
    /// Other statuses, all of them problems but where the body says otherwise.
    problems: &'static [u16],
    /// Whose it is.
    access: Access,
}

/// Who may ask.
#[derive(Clone, Copy)]
enum Access {
    /// Everybody.
    Open,
    /// Persons, and viewers' tokens.
    View,
    /// Operators, and sources' tokens.
    Send,
    /// Persons at the socket.
    Socket,
}

const GET: Operation = Operation {
    method: Method::Get,
    path: "",
    about: "",
    parameters: Vec::new,
    body: None,
    done: (200, Err("text/plain")),
    problems: &[],
    access: Access::View,
};

const POST: Operation = Operation { method: Method::Post, access: Access::Socket, ..GET };

/// All operations, in the order of [`ROUTES`].
const OPERATIONS: &[Operation] = &[
    Operation { path: "/livez", about: "Whether the process answers", access: Access::Open, ..GET },
    Operation {
        path: "/readyz",
        about: "Whether inputs are recorded and judged; 503 has the same body. Over the network there is no body",
        done: (200, Ok("Ready")),
        problems: &[503],
        access: Access::Open,
        ..GET
    },
    Operation { path: "/metrics", about: "Figures for Prometheus", ..GET },
    Operation {
        path: "/v1/status",
        about: "How judging, the recorder and the sources are, and the alarms",
        parameters: || {
            let seen = |name, about| query(name, about, whole(0));
            vec![
                seen("batch", "With `wait`: answered once inputs are judged past this batch"),
                seen("host", "With `wait`: answered once inputs of the host's own are judged past this one"),
                wait(),
            ]
        },
        done: (200, Ok("Status")),
        problems: &[400, 503],
        ..GET
    },
    Operation {
        path: "/v1/findings",
        about: "Findings of the audit log",
        parameters: paging,
        done: (200, Ok("Page")),
        problems: &[400, 503],
        ..GET
    },
    Operation {
        path: "/v1/decisions",
        about: "Decisions of the audit log",
        parameters: paging,
        done: (200, Ok("Page")),
        problems: &[400, 503],
        ..GET
    },
    Operation {
        path: "/v1/dead-letters",
        about: "Records that couldn't be used",
        parameters: paging,
        done: (200, Ok("Page")),
        problems: &[400, 503],
        ..GET
    },
    Operation {
        path: "/v1/generations",
        about: "What served since when, and who applied it",
        done: (200, Ok("Generations")),
        ..GET
    },
    Operation {
        path: "/v1/activity",
        about: "Who used an account on the last 30 days",
        parameters: || {
            let account = json!({ "type": "string", "pattern": "^[^:]+:[^:]*:.+$" });
            vec![
                json!({ "name": "account", "in": "query", "description": "The account", "required": true, "schema": account }),
            ]
        },
        done: (200, Ok("Activity")),
        problems: &[400],
        ..GET
    },
    Operation { path: "/v1/rules", about: "How rules are", done: (200, Ok("Rules")), ..GET },
    Operation { path: "/v1/sources", about: "How sources are", done: (200, Ok("Sources")), ..GET },
    Operation {
        path: "/v1/sources/{name}/events",
        about: "Puts records of a source of kind `http` on record; the answer comes once they are on the disk",
        parameters: || {
            vec![
                in_path("name", "The source"),
                header(
                    "Idempotency-Key",
                    "Records may be sent again under it",
                    json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" }),
                ),
                header("Content-Encoding", "How the body is packed", json!({ "enum": ["identity", "gzip", "zstd"] })),
            ]
        },
        body: Some(records),
        done: (202, Ok("Ingested")),
        problems: &[400, 404, 408, 413, 415, 422, 429, 503],
        access: Access::Send,
        ..POST
    },
    Operation {
        path: "/v1/apply",
        about: "Has the files on disk serve",
        body: Some(|| json_body(&[], json!({ "reason": text(), "digest": text() }))),
        done: (200, Ok("Applied")),
        problems: CHANGE,
        ..POST
    },
    Operation {
        path: "/v1/rollback",
        about: "Has an earlier generation serve again",
        body: Some(|| {
            json_body(&["generation"], json!({ "reason": text(), "generation": whole(0), "at_once": flag() }))
        }),
        done: (200, Ok("Applied")),
        problems: CHANGE,
        ..POST
    },
    Operation {
        path: "/v1/reload",
        about: "Has the files on disk looked at now",
        done: (202, Ok("Reloading")),
        ..POST
    },
    Operation {
        path: "/v1/tokens",
        about: "The tokens, without what is secret",
        done: (200, Ok("Tokens")),
        access: Access::Socket,
        ..GET
    },
    Operation {
        path: "/v1/tokens",
        about: "Makes a token, for `source` or with `viewer`",
        body: Some(|| {
            json_body(&[], json!({ "source": text(), "viewer": { "type": "boolean" }, "expires": time_span() }))
        }),
        done: (201, Ok("IssuedToken")),
        problems: &[400, 404, 408, 409, 413, 415, 503],
        ..POST
    },
    Operation {
        path: "/v1/tokens/{id}/revoke",
        about: "Revokes a token",
        parameters: || vec![in_path("id", "The token's id")],
        done: (200, Ok("Revoked")),
        problems: &[400, 404],
        ..POST
    },
    Operation {
        path: "/v1/plan",
        about: "How the files on disk differ from what serves, and what they would have made of the recorded past",
        body: Some(|| json_body(&[], json!({ "trial": time_span() }))),
        done: (200, Ok("Plan")),
        problems: CHANGE,
        ..POST
    },
    Operation { path: "/v1/openapi.json", about: "This description", done: (200, Ok("Description")), ..GET },
];

/// What keeps a change from being made.
const CHANGE: &[u16] = &[400, 404, 408, 409, 413, 415, 422, 503];

/// `GET /v1/openapi.json`.
pub(crate) async fn serve(_viewer: Viewer) -> Json<Value> {
    Json(document())
}

/// The description of every endpoint.
pub(crate) fn document() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let described = OPERATIONS.iter().find(|known| known.method == route.method && known.path == route.path);
        let methods = paths.entry(route.path).or_insert_with(|| json!({}));
        if let (Some(operation), Some(methods)) = (described, methods.as_object_mut()) {
            methods.insert(operation.method.name().to_lowercase(), operation.describe());
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Countersign",
            "description": "A host that runs. See docs/reference/api.md",
            "version": "1",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": answers::all(),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "Over the network: `countersign token create`" },
            },
        },
    })
}

impl Operation {
    fn describe(&self) -> Value {
        let mut responses = Map::new();
        let (status, body) = self.done;
        let content = match body {
            Ok(schema) => json!({ "application/json": { "schema": named(schema) } }),
            Err(plain) => json!({ plain: { "schema": { "type": "string" } } }),
        };
        responses.insert(status.to_string(), json!({ "description": "Done", "content": content }));
        let refused: &[u16] = if matches!(self.access, Access::Open) { &[] } else { &[401, 403, 408] };
        for status in self.problems.iter().chain(refused) {
            let problem = match body {
                Ok(schema @ "Ready") => json!({ "application/json": { "schema": named(schema) } }),
                _ => json!({ "application/problem+json": { "schema": named("Problem") } }),
            };
            responses.insert(status.to_string(), json!({ "description": meaning(*status), "content": problem }));
        }
        if !matches!(self.access, Access::Open) {
            // What can't be read or written: a failing disk.
            let problem = json!({ "application/problem+json": { "schema": named("Problem") } });
            responses.insert("500".to_owned(), json!({ "description": meaning(500), "content": problem }));
        }
        let id = format!("{} {}", self.method.name().to_lowercase(), self.path.trim_start_matches('/'));
        let id: String = id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let mut described = json!({ "operationId": id, "summary": self.about, "responses": responses });
        if let Some(members) = described.as_object_mut() {
            let parameters = (self.parameters)();
            if !parameters.is_empty() {
                members.insert("parameters".to_owned(), parameters.into());
            }
            if let Some(body) = self.body {
                members.insert("requestBody".to_owned(), body());
            }
            let security = match self.access {
                Access::Open | Access::Socket => json!([]),
                Access::View | Access::Send => json!([{ "token": [] }]),
            };
            members.insert("security".to_owned(), security);
            if matches!(self.access, Access::Socket) {
                members.insert("x-socket-only".to_owned(), true.into());
            }
        }
        described
    }
}

/// What a status says of a request.
fn meaning(status: u16) -> &'static str {
    match status {
        400 => "A member that isn't known, or another value than expected",
        401 => "No valid token",
        403 => "Somebody else's",
        404 => "There is none of this name",
        408 => "It took too long",
        409 => "It serves already, or something else is in the way",
        413 => "The body is too large",
        415 => "The body's type or encoding isn't known",
        422 => "Files with faults, or a key used for other records",
        429 => "No room until more is judged: see `Retry-After`",
        500 => "The host failed: its log says why",
        _ => "Not now: try again",
    }
}

/// A member of a query that may be left out.
fn query(name: &str, about: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "description": about, "required": false, "schema": schema })
}

/// How long an answer may wait for more.
fn wait() -> Value {
    let about = format!("How long to wait for more, such as `10s`; {} s at most", LONGEST_WAIT / 1_000_000);
    query("wait", &about, time_span())
}

fn paging() -> Vec<Value> {
    let kinds: Vec<&str> = DecisionKind::ALL.iter().map(|kind| kind.id()).collect();
    vec![
        query("after", "`next` of the page before", whole(0)),
        query(
            "limit",
            "Its most members; 100 if left out",
            json!({ "type": "integer", "minimum": 1, "maximum": MAX_PAGE }),
        ),
        query("rule", "Only what came of this rule", text()),
        query("account", "Only what is about this account", text()),
        query("decision", "Only decisions of this kind", json!({ "enum": kinds })),
        query("since", "Only what is about events at or after this time", time()),
        wait(),
    ]
}

fn in_path(name: &str, about: &str) -> Value {
    json!({ "name": name, "in": "path", "description": about, "required": true, "schema": text() })
}

fn header(name: &str, about: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "header", "description": about, "required": false, "schema": schema })
}

/// A body with these members and no others.
fn json_body(required: &[&str], members: Value) -> Value {
    let schema =
        json!({ "type": "object", "required": required, "properties": members, "additionalProperties": false });
    json!({ "required": !required.is_empty(), "content": { "application/json": { "schema": schema } } })
}

/// Records, in whatever form a file of the source has them.
fn records() -> Value {
    json!({
        "required": true,
        "description": format!("NDJSON, lists or envelopes, at most {MAX_BODY} bytes"),
        "content": { "application/octet-stream": { "schema": { "type": "string", "format": "binary" } } },
    })
}

#[cfg(test)]
#[path = "../tests/unit/openapi.rs"]
mod tests;
