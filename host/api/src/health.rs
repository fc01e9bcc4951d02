//! Whether the host lives, and whether it does its work.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_daemon::OnDisk;
use serde::Serialize;

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

/// `GET /readyz`: inputs are recorded and judged.
pub(crate) async fn ready(State(api): State<Api>) -> (StatusCode, Json<Ready>) {
    let ready = api.blocking(look).await.unwrap_or_else(|_| Ready {
        ready: false,
        reasons: vec!["the host can't say".to_owned()],
        generation: None,
        on_disk: None,
    });
    let status = if ready.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(ready))
}

fn look(api: &Api) -> Ready {
    let status = api.host().status();
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
    reasons.extend(status.judged.stopped.iter().map(|why| format!("judging stopped, and is tried again: {why}")));
    let on_disk = api.host().on_disk_now(|| api.files());
    Ready { ready: reasons.is_empty(), reasons, generation: status.judged.generation, on_disk }
}
