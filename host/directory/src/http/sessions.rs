//! Sessions and refresh tokens.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use countersign_document::Table;
use countersign_serving::Problem;
use countersign_serving::given::{Members, QueryMembers};

use super::Service;
use super::asked::{Asked, truth, wanted, word};
use super::faults::Partial;
use crate::change::Change;
use crate::page::Wanted;
use crate::session::{self, Filter, IssuedBefore, StartedBefore};
use crate::token;
use crate::words::Scope;

/// Which of them are listed.
pub(super) struct Query(Filter, Wanted);

impl Members for Query {
    fn read(table: &Table<'_>) -> Query {
        let filter = Filter {
            account: table.get("account").and_then(word),
            session: table.get("session").and_then(word),
            active: table.get("active").and_then(truth),
        };
        Query(filter, wanted(table))
    }
}

type Answered = Result<Response, Problem>;

pub(super) async fn list(
    State(service): State<Service>,
    QueryMembers(Query(filter, wanted)): QueryMembers<Query>,
    asked: Asked,
) -> Answered {
    service.read(&asked, Scope::Read, move |change| session::list(change, &filter, wanted)).await
}

pub(super) async fn show(State(service): State<Service>, Path(id): Path<String>, asked: Asked) -> Answered {
    service.read(&asked, Scope::Read, move |change| session::get(change, &id)).await
}

pub(super) async fn patch(State(service): State<Service>, Path(id): Path<String>, mut asked: Asked) -> Answered {
    let patch: session::Patch = asked.members()?;
    let work = move |change: &mut Change<'_>, asked: &Asked| session::patch(change, &id, patch, &asked.expected);
    service.write(asked, Scope::SessionsWrite, work).await
}

pub(super) async fn end(State(service): State<Service>, Path(id): Path<String>, asked: Asked) -> Answered {
    let work = move |change: &mut Change<'_>, asked: &Asked| session::end_one(change, &id, &asked.expected);
    service.write(asked, Scope::SessionsWrite, work).await
}

pub(super) async fn end_of_account(
    State(service): State<Service>,
    Path(id): Path<String>,
    partial: Option<Extension<Partial>>,
    mut asked: Asked,
) -> Answered {
    let StartedBefore(before) = asked.members()?;
    let is_partial = partial.is_some();
    let work = move |change: &mut Change<'_>, _: &Asked| session::end_of_account(change, &id, before, is_partial);
    service.write(asked, Scope::SessionsWrite, work).await
}

pub(super) async fn tokens(
    State(service): State<Service>,
    QueryMembers(Query(filter, wanted)): QueryMembers<Query>,
    asked: Asked,
) -> Answered {
    service.read(&asked, Scope::Read, move |change| token::list(change, &filter, wanted)).await
}

pub(super) async fn token(State(service): State<Service>, Path(id): Path<String>, asked: Asked) -> Answered {
    service.read(&asked, Scope::Read, move |change| token::get(change, &id)).await
}

pub(super) async fn revoke(State(service): State<Service>, Path(id): Path<String>, asked: Asked) -> Answered {
    let work = move |change: &mut Change<'_>, asked: &Asked| token::revoke_one(change, &id, &asked.expected);
    service.write(asked, Scope::TokensWrite, work).await
}

pub(super) async fn revoke_of_account(
    State(service): State<Service>,
    Path(id): Path<String>,
    mut asked: Asked,
) -> Answered {
    let IssuedBefore(before) = asked.members()?;
    let work = move |change: &mut Change<'_>, _: &Asked| token::revoke_of_account(change, &id, before);
    service.write(asked, Scope::TokensWrite, work).await
}
