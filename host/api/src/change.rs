//! Changes of the generation.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_daemon::{ApplyError, Material};
use countersign_document::{MAX_INTEGER, Table};
use serde::Serialize;

use crate::caller::Operator;
use crate::given::{JsonBody, Members};
use crate::problem::Problem;
use crate::server::Api;

/// The longest text of a change, bytes.
const MAX_TEXT: usize = 4_096;

/// What `POST /v1/apply` and `/v1/rollback` take.
pub(crate) struct Change {
    /// Why, for the record.
    reason: Option<String>,
    /// The digest of the files that are meant: others on disk aren't applied.
    digest: Option<String>,
    /// Of a rollback: the generation that serves again.
    generation: Option<u64>,
}

impl Members for Change {
    fn read(table: &Table<'_>) -> Change {
        let text = |key| table.get(key).and_then(|item| item.any_text(MAX_TEXT)).map(str::to_owned);
        let generation = table.get("generation").and_then(|item| item.integer(1, MAX_INTEGER));
        Change { reason: text("reason"), digest: text("digest"), generation }
    }
}

/// What they answer.
#[derive(Serialize)]
pub(crate) struct Applied {
    /// The number of the generation.
    generation: u64,
    /// The digest of what it is made of.
    digest: String,
}

/// What `POST /v1/reload` answers.
#[derive(Serialize)]
pub(crate) struct Reloading {
    /// The files are looked at.
    reloading: bool,
}

/// `POST /v1/apply`: the files on disk serve from the next batch on, or none of them.
pub(crate) async fn apply(
    State(api): State<Api>,
    operator: Operator,
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
        served(&material, api.host().apply(&material, operator.name(), change.reason))
    })
    .await?
}

/// `POST /v1/rollback`: an earlier generation serves again, from the next batch on.
pub(crate) async fn rollback(
    State(api): State<Api>,
    operator: Operator,
    JsonBody(change): JsonBody<Change>,
) -> Result<Json<Applied>, Problem> {
    let Some(generation) = change.generation else {
        let detail = "expected `generation`, the number of the generation that is to serve again, got none";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "no-generation", detail));
    };
    api.blocking(move |api| {
        let material = api.host().material(generation).map_err(faults)?;
        let Some(material) = material else {
            let detail = format!("expected the number of a generation, got {generation}: see `GET /v1/generations`");
            return Err(Problem::new(StatusCode::NOT_FOUND, "no-generation", detail));
        };
        let reason = change.reason.unwrap_or_else(|| format!("rolled back to {generation}"));
        served(&material, api.host().roll_back(&material, operator.name(), Some(reason)))
    })
    .await?
}

/// `POST /v1/reload`: the files on disk are looked at now, as after a change.
pub(crate) async fn reload(State(api): State<Api>, _operator: Operator) -> (StatusCode, Json<Reloading>) {
    api.host().reload();
    (StatusCode::ACCEPTED, Json(Reloading { reloading: true }))
}

fn served(material: &Material, applied: Result<u64, ApplyError>) -> Result<Json<Applied>, Problem> {
    let digest = material.manifest().digest().to_string();
    match applied {
        Ok(generation) => Ok(Json(Applied { generation, digest })),
        Err(ApplyError::Faults(found)) => Err(faults(found)),
        Err(ApplyError::Refused(found)) => Err(Problem::all(StatusCode::UNPROCESSABLE_ENTITY, "refused", found)),
        Err(error @ ApplyError::Overtaken) => Err(Problem::new(StatusCode::CONFLICT, "overtaken", error)),
        Err(error @ ApplyError::Same) => Err(Problem::new(StatusCode::CONFLICT, "same", error)),
        Err(ApplyError::Append(error)) => Err(Problem::internal(error)),
    }
}

pub(crate) fn faults(faults: Vec<String>) -> Problem {
    Problem::all(StatusCode::UNPROCESSABLE_ENTITY, "faults", faults)
}
