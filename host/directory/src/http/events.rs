//! The event log, as JSON or one event a line.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use countersign_document::Table;
use countersign_serving::Problem;
use countersign_serving::given::{Members, QueryMembers};

use super::Service;
use super::asked::{Asked, word};
use crate::event::MAX_EVENTS;
use crate::words::Scope;

/// The most events where the request doesn't say.
const USUAL: u32 = 100;

/// Where the log is gone on with after these events.
const NEXT: HeaderName = HeaderName::from_static("x-next-cursor");

/// Which events.
pub(super) struct Query {
    after: Option<String>,
    limit: u32,
    lines: bool,
}

impl Members for Query {
    fn read(table: &Table<'_>) -> Query {
        let lines = table.get("format").and_then(|item| match word(item)?.as_str() {
            "ndjson" => Some(true),
            "json" => Some(false),
            _ => item.invalid("`json` or `ndjson`"),
        });
        Query {
            after: table.get("after").and_then(word),
            limit: table.get("limit").and_then(|item| item.integer(1, MAX_EVENTS.into())).unwrap_or(USUAL),
            lines: lines.unwrap_or(false),
        }
    }
}

/// `GET /v1/events`.
pub(super) async fn list(
    State(service): State<Service>,
    QueryMembers(Query { after, limit, lines }): QueryMembers<Query>,
    asked: Asked,
) -> Result<Response, Problem> {
    service.permit(&asked, Scope::EventsRead).await?;
    let found = service.blocking(move |directory| directory.events(after.as_deref(), limit)).await?;
    let Some(events) = found else {
        let detail = "expected a cursor of this log, got one of another log or beyond its end: begin without one";
        return Err(Problem::new(StatusCode::GONE, "other-log", detail));
    };
    let (kind, body) = if lines {
        let lines: String = events.bodies.iter().map(|body| format!("{body}\n")).collect();
        ("application/x-ndjson", lines)
    } else {
        let next = serde_json::Value::from(events.next.as_str());
        let body = format!("{{\"events\":[{}],\"next\":{next},\"more\":{}}}", events.bodies.join(","), events.more);
        ("application/json", body)
    };
    let mut response = Body::from(body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(NEXT, HeaderValue::from_str(&events.next).map_err(Problem::internal)?);
    Ok(response)
}
