//! What callers give: members of queries and of JSON bodies, read with all faults at once, and bodies with their limits.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse as _;
use countersign_document::{Diagnostic, Node, NodeValue, Problem as Fault, Reader, Table, quoted};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use tokio::sync::OwnedSemaphorePermit;

use crate::Problem;

/// The largest body of JSON, bytes: what people say about a change.
pub const MAX_JSON: usize = 64 << 10;

/// What bounds how much of bodies is held at once.
pub trait Room: Send + Sync {
    /// Takes a share of what may be held, unless it is used up.
    fn hold(&self, bytes: usize) -> Option<OwnedSemaphorePermit>;
}

/// What is read out of a table of members.
pub trait Members: Sized + Send {
    /// Reads the members that there are. Faults are pushed; those that nothing reads are unknown.
    fn read(table: &Table<'_>) -> Self;
}

/// Members of a query.
pub struct QueryMembers<T>(pub T);

impl<T: Members, S: Sync> FromRequestParts<S> for QueryMembers<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<QueryMembers<T>, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|rejection| Problem::new(StatusCode::BAD_REQUEST, "query", rejection.body_text()))?;
        let mut entries: Vec<(String, Node)> = Vec::new();
        let mut faults = Vec::new();
        for (key, value) in pairs {
            if entries.iter().any(|(known, _)| *known == key) {
                faults.push(Diagnostic::new(&*key, "the key once", "it twice").to_string());
                continue;
            }
            let value = value.parse().map_or(NodeValue::Text(value), NodeValue::Integer);
            entries.push((key.clone(), Node { line: None, place: key, value }));
        }
        members(&table(entries), faults, "query").map(QueryMembers)
    }
}

/// Members of a JSON body; none of an empty one.
pub struct JsonBody<T>(pub T);

impl<T: Members, S: Room> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, room: &S) -> Result<JsonBody<T>, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = bounded(room, body, MAX_JSON).await?.bytes;
        json(&parts.headers, bytes, Nulls::Absent).map(JsonBody)
    }
}

/// What a member that is null means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    /// That it isn't given.
    Absent,
    /// What its reader makes of it: that something is taken away (RFC 7396).
    Read,
}

/// Reads the members of a JSON body; none of an empty one.
///
/// # Errors
/// With all faults at once.
pub fn json<T: Members>(headers: &HeaderMap, bytes: Vec<u8>, nulls: Nulls) -> Result<T, Problem> {
    if bytes.is_empty() {
        return members(&table(Vec::new()), Vec::new(), "body");
    }
    if !is_json(headers) {
        let detail = "expected the header `Content-Type: application/json`, got another or none";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type", detail));
    }
    let refused = |detail: String| Problem::new(StatusCode::BAD_REQUEST, "body", detail);
    let text = String::from_utf8(bytes).map_err(|_| refused("expected UTF-8 text, got something else".to_owned()))?;
    let node = Node::parse_json(&text, 1).map_err(|fault| refused(fault.with_line(None).to_string()))?;
    let is_given = |node: &Node| nulls == Nulls::Read || node.value != NodeValue::Null;
    let node = match node.at_line(None).value {
        NodeValue::Table(entries) => table(entries.into_iter().filter(|(_, node)| is_given(node)).collect()),
        value => Node { line: None, place: String::new(), value },
    };
    members(&node, Vec::new(), "body")
}

fn table(entries: Vec<(String, Node)>) -> Node {
    Node { line: None, place: String::new(), value: NodeValue::Table(entries) }
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|given| given.to_str().ok()).unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// Reads members, and refuses those that nothing reads with the nearest known name.
fn members<T: Members>(node: &Node, mut faults: Vec<String>, code: &'static str) -> Result<T, Problem> {
    let reader = Reader::<Fault>::new();
    let read = reader.item(node).table().map(|table| {
        let read = T::read(&table);
        table.finish();
        read
    });
    let found = reader.finish(read);
    if let Err(found) = &found {
        faults.extend(found.iter().map(ToString::to_string));
    }
    match found {
        Ok(Some(read)) if faults.is_empty() => Ok(read),
        _ => Err(Problem::all(StatusCode::BAD_REQUEST, code, faults)),
    }
}

/// A body, with its share of what may be held.
pub struct Bounded {
    /// The body.
    pub bytes: Vec<u8>,
    _held: Option<OwnedSemaphorePermit>,
}

/// Reads a body of at most so many bytes. All bodies together may come to so much: what isn't there yet isn't held.
pub async fn bounded(room: &impl Room, mut body: Body, most: usize) -> Result<Bounded, Problem> {
    let too_large = || {
        let detail = format!("expected a body of at most {most} bytes, got a larger one: send it in parts");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body", detail)
    };
    if body.size_hint().lower() > most as u64 {
        return Err(too_large());
    }
    let mut read = Bounded { bytes: Vec::new(), _held: None };
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, "body", format!("expected a whole body, got: {error}"))
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if read.bytes.len() + data.len() > most {
            return Err(too_large());
        }
        let Some(held) = room.hold(data.len()) else {
            let detail = "expected room for a body, got a host that reads too many: try again";
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(1));
        };
        match &mut read._held {
            Some(all) => all.merge(held),
            none => *none = Some(held),
        }
        read.bytes.extend_from_slice(&data);
    }
    Ok(read)
}

/// The name or id in a path, as text.
pub struct Named(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Named, Problem> {
        match axum::extract::Path::<String>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(name)) => Ok(Named(name)),
            Err(rejection) => {
                let status = rejection.into_response().status();
                let got = quoted(parts.uri.path());
                Err(Problem::new(status, "path", format!("expected a name of UTF-8 text in the path, got {got}")))
            }
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/given.rs"]
mod tests;
