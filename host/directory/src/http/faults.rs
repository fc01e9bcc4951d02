//! Faults on demand: what networks and providers do to those who ask them, brought about when a test wants it. Only where the
//! directory was started with them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::{Json, http};
use countersign_document::Table;
use countersign_model::vocabulary::text_ids;
use countersign_serving::given::Members;
use countersign_serving::{Cut, Problem};
use glob::{MatchOptions, Pattern};
use serde::Serialize;
use serde_json::json;

use super::Service;
use super::asked::Asked;
use crate::id::Kind;
use crate::words::Scope;

/// Where faults are ordered; none is ever applied here.
pub(super) const PATH: &str = "/v1/faults";

/// The most faults that are ordered at once.
const MAX_FAULTS: usize = 256;

/// The most answers that are kept to be given again when they are stale, and the largest, bytes.
const MAX_STALE: usize = 1_024;
const MAX_ANSWER: usize = 4 << 20;

/// The longest delay, milliseconds: less than a request may take.
const MAX_DELAY: i64 = 55_000;

text_ids! {
    /// What happens to a request.
    pub(crate) enum FaultKind {
        /// It is applied after a while.
        Delay = "delay",
        /// It is applied, and answered after a while.
        SlowReply = "slow-reply",
        /// The connection is closed; nothing is applied.
        LostBefore = "lost-before",
        /// It is applied; the connection is closed without an answer.
        LostAfter = "lost-after",
        /// `429` with `Retry-After`; nothing is applied.
        TooManyRequests = "too-many-requests",
        /// `500`; nothing is applied.
        Error = "error",
        /// It is applied, and answered `500`.
        ErrorAfter = "error-after",
        /// It is applied, and half of the answer comes as if it were whole.
        Malformed = "malformed",
        /// Of several sessions half are ended, and the answer is `500`.
        Partial = "partial",
        /// A `GET` is answered as it was the last time, if it was.
        Stale = "stale",
    }
}

/// Among the extensions of a request: only half of it is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Partial;

/// A fault that was ordered.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fault {
    id: String,
    kind: FaultKind,
    /// Of which requests: `*` stands for any text within a part of a path, `**` for any parts.
    path: String,
    /// With which method; none for every one.
    method: Option<String>,
    /// How often more.
    left: u32,
    /// How often it was applied.
    applied: u32,
    /// Of delays.
    milliseconds: u64,
    /// Of `429`, seconds.
    retry_after: u64,
}

/// What was answered: the entity tag, and the body.
type Answered = (Option<HeaderValue>, Vec<u8>);

/// The faults that were ordered, and what was answered before.
#[derive(Default)]
pub(crate) struct Faults {
    ordered: Mutex<Vec<Fault>>,
    answers: Mutex<HashMap<String, Answered>>,
}

impl Faults {
    /// The fault of a request, which is counted as applied.
    fn next(&self, method: &Method, path: &str) -> Option<Fault> {
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
        let mut ordered = self.ordered.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |fault: &&mut Fault| {
            fault.left > 0
                && fault.method.as_ref().is_none_or(|own| own == method.as_str())
                && Pattern::new(&fault.path).is_ok_and(|pattern| pattern.matches_with(path, options))
        };
        let fault = ordered.iter_mut().find(fits)?;
        fault.left -= 1;
        fault.applied += 1;
        Some(fault.clone())
    }

    /// What was answered last to a `GET`.
    fn answered(&self, target: &str) -> Option<Answered> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(target).cloned()
    }

    fn keep(&self, target: String, answered: Answered) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() < MAX_STALE || answers.contains_key(&target) {
            answers.insert(target, answered);
        }
    }
}

/// Brings about the fault of a request, if one was ordered.
pub(super) async fn apply(State(service): State<Service>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let Some(faults) = service.faults.clone().filter(|_| path != PATH) else { return next.run(request).await };
    let is_get = request.method() == Method::GET;
    let target = request.uri().to_string();
    let Some(fault) = faults.next(request.method(), &path) else {
        let response = next.run(request).await;
        return if is_get { kept(&faults, target, response).await } else { response };
    };
    let wait = Duration::from_millis(fault.milliseconds);
    match fault.kind {
        FaultKind::Delay => {
            tokio::time::sleep(wait).await;
            next.run(request).await
        }
        FaultKind::SlowReply => {
            let response = next.run(request).await;
            tokio::time::sleep(wait).await;
            response
        }
        FaultKind::LostBefore => cut(),
        FaultKind::LostAfter => {
            drop(next.run(request).await);
            cut()
        }
        FaultKind::TooManyRequests => {
            let detail = "expected fewer requests: wait as long as `Retry-After` says";
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail);
            problem.retry_after(fault.retry_after).into_response()
        }
        FaultKind::Error => error(),
        FaultKind::ErrorAfter => {
            drop(next.run(request).await);
            error()
        }
        FaultKind::Malformed => halved(next.run(request).await).await,
        FaultKind::Partial => {
            request.extensions_mut().insert(Partial);
            next.run(request).await
        }
        FaultKind::Stale => match faults.answered(&target).filter(|_| is_get) {
            Some((tag, body)) => {
                let mut response = ([(header::CONTENT_TYPE, "application/json")], body).into_response();
                tag.map(|tag| response.headers_mut().insert(header::ETAG, tag));
                response
            }
            None => next.run(request).await,
        },
    }
}

fn cut() -> Response {
    let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
    response.extensions_mut().insert(Cut);
    response
}

fn error() -> Response {
    let detail = "expected an answer, got an error on demand";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "fault", detail).into_response()
}

/// Half of an answer, as if that were all of it.
async fn halved(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, MAX_ANSWER).await.unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    let half = bytes.slice(..bytes.len() / 2);
    Response::from_parts(parts, Body::from(half))
}

/// An answer, which is kept to be given again.
async fn kept(faults: &Faults, target: String, response: Response) -> Response {
    let (parts, body): (http::response::Parts, Body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_ANSWER).await else { return error() };
    if parts.status == StatusCode::OK {
        faults.keep(target, (parts.headers.get(header::ETAG).cloned(), bytes.to_vec()));
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// What is ordered.
pub(super) struct Order(Option<Fault>);

impl Members for Order {
    fn read(table: &Table<'_>) -> Order {
        let kind = table.read("kind", "a kind of fault", |item| item.word::<FaultKind>("a kind of fault"));
        let path = table.read("path", "a pattern of paths such as `/v1/accounts/*`", |item| {
            let text = item.text()?;
            if Pattern::new(text).is_ok() { Some(text.to_owned()) } else { item.invalid("a pattern of paths") }
        });
        let method = table.get("method").and_then(|item| item.any_text(16)).map(str::to_ascii_uppercase);
        let number = |key, (min, max): (i64, i64), usual: u32| {
            table.get(key).map_or(Some(usual), |item| item.integer::<u32>(min, max))
        };
        let left = number("count", (1, 100_000), 1);
        let milliseconds = number("milliseconds", (0, MAX_DELAY), 1_000);
        let retry_after = number("retry_after", (1, 3_600), 1);
        Order(kind.zip(path).and_then(|(kind, path)| {
            Some(Fault {
                id: String::new(),
                kind,
                path,
                method,
                left: left?,
                applied: 0,
                milliseconds: milliseconds?.into(),
                retry_after: retry_after?.into(),
            })
        }))
    }
}

fn ordered(service: &Service) -> Result<&Faults, Problem> {
    service.faults.as_deref().ok_or_else(|| {
        let detail = "expected a directory that was started with `--faults`, got one without";
        Problem::new(StatusCode::NOT_FOUND, "no-endpoint", detail)
    })
}

/// `POST /v1/faults`.
pub(super) async fn order(State(service): State<Service>, mut asked: Asked) -> Result<Response, Problem> {
    let faults = ordered(&service)?;
    service.permit(&asked, Scope::Faults).await?;
    let Order(fault) = asked.members()?;
    let Some(fault) = fault else { return Err(Problem::internal("a body without what was read")) };
    let fault = Fault { id: Kind::Fault.new_id().map_err(Problem::internal)?, ..fault };
    let mut all = faults.ordered.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= MAX_FAULTS {
        let detail = format!("expected at most {MAX_FAULTS} faults, got one more: `DELETE {PATH}` takes them back");
        return Err(Problem::new(StatusCode::CONFLICT, "too-many-faults", detail));
    }
    all.push(fault.clone());
    Ok((StatusCode::CREATED, Json(fault)).into_response())
}

/// `GET /v1/faults`.
pub(super) async fn list(State(service): State<Service>, asked: Asked) -> Result<Response, Problem> {
    let faults = ordered(&service)?;
    service.permit(&asked, Scope::Faults).await?;
    let all = faults.ordered.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Json(json!({ "items": *all, "next": null })).into_response())
}

/// `DELETE /v1/faults`: takes all back.
pub(super) async fn clear(State(service): State<Service>, asked: Asked) -> Result<Response, Problem> {
    let faults = ordered(&service)?;
    service.permit(&asked, Scope::Faults).await?;
    faults.ordered.lock().unwrap_or_else(PoisonError::into_inner).clear();
    Ok(StatusCode::NO_CONTENT.into_response())
}
