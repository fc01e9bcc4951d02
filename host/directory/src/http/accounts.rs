//! Accounts, their credentials, and administrative credentials.

use axum::extract::{Path, State};
use axum::response::Response;
use countersign_document::Table;
use countersign_serving::Problem;
use countersign_serving::given::{Members, QueryMembers};
use serde_json::json;

use super::Service;
use super::asked::{Asked, truth, wanted, word};
use crate::account::{self, Filter, NewAccount};
use crate::change::{Answer, Change};
use crate::credential::{self, NewCredential};
use crate::page::Wanted;
use crate::principal::{self, NewPrincipal};
use crate::words::Scope;

/// Which accounts are listed.
pub(super) struct Query(Filter, Wanted);

impl Members for Query {
    fn read(table: &Table<'_>) -> Query {
        let filter = Filter {
            username: table.get("username").and_then(word),
            kind: table.get("type").and_then(|item| item.word("a type of account")),
            admin: table.get("admin").and_then(truth),
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
    service.read(&asked, Scope::Read, move |change| account::list(change, &filter, wanted)).await
}

pub(super) async fn create(State(service): State<Service>, mut asked: Asked) -> Answered {
    let new: NewAccount = asked.members()?;
    let work = move |change: &mut Change<'_>, _: &Asked| {
        let account = account::create(change, &new)?;
        Answer::of(change, "account", &account).map(Answer::created)
    };
    service.write(asked, Scope::AccountsWrite, work).await
}

pub(super) async fn show(State(service): State<Service>, Path(id): Path<String>, asked: Asked) -> Answered {
    service.read(&asked, Scope::Read, move |change| account::get(change, &id)).await
}

pub(super) async fn patch(State(service): State<Service>, Path(id): Path<String>, mut asked: Asked) -> Answered {
    let patch: account::Patch = asked.members()?;
    let work = move |change: &mut Change<'_>, asked: &Asked| account::patch(change, &id, &patch, &asked.expected);
    service.write(asked, Scope::AccountsWrite, work).await
}

pub(super) async fn delete(State(service): State<Service>, Path(id): Path<String>, asked: Asked) -> Answered {
    let work = move |change: &mut Change<'_>, asked: &Asked| account::delete(change, &id, &asked.expected);
    service.write(asked, Scope::AccountsWrite, work).await
}

pub(super) async fn credentials(State(service): State<Service>, Path(id): Path<String>, asked: Asked) -> Answered {
    let look = move |change: &Change<'_>| {
        let account = account::get(change, &id)?;
        Ok(json!({ "items": credential::list(change, &account.id)?, "next": null }))
    };
    service.read(&asked, Scope::Read, look).await
}

pub(super) async fn add_credential(
    State(service): State<Service>,
    Path(id): Path<String>,
    mut asked: Asked,
) -> Answered {
    let new: NewCredential = asked.members()?;
    service.permit(&asked, Scope::CredentialsWrite).await?;
    let _hashing = service.hashing.acquire().await.map_err(Problem::internal)?;
    let prepared = service.blocking(move |_| credential::prepare(new)).await?;
    let work = move |change: &mut Change<'_>, _: &Asked| credential::create(change, &id, &prepared);
    service.write(asked, Scope::CredentialsWrite, work).await
}

pub(super) async fn credential(State(service): State<Service>, Path(id): Path<String>, asked: Asked) -> Answered {
    service.read(&asked, Scope::Read, move |change| credential::get(change, &id)).await
}

pub(super) async fn patch_credential(
    State(service): State<Service>,
    Path(id): Path<String>,
    mut asked: Asked,
) -> Answered {
    let patch: credential::Patch = asked.members()?;
    let work = move |change: &mut Change<'_>, asked: &Asked| credential::patch(change, &id, patch, &asked.expected);
    service.write(asked, Scope::CredentialsWrite, work).await
}

pub(super) async fn delete_credential(
    State(service): State<Service>,
    Path(id): Path<String>,
    asked: Asked,
) -> Answered {
    let work = move |change: &mut Change<'_>, asked: &Asked| credential::delete(change, &id, &asked.expected);
    service.write(asked, Scope::CredentialsWrite, work).await
}

pub(super) async fn principals(State(service): State<Service>, asked: Asked) -> Answered {
    let look = |change: &Change<'_>| Ok(json!({ "items": principal::list(change)?, "next": null }));
    service.read(&asked, Scope::Read, look).await
}

pub(super) async fn principal(State(service): State<Service>, Path(id): Path<String>, asked: Asked) -> Answered {
    service.read(&asked, Scope::Read, move |change| principal::get(change, &id)).await
}

pub(super) async fn create_principal(State(service): State<Service>, mut asked: Asked) -> Answered {
    let new: NewPrincipal = asked.members()?;
    let work = move |change: &mut Change<'_>, _: &Asked| {
        let (principal, secret) = principal::create(change, &new)?;
        Ok(Answer::of(change, "principal", &principal)?.created().with_secret("secret", secret))
    };
    service.write(asked, Scope::PrincipalsWrite, work).await
}

pub(super) async fn revoke_principal(State(service): State<Service>, Path(id): Path<String>, asked: Asked) -> Answered {
    let work = move |change: &mut Change<'_>, _: &Asked| principal::revoke(change, &id);
    service.write(asked, Scope::PrincipalsWrite, work).await
}
