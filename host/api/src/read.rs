//! What the host knows and did.

use axum::Json;
use axum::extract::State;
use countersign_daemon::{RecordedGeneration, Status};
use countersign_document::{MAX_INTEGER, Table};
use countersign_store::{SqliteStore, Stored as _};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::caller::Operator;
use crate::given::{Members, QueryMembers};
use crate::problem::Problem;
use crate::server::Api;

/// The most members of a page.
const MAX_PAGE: i64 = 1_000;

/// Members of a page, where the caller doesn't say.
const PAGE: usize = 100;

/// Lines of the log that one request looks through at most.
const MAX_LINES: usize = 65_536;

/// Lines that are read at once.
const CHUNK: usize = 1_024;

/// Which page.
pub(crate) struct Paging {
    /// The number after which it begins: `next` of the page before.
    after: Option<u64>,
    /// Its most members.
    limit: Option<usize>,
}

impl Members for Paging {
    fn read(table: &Table<'_>) -> Paging {
        Paging {
            after: table.get("after").and_then(|item| item.integer(0, MAX_INTEGER)),
            limit: table.get("limit").and_then(|item| item.integer(1, MAX_PAGE)),
        }
    }
}

/// A page of records.
#[derive(Serialize)]
pub(crate) struct Page {
    /// The records, oldest first, as the log has them.
    items: Vec<Box<RawValue>>,
    /// What the next page begins after. With fewer members than asked for there may be more later.
    next: u64,
}

/// `GET /v1/status`.
pub(crate) async fn status(State(api): State<Api>, _operator: Operator) -> Json<Status> {
    Json(api.host().status())
}

/// `GET /v1/findings`: the audit log's findings.
pub(crate) async fn findings(
    state: State<Api>,
    operator: Operator,
    QueryMembers(paging): QueryMembers<Paging>,
) -> Result<Json<Page>, Problem> {
    records(state, operator, paging, "finding").await
}

/// `GET /v1/decisions`: the audit log's decisions.
pub(crate) async fn decisions(
    state: State<Api>,
    operator: Operator,
    QueryMembers(paging): QueryMembers<Paging>,
) -> Result<Json<Page>, Problem> {
    records(state, operator, paging, "decision").await
}

/// `GET /v1/dead-letters`: records that couldn't be used, with why.
pub(crate) async fn dead_letters(
    state: State<Api>,
    operator: Operator,
    QueryMembers(paging): QueryMembers<Paging>,
) -> Result<Json<Page>, Problem> {
    records(state, operator, paging, "dead-letter").await
}

/// `GET /v1/generations`: those on record, the last one last.
pub(crate) async fn generations(
    State(api): State<Api>,
    _operator: Operator,
) -> Result<Json<Vec<RecordedGeneration>>, Problem> {
    api.blocking(|api| api.host().generations().map(Json).map_err(Problem::internal)).await?
}

async fn records(
    State(api): State<Api>,
    _operator: Operator,
    paging: Paging,
    kind: &'static str,
) -> Result<Json<Page>, Problem> {
    api.blocking(move |api| page(api, &paging, kind).map(Json)).await?
}

/// The kind of a record.
#[derive(Deserialize)]
struct Kind<'r> {
    r#type: &'r str,
}

fn page(api: &Api, paging: &Paging, kind: &str) -> Result<Page, Problem> {
    let limit = paging.limit.unwrap_or(PAGE);
    let store = SqliteStore::read(&api.host().store_path()).map_err(Problem::internal)?;
    // Numbers count from 0; a page begins after the one that is given.
    let mut seq = paging.after.map_or(0, |after| after.saturating_add(1));
    let mut page = Page { items: Vec::new(), next: paging.after.unwrap_or_default() };
    let mut looked = 0;
    while looked < MAX_LINES {
        let lines = store.lines(seq, CHUNK).map_err(Problem::internal)?;
        let is_last = lines.len() < CHUNK;
        for line in lines {
            let text = String::from_utf8(line).map_err(Problem::internal)?;
            if serde_json::from_str::<Kind<'_>>(&text).is_ok_and(|record| record.r#type == kind) {
                let record = RawValue::from_string(text.trim_end().to_owned()).map_err(Problem::internal)?;
                page.items.push(record);
            }
            (page.next, seq, looked) = (seq, seq + 1, looked + 1);
            if page.items.len() >= limit {
                return Ok(page);
            }
        }
        if is_last {
            break;
        }
    }
    Ok(page)
}
