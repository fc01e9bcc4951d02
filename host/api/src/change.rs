//! Changes of the generation.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_daemon::{ApplyError, Material, RolledBack};
use countersign_document::{MAX_INTEGER, Table};
use serde::Serialize;

use crate::caller::{Answerable, Operator};
use crate::restart::NeedsRestart;
use crate::server::Api;
use countersign_serving::Problem;
use countersign_serving::given::{JsonBody, Members};

/// The longest text of a change, bytes.
const MAX_TEXT: usize = 4_096;

/// How long is waited for a generation to serve: it does once its turn has come, whoever waits.
const SERVES: Duration = Duration::from_secs(5);

/// What `POST /v1/apply` and `/v1/rollback` take.
pub(crate) struct Change {
    /// Why, for the record.
    reason: Option<String>,
    /// The digest of the files that are meant: others on disk aren't applied.
    digest: Option<String>,
    /// Of a rollback: the generation that serves again.
    generation: Option<u64>,
    /// Of a rollback: whether rules go on from what there is.
    at_once: bool,
}

impl Members for Change {
    fn read(table: &Table<'_>) -> Change {
        let text = |key| table.get(key).and_then(|item| item.any_text(MAX_TEXT)).map(str::to_owned);
        let generation = table.get("generation").and_then(|item| item.integer(0, MAX_INTEGER));
        let at_once = table.get("at_once").and_then(|item| item.flag()).unwrap_or(false);
        Change { reason: text("reason"), digest: text("digest"), generation, at_once }
    }
}

/// What they answer.
#[derive(Serialize)]
pub(crate) struct Applied {
    /// The number of the generation.
    generation: u64,
    /// The digest of what it is made of.
    digest: String,
    /// Of a rollback: what rules go on from.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    /// What of the configuration on disk only a restart brings about.
    restart: NeedsRestart,
    /// Sources of which a host reads nothing, each with what to write.
    unread: Vec<String>,
}

/// What `POST /v1/reload` answers.
#[derive(Serialize)]
pub(crate) struct Reloading {
    /// The files are looked at.
    reloading: bool,
    /// What of the configuration on disk only a restart brings about.
    restart: NeedsRestart,
}

/// `POST /v1/apply`: the files on disk serve from the next batch on, or none of them.
pub(crate) async fn apply(
    State(api): State<Api>,
    answerable: Answerable,
    JsonBody(change): JsonBody<Change>,
) -> Result<Json<Applied>, Problem> {
    api.blocking(move |api| {
        let material = api.files().map_err(faults)?;
        if let Some(digest) = &change.digest
            && material.manifest().digest().to_string() != *digest
        {
            let detail = "expected the files with that digest, got others: look at the difference again";
            return Err(Problem::new(StatusCode::CONFLICT, "other-files", detail));
        }
        let restart = api.restart();
        let applied = api.host().apply(&material, answerable.name, change.reason);
        let generation = applied.map_err(|error| match error {
            ApplyError::Same => same(&restart),
            error => not_applied(error),
        })?;
        api.host().wait_generation(generation, SERVES);
        let (digest, unread) = (material.manifest().digest().to_string(), unread(&material));
        Ok(Json(Applied { generation, digest, state: None, restart, unread }))
    })
    .await?
}

/// `POST /v1/rollback`: an earlier generation serves again, from the next batch on.
pub(crate) async fn rollback(
    State(api): State<Api>,
    answerable: Answerable,
    JsonBody(change): JsonBody<Change>,
) -> Result<Json<Applied>, Problem> {
    let Some(generation) = change.generation else {
        let detail = "expected `generation`, the number of the generation that is to serve again, got none";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "no-generation", detail));
    };
    api.blocking(move |api| {
        let reason = change.reason.unwrap_or_else(|| format!("rolled back to {generation}"));
        let rolled = api.host().roll_back(generation, answerable.name, Some(reason), change.at_once);
        let RolledBack { generation, digest, state } = rolled.map_err(not_applied)?;
        api.host().wait_generation(generation, SERVES);
        let unread = api.host().material(generation).ok().flatten().map(|material| unread(&material));
        let (digest, unread) = (digest.to_string(), unread.unwrap_or_default());
        Ok(Json(Applied { generation, digest, state: Some(state), restart: api.restart(), unread }))
    })
    .await?
}

/// `POST /v1/reload`: the files on disk are looked at now, as after a change.
pub(crate) async fn reload(
    State(api): State<Api>,
    _operator: Operator,
) -> Result<(StatusCode, Json<Reloading>), Problem> {
    api.host().reload();
    let restart = api.blocking(Api::restart).await?;
    Ok((StatusCode::ACCEPTED, Json(Reloading { reloading: true, restart })))
}

/// Sources of which a host reads nothing. Files with faults were refused before.
fn unread(material: &Material) -> Vec<String> {
    material.sources().map(|sources| sources.unread()).unwrap_or_default()
}

/// The files are what serves. Whoever has changed something else hears what that takes.
fn same(restart: &NeedsRestart) -> Problem {
    let details = std::iter::once(ApplyError::Same.to_string()).chain(restart.lines()).collect();
    Problem::all(StatusCode::CONFLICT, "same", details)
}

fn not_applied(error: ApplyError) -> Problem {
    match error {
        ApplyError::Faults(found) => faults(found),
        ApplyError::Refused(found) => Problem::all(StatusCode::UNPROCESSABLE_ENTITY, "refused", found),
        error @ ApplyError::Overtaken => Problem::new(StatusCode::CONFLICT, "overtaken", error),
        error @ (ApplyError::Same | ApplyError::Serves { .. }) => Problem::new(StatusCode::CONFLICT, "same", error),
        error @ ApplyError::Unknown { .. } => Problem::new(StatusCode::NOT_FOUND, "no-generation", error),
        error @ ApplyError::Unbuildable { .. } => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "faults", error),
        error @ ApplyError::Stopped => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-serving", error),
        ApplyError::Append(error) => Problem::internal(error),
    }
}

pub(crate) fn faults(faults: Vec<String>) -> Problem {
    Problem::all(StatusCode::UNPROCESSABLE_ENTITY, "faults", faults)
}
