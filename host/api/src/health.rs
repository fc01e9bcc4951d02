//! Whether the host lives, and whether it does its work.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use countersign_daemon::{OnDisk, Status};
use serde::Serialize;

use crate::caller::Peer;
use crate::server::Api;

/// `GET /livez`: the process answers.
pub(crate) async fn live() -> &'static str {
    "ok\n"
}

/// The body of `/readyz`.
#[derive(Serialize)]
pub(crate) struct Ready {
    /// Whether inputs are recorded and judged.
    ready: bool,
    /// What is in the way, a line each.
    reasons: Vec<String>,
    /// The number of the generation that serves.
    generation: Option<u64>,
    /// Why the files on disk aren't the generation that serves, if they aren't.
    on_disk: Option<OnDisk>,
}

/// `GET /readyz`: inputs are recorded and judged. Whoever asks over the network gets no body, and has nothing done for one.
pub(crate) async fn ready(State(api): State<Api>, peer: Option<Extension<Peer>>) -> Response {
    if matches!(peer, Some(Extension(Peer::Network))) {
        return status(&reasons(&api.host().status())).into_response();
    }
    let ready = api.blocking(look).await.unwrap_or_else(|_| Ready {
        ready: false,
        reasons: vec!["the host can't say".to_owned()],
        generation: None,
        on_disk: None,
    });
    (status(&ready.reasons), Json(ready)).into_response()
}

fn look(api: &Api) -> Ready {
    let status = api.host().status();
    let reasons = reasons(&status);
    let on_disk = api.host().on_disk_now(|| api.files());
    Ready { ready: reasons.is_empty(), reasons, generation: status.judged.generation, on_disk }
}

/// What is in the way, by what is known without a look at any file.
fn reasons(status: &Status) -> Vec<String> {
    let mut reasons = Vec::new();
    if status.recorder.failing > 0 {
        reasons.push("what comes in can't be recorded: see the host's log".to_owned());
    }
    if status.judged.generation.is_none() {
        reasons.push("no generation serves yet".to_owned());
    }
    if status.judged.superseded {
        reasons.push("another process has taken over".to_owned());
    }
    let stopped = status.judged.stopped.iter();
    reasons.extend(stopped.map(|why| format!("judging stopped, and is tried again: {why}")));
    reasons
}

fn status(reasons: &[String]) -> StatusCode {
    if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
