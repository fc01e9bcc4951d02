//! Tokens by the socket: made, listed and revoked.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_document::Table;
use countersign_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::caller::Operator;
use crate::server::Api;
use crate::token::{NewToken, Scope, Token};
use crate::tokens::{DEFAULT, LONGEST, SHORTEST, TokensError};
use countersign_serving::Problem;
use countersign_serving::given::{JsonBody, Members, Named};

/// The longest name of a source, bytes.
const MAX_NAME: usize = 256;

/// A token as it is listed.
#[derive(Debug, Serialize, Deserialize)]
pub struct ListedToken {
    /// Its id.
    pub id: String,
    /// `viewer` or `source`.
    pub scope: String,
    /// The source that it is for.
    pub source: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is valid no more.
    pub expires: Timestamp,
    /// Whether that is past.
    pub expired: bool,
}

impl ListedToken {
    /// How a token is listed.
    #[must_use]
    pub fn of(token: &Token, now: Timestamp) -> ListedToken {
        let (scope, source) = match &token.scope {
            Scope::Viewer => ("viewer", None),
            Scope::Source(source) => ("source", Some(source.to_string())),
        };
        ListedToken {
            id: token.id.clone(),
            scope: scope.to_owned(),
            source,
            created: token.created,
            expires: token.expires,
            expired: token.is_expired(now),
        }
    }
}

/// A token that was made. It has no `Debug`, by which it would be logged.
#[derive(Serialize, Deserialize)]
pub struct IssuedToken {
    /// Its text, which isn't shown again.
    pub token: String,
    /// How it is listed.
    #[serde(flatten)]
    pub listed: ListedToken,
}

impl IssuedToken {
    /// A token that was made now.
    #[must_use]
    pub fn of(made: &NewToken) -> IssuedToken {
        IssuedToken { token: made.text.to_string(), listed: ListedToken::of(&made.token, made.token.created) }
    }
}

/// What `POST /v1/tokens` takes: `source` or `viewer`.
pub(crate) struct Wanted {
    source: Option<String>,
    viewer: bool,
    /// How long it is valid, microseconds.
    expires: i64,
}

impl Members for Wanted {
    fn read(table: &Table<'_>) -> Wanted {
        Wanted {
            source: table.get("source").and_then(|item| item.any_text(MAX_NAME)).map(str::to_owned),
            viewer: table.get("viewer").and_then(|item| item.flag()).unwrap_or(false),
            expires: table.get("expires").and_then(|item| item.duration(SHORTEST, LONGEST)).unwrap_or(DEFAULT),
        }
    }
}

/// What `POST /v1/tokens/{id}/revoke` answers.
#[derive(Serialize)]
pub(crate) struct Revoked {
    /// The id of the token, which is valid no more.
    revoked: String,
}

/// `GET /v1/tokens`: all of them, without what is secret.
pub(crate) async fn list(State(api): State<Api>, _operator: Operator) -> Result<Json<Vec<ListedToken>>, Problem> {
    api.blocking(|api| {
        let tokens = api.tokens().list().map_err(failed)?;
        Ok(Json(tokens.iter().map(|token| ListedToken::of(token, api.tokens().now())).collect()))
    })
    .await?
}

/// `POST /v1/tokens`: makes one.
pub(crate) async fn create(
    State(api): State<Api>,
    Operator { name: by }: Operator,
    JsonBody(wanted): JsonBody<Wanted>,
) -> Result<(StatusCode, Json<IssuedToken>), Problem> {
    api.blocking(move |api| {
        let scope = match (wanted.source, wanted.viewer) {
            (None, true) => Scope::Viewer,
            (Some(name), false) => {
                let refused = |error| Problem::new(StatusCode::NOT_FOUND, "no-source", error);
                Scope::Source(api.host().takes(&name).map_err(refused)?.name().clone())
            }
            _ => {
                let detail = "expected `source`, the name of a source, or `viewer` as true, got both or neither";
                return Err(Problem::new(StatusCode::BAD_REQUEST, "scope", detail));
            }
        };
        let made = api.tokens().create(scope, wanted.expires, &by).map_err(failed)?;
        let expires = made.token.expires;
        tracing::info!("token {} was made by {by}: {}, until {expires}", made.token.id, made.token.scope);
        Ok((StatusCode::CREATED, Json(IssuedToken::of(&made))))
    })
    .await?
}

/// `POST /v1/tokens/{id}/revoke`: it is valid no more, from now on.
pub(crate) async fn revoke(
    State(api): State<Api>,
    Operator { name: by }: Operator,
    Named(id): Named,
) -> Result<Json<Revoked>, Problem> {
    api.blocking(move |api| {
        if !api.tokens().revoke(&id, &by).map_err(failed)? {
            // What was given may be the token itself.
            let detail = "expected the id of a token, got another: see `GET /v1/tokens`";
            return Err(Problem::new(StatusCode::NOT_FOUND, "no-token", detail));
        }
        tracing::info!("token {id} was revoked by {by}");
        Ok(Json(Revoked { revoked: id }))
    })
    .await?
}

fn failed(error: TokensError) -> Problem {
    match error {
        TokensError::TooMany => Problem::new(StatusCode::CONFLICT, "too-many", error),
        TokensError::Time => Problem::new(StatusCode::BAD_REQUEST, "body", error),
        TokensError::NotOnRecord(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-on-record", error),
        TokensError::File { .. } => Problem::internal(error),
    }
}
