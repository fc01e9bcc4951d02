//! What would change if the files on disk served.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_daemon::{Plan, PlanError};
use countersign_document::Table;
use serde::Serialize;

use crate::caller::Operator;
use crate::change::faults;
use crate::restart::NeedsRestart;
use crate::server::Api;
use countersign_serving::Problem;
use countersign_serving::given::{JsonBody, Members};

/// The longest trial, microseconds: 90 days, as in the configuration.
const LONGEST_TRIAL: i64 = 90 * 86_400_000_000;

/// What `POST /v1/plan` takes.
pub(crate) struct Wanted {
    /// How much of the recorded past the candidate is tried on, microseconds.
    trial: Option<i64>,
}

impl Members for Wanted {
    fn read(table: &Table<'_>) -> Wanted {
        Wanted { trial: table.get("trial").and_then(|item| item.duration(0, LONGEST_TRIAL)) }
    }
}

/// What it answers.
#[derive(Serialize)]
pub(crate) struct Planned {
    #[serde(flatten)]
    plan: Plan,
    /// What of the configuration on disk only a restart brings about.
    restart: NeedsRestart,
}

/// `POST /v1/plan`: how the files on disk differ from what serves, and what they would have made of the recorded past.
pub(crate) async fn plan(
    State(api): State<Api>,
    _operator: Operator,
    JsonBody(wanted): JsonBody<Wanted>,
) -> Result<Json<Planned>, Problem> {
    api.blocking(move |api| {
        let material = api.files().map_err(faults)?;
        let plan = api.host().plan(&material, wanted.trial).map_err(refused)?;
        Ok(Json(Planned { plan, restart: api.restart() }))
    })
    .await?
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
