//! What would change if the files on disk served.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_daemon::{Plan, PlanError};
use countersign_document::Table;

use crate::caller::Operator;
use crate::change::faults;
use crate::given::{JsonBody, Members};
use crate::problem::Problem;
use crate::server::Api;

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

/// `POST /v1/plan`: how the files on disk differ from what serves, and what they would have made of the recorded past.
pub(crate) async fn plan(
    State(api): State<Api>,
    _operator: Operator,
    JsonBody(wanted): JsonBody<Wanted>,
) -> Result<Json<Plan>, Problem> {
    api.blocking(move |api| {
        let material = api.files().map_err(faults)?;
        api.host().plan(&material, wanted.trial).map(Json).map_err(refused)
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
