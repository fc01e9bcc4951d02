//! Signing in and out, tokens, and what a directory says of itself.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use countersign_document::Table;
use countersign_serving::Problem;
use countersign_serving::given::{JsonBody, Members};
use serde_json::{Value, json};

use super::Service;
use super::asked::{Asked, Given, bearer};
use crate::access::Claims;
use crate::account::MAX_NAME;
use crate::capabilities::capabilities as all_capabilities;
use crate::password::{MAX_PASSWORD, Secret};
use crate::sign_in::Presented;
use crate::words::Scope;

/// The longest text of a token, bytes.
const MAX_TOKEN: usize = 16 << 10;

/// The body of `POST /v1/sign-in`.
pub(super) struct SignIn(Option<Presented>);

impl Members for SignIn {
    fn read(table: &Table<'_>) -> SignIn {
        if let Some(item) = table.get("api_key") {
            return SignIn(item.any_text(MAX_NAME).map(|key| Presented::Key(Secret::new(key))));
        }
        let username =
            table.read("username", "`username` and `password`, or `api_key`", |item| item.any_text(MAX_NAME));
        let password = table.read("password", "the password", |item| item.any_text(MAX_PASSWORD));
        let totp = table.get("totp").and_then(|item| item.any_text(16)).map(str::to_owned);
        SignIn(username.zip(password).map(|(username, password)| Presented::Person {
            username: username.to_owned(),
            password: Secret::new(password),
            totp,
        }))
    }
}

/// The body of requests with a token.
pub(super) struct TokenGiven(Secret);

impl Members for TokenGiven {
    fn read(table: &Table<'_>) -> TokenGiven {
        let key = if table.has("token") { "token" } else { "refresh_token" };
        let text = table.read(key, "the token's text", |item| item.any_text(MAX_TOKEN));
        TokenGiven(Secret::new(text.unwrap_or_default()))
    }
}

/// `POST /v1/sign-in`.
pub(super) async fn sign_in(
    State(service): State<Service>,
    Given(facts): Given,
    JsonBody(SignIn(presented)): JsonBody<SignIn>,
) -> Result<Response, Problem> {
    // INVARIANT: members without faults have all that there has to be.
    let Some(presented) = presented else { return Err(Problem::internal("a body without what was read")) };
    let _hashing = service.hashing.acquire().await.map_err(Problem::internal)?;
    let granted = service.blocking(move |directory| directory.sign_in(&presented, facts)).await?;
    Ok((StatusCode::CREATED, Json(granted)).into_response())
}

/// `POST /v1/tokens/refresh`.
pub(super) async fn refresh(
    State(service): State<Service>,
    Given(facts): Given,
    JsonBody(TokenGiven(token)): JsonBody<TokenGiven>,
) -> Result<Response, Problem> {
    let granted = service.blocking(move |directory| directory.refresh(token.text(), facts)).await?;
    Ok(Json(granted).into_response())
}

/// What an access token says, as those who verify it themselves see it.
async fn verified(service: &Service, headers: &HeaderMap) -> Result<Claims, Problem> {
    let token = bearer(headers)?;
    let claims = service.blocking(move |directory| Ok(directory.verified(&token))).await?;
    claims.ok_or_else(|| {
        let detail = "expected an access token of this directory that hasn't expired, got another text";
        Problem::new(StatusCode::UNAUTHORIZED, "invalid-token", detail).challenge(super::CHALLENGE)
    })
}

/// `POST /v1/sign-out`: ends the session of the access token.
pub(super) async fn sign_out(
    State(service): State<Service>,
    Given(facts): Given,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let claims = verified(&service, &headers).await?;
    service.blocking(move |directory| directory.sign_out(&claims, facts)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /v1/me`: what an application sees that verifies access tokens by itself. It doesn't ask whether the session has ended.
pub(super) async fn me(State(service): State<Service>, headers: HeaderMap) -> Result<Response, Problem> {
    Ok(Json(verified(&service, &headers).await?).into_response())
}

/// `GET /v1/keys`: by which access tokens are verified.
pub(super) async fn keys(State(service): State<Service>) -> Json<Value> {
    Json(service.directory.signing().keys())
}

/// `POST /v1/tokens/introspect`: whether an access token is still good (RFC 7662).
pub(super) async fn introspect(State(service): State<Service>, mut asked: Asked) -> Result<Response, Problem> {
    service.permit(&asked, Scope::Read).await?;
    let TokenGiven(token) = asked.members()?;
    let found = service.blocking(move |directory| directory.introspected(token.text())).await?;
    let told = match found {
        Some((claims, _)) => json!({ "active": true, "claims": claims }),
        None => json!({ "active": false }),
    };
    Ok(Json(told).into_response())
}

/// `GET /v1/directory`.
pub(super) async fn about(State(service): State<Service>, _asked: Asked) -> Response {
    Json(service.directory.about()).into_response()
}

/// `GET /v1/capabilities`: what the caller's credential may do.
pub(super) async fn capabilities(State(_service): State<Service>, asked: Asked) -> Response {
    let told = json!({
        "principal": asked.by.actor,
        "scopes": asked.scopes,
        "actions": all_capabilities(&asked.scopes),
    });
    Json(told).into_response()
}
