//! Groups and who is in them.

use axum::extract::{Path, State};
use axum::response::Response;
use countersign_document::Table;
use countersign_serving::Problem;
use countersign_serving::given::{Members, QueryMembers};
use serde_json::json;

use super::Service;
use super::asked::{Asked, wanted, word};
use crate::account;
use crate::change::{Answer, Change};
use crate::error::Error;
use crate::group::{self, NewGroup};
use crate::page::Wanted;
use crate::words::Scope;

/// Which groups are listed.
pub(super) struct Query(Option<String>, Wanted);

impl Members for Query {
    fn read(table: &Table<'_>) -> Query {
        Query(table.get("name").and_then(word), wanted(table))
    }
}

type Answered = Result<Response, Problem>;

pub(super) async fn list(
    State(service): State<Service>,
    QueryMembers(Query(name, wanted)): QueryMembers<Query>,
    asked: Asked,
) -> Answered {
    service.read(&asked, Scope::Read, move |change| group::list(change, name.as_deref(), wanted)).await
}

pub(super) async fn create(State(service): State<Service>, mut asked: Asked) -> Answered {
    let new: NewGroup = asked.members()?;
    let work = move |change: &mut Change<'_>, _: &Asked| {
        let group = group::create(change, &new)?;
        Answer::of(change, "group", &group).map(Answer::created)
    };
    service.write(asked, Scope::GroupsWrite, work).await
}

pub(super) async fn show(State(service): State<Service>, Path(id): Path<String>, asked: Asked) -> Answered {
    service.read(&asked, Scope::Read, move |change| group::get(change, &id)).await
}

pub(super) async fn patch(State(service): State<Service>, Path(id): Path<String>, mut asked: Asked) -> Answered {
    let patch: group::Patch = asked.members()?;
    let work = move |change: &mut Change<'_>, asked: &Asked| group::patch(change, &id, &patch, &asked.expected);
    service.write(asked, Scope::GroupsWrite, work).await
}

pub(super) async fn delete(State(service): State<Service>, Path(id): Path<String>, asked: Asked) -> Answered {
    let work = move |change: &mut Change<'_>, asked: &Asked| group::delete(change, &id, &asked.expected);
    service.write(asked, Scope::GroupsWrite, work).await
}

pub(super) async fn members(State(service): State<Service>, Path(id): Path<String>, asked: Asked) -> Answered {
    let look = move |change: &Change<'_>| {
        group::get(change, &id)?;
        Ok(json!({ "items": group::memberships(change, Some(&id), None)?, "next": null }))
    };
    service.read(&asked, Scope::Read, look).await
}

pub(super) async fn of_account(State(service): State<Service>, Path(id): Path<String>, asked: Asked) -> Answered {
    let look = move |change: &Change<'_>| {
        account::get(change, &id)?;
        Ok(json!({ "items": group::memberships(change, None, Some(&id))?, "next": null }))
    };
    service.read(&asked, Scope::Read, look).await
}

pub(super) async fn member(
    State(service): State<Service>,
    Path((group, account)): Path<(String, String)>,
    asked: Asked,
) -> Answered {
    let look = move |change: &Change<'_>| {
        let is = group::membership(change, &group, &account)?;
        is.ok_or_else(|| Error::missing("a member of the group", &account))
    };
    service.read(&asked, Scope::Read, look).await
}

pub(super) async fn add(
    State(service): State<Service>,
    Path((group, account)): Path<(String, String)>,
    asked: Asked,
) -> Answered {
    let work = move |change: &mut Change<'_>, asked: &Asked| group::add(change, &group, &account, &asked.expected);
    service.write(asked, Scope::GroupsWrite, work).await
}

pub(super) async fn remove(
    State(service): State<Service>,
    Path((group, account)): Path<(String, String)>,
    asked: Asked,
) -> Answered {
    let work = move |change: &mut Change<'_>, asked: &Asked| group::remove(change, &group, &account, &asked.expected);
    service.write(asked, Scope::GroupsWrite, work).await
}
