//! What the host knows and did.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use countersign_daemon::{MAX_PAGE, Page, Paging, RecordedGeneration, Status, page};
use countersign_document::{MAX_INTEGER, Table};
use countersign_store::SqliteStore;
use serde::Serialize;

use crate::caller::Viewer;
use crate::follow;
use crate::network::{Listening, NetworkStatus};
use crate::restart::NeedsRestart;
use crate::server::Api;
use countersign_serving::Problem;
use countersign_serving::given::{Members, QueryMembers};

/// Members of a page, where the caller doesn't say.
const PAGE: usize = 100;

/// Which page, and how long it may wait for its first member.
pub(crate) struct Asked {
    paging: Paging,
    wait: Option<Duration>,
}

impl Members for Asked {
    fn read(table: &Table<'_>) -> Asked {
        let text = |key| table.get(key).and_then(|item| item.text()).map(str::to_owned);
        let time = "a time such as `2026-03-02T09:00:00Z`";
        Asked {
            paging: Paging {
                after: table.get("after").and_then(|item| item.integer(0, MAX_INTEGER)),
                limit: table.get("limit").and_then(|item| item.integer(1, MAX_PAGE as i64)).unwrap_or(PAGE),
                rule: text("rule"),
                account: text("account"),
                decision: table.get("decision").and_then(|item| item.word("a kind of decision")),
                since: table.get("since").and_then(|item| item.parsed(time)),
            },
            wait: follow::longest(table),
        }
    }
}

/// What a caller has seen of how inputs are judged, and how long it waits for more.
pub(crate) struct Seen {
    batch: Option<u64>,
    host: Option<u64>,
    wait: Option<Duration>,
}

impl Members for Seen {
    fn read(table: &Table<'_>) -> Seen {
        let number = |key| table.get(key).and_then(|item| item.integer(0, MAX_INTEGER));
        Seen { batch: number("batch"), host: number("host"), wait: follow::longest(table) }
    }
}

/// What `GET /v1/status` answers.
#[derive(Serialize)]
pub(crate) struct StatusBody {
    /// How the host is.
    #[serde(flatten)]
    host: Status,
    /// How the network is served; null if it isn't.
    network: Option<NetworkStatus>,
    /// What of the configuration on disk only a restart brings about.
    restart: NeedsRestart,
}

/// `GET /v1/status`.
pub(crate) async fn status(
    State(api): State<Api>,
    _viewer: Viewer,
    QueryMembers(seen): QueryMembers<Seen>,
) -> Result<Json<StatusBody>, Problem> {
    if let Some(longest) = seen.wait {
        let (batch, host) = (seen.batch.unwrap_or_default(), seen.host.unwrap_or_default());
        api.followers().wait(longest)?.judged(batch, host).await;
    }
    api.blocking(|api| {
        let (host, network) = (api.host().status(), api.listening().map(Listening::status));
        Json(StatusBody { host, network, restart: api.restart() })
    })
    .await
}

/// `GET /v1/findings`: the audit log's findings.
pub(crate) async fn findings(
    state: State<Api>,
    viewer: Viewer,
    QueryMembers(asked): QueryMembers<Asked>,
) -> Result<Json<Page>, Problem> {
    records(state, viewer, asked, "finding").await
}

/// `GET /v1/decisions`: the audit log's decisions.
pub(crate) async fn decisions(
    state: State<Api>,
    viewer: Viewer,
    QueryMembers(asked): QueryMembers<Asked>,
) -> Result<Json<Page>, Problem> {
    records(state, viewer, asked, "decision").await
}

/// `GET /v1/dead-letters`: records that couldn't be used, with why.
pub(crate) async fn dead_letters(
    state: State<Api>,
    viewer: Viewer,
    QueryMembers(asked): QueryMembers<Asked>,
) -> Result<Json<Page>, Problem> {
    records(state, viewer, asked, "dead-letter").await
}

/// `GET /v1/generations`: those on record, the last one last.
pub(crate) async fn generations(
    State(api): State<Api>,
    _viewer: Viewer,
) -> Result<Json<Vec<RecordedGeneration>>, Problem> {
    api.blocking(|api| api.host().generations().map(Json).map_err(Problem::internal)).await?
}

async fn records(
    State(api): State<Api>,
    _viewer: Viewer,
    asked: Asked,
    kind: &'static str,
) -> Result<Json<Page>, Problem> {
    let Asked { mut paging, wait } = asked;
    let mut waiting = wait.map(|longest| api.followers().wait(longest)).transpose()?;
    loop {
        let this = paging.clone();
        let read = api.blocking(move |api| {
            let store = SqliteStore::read(&api.host().store_path()).map_err(Problem::internal)?;
            page(&store, kind, &this).map_err(Problem::internal)
        });
        let page = read.await??;
        match &mut waiting {
            Some(waiting) if page.items.is_empty() => {
                if !waiting.records(page.next + 1).await {
                    return Ok(Json(page));
                }
                // What was looked at isn't looked at again.
                paging.after = Some(page.next);
            }
            _ => return Ok(Json(page)),
        }
    }
}
