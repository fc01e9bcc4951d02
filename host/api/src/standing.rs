//! How rules and sources are.

use axum::Json;
use axum::extract::State;
use countersign_daemon::{RuleStatus, SourceStatus};

use crate::caller::Viewer;
use crate::server::Api;
use countersign_serving::Problem;

/// `GET /v1/rules`: what serves, what it keeps, and what is held back from it.
pub(crate) async fn rules(State(api): State<Api>, _viewer: Viewer) -> Result<Json<Vec<RuleStatus>>, Problem> {
    api.blocking(|api| {
        // `/readyz` says why files can't be read.
        let on_disk = api.files().ok();
        api.host().rules(on_disk.as_ref()).map(Json).map_err(Problem::internal)
    })
    .await?
}

/// `GET /v1/sources`: what they are bound to, and what came of them.
pub(crate) async fn sources(State(api): State<Api>, _viewer: Viewer) -> Result<Json<Vec<SourceStatus>>, Problem> {
    api.blocking(|api| api.host().sources().map(Json).map_err(Problem::internal)).await?
}

#[cfg(test)]
#[path = "../tests/unit/standing.rs"]
mod tests;
