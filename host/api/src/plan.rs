//! What would change if the files on disk served.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use countersign_daemon::{Plan, PlanError};
use countersign_model::time::parse_duration;
use serde::Deserialize;

use crate::caller::Operator;
use crate::change::{faults, unreadable};
use crate::problem::Problem;
use crate::server::Api;

/// The longest trial, microseconds: 90 days, as in the configuration.
const LONGEST_TRIAL: i64 = 90 * 86_400_000_000;

/// What `POST /v1/plan` takes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// How much of the recorded past the candidate is tried on, such as `24h`.
    trial: Option<String>,
}

/// `POST /v1/plan`: how the files on disk differ from what serves, and what they would have made of the recorded past.
pub(crate) async fn plan(
    State(api): State<Api>,
    _operator: Operator,
    asked: Result<Json<Asked>, JsonRejection>,
) -> Result<Json<Plan>, Problem> {
    let Json(asked) = asked.map_err(unreadable)?;
    let trial = asked.trial.as_deref().map(parse_trial).transpose()?;
    api.blocking(move |api| {
        let material = api.files().map_err(faults)?;
        api.host().plan(&material, trial).map(Json).map_err(refused)
    })
    .await?
}

fn parse_trial(text: &str) -> Result<i64, Problem> {
    let trial = parse_duration(text).ok().filter(|trial| *trial <= LONGEST_TRIAL);
    trial.ok_or_else(|| {
        let detail = "expected as `trial` a duration such as `24h`, `90d` at most, got something else";
        Problem::new(StatusCode::BAD_REQUEST, "trial", detail)
    })
}

fn refused(error: PlanError) -> Problem {
    match error {
        PlanError::Busy => Problem::new(StatusCode::CONFLICT, "busy", error),
        PlanError::Faults(found) => faults(found),
        PlanError::Serving(_) | PlanError::Stopping => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-serving", error)
        }
        PlanError::Failed(_) => Problem::internal(error),
    }
}
