//! What an administrator asks: who asks, by which request, expecting what, and the body.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use countersign_document::{Item, NodeValue, Table};
use countersign_model::Digest;
use countersign_serving::given::{MAX_JSON, Members, Nulls, bounded, json};
use countersign_serving::{Problem, Remote};
use zeroize::Zeroizing;

use super::{CHALLENGE, Service};
use crate::change::{By, Expected};
use crate::event::{Facts, Party};
use crate::id::random_hex;
use crate::page::{MAX_PAGE, USUAL_PAGE, Wanted};
use crate::principal;
use crate::words::Scope;

/// The longest of the headers that go on record, bytes.
const MAX_HEADER: usize = 256;

/// What an administrator asks.
pub(crate) struct Asked {
    pub(crate) by: By,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) expected: Expected,
    /// Of all that makes it this request: under one idempotency key it has to be the same.
    pub(crate) digest: Digest,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Asked {
    /// The members of its body; a null takes something away.
    pub(crate) fn members<T: Members>(&mut self) -> Result<T, Problem> {
        json(&self.headers, std::mem::take(&mut self.bytes), Nulls::Read)
    }
}

impl FromRequest<Service> for Asked {
    type Rejection = Problem;

    async fn from_request(request: Request, service: &Service) -> Result<Asked, Problem> {
        let (mut parts, body) = request.into_parts();
        let facts = Given::from_request_parts(&mut parts, service).await?.0;
        let (actor, scopes) = caller(&parts.headers, service).await?;
        let who = actor.id.clone().unwrap_or_default();
        if let Some(seconds) = service.rates.exceeds(&who) {
            let detail = format!("expected fewer requests of `{who}`: wait as long as `Retry-After` says");
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail).retry_after(seconds));
        }
        let tag = text(&parts.headers, "if-match")?;
        let absent = text(&parts.headers, "if-none-match")?.is_some();
        let bytes = bounded(service, body, MAX_JSON).await?.bytes;
        let mut asked = Zeroizing::new(Vec::new());
        let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
        for part in [parts.method.as_str(), target, tag.as_deref().unwrap_or_default(), if absent { "*" } else { "" }] {
            asked.extend_from_slice(part.as_bytes());
            asked.push(0);
        }
        asked.extend_from_slice(&bytes);
        Ok(Asked {
            by: By { actor, facts },
            scopes,
            expected: Expected { tag, absent },
            digest: Digest::of(&asked),
            headers: parts.headers,
            bytes,
        })
    }
}

/// What a request says of itself, whoever sends it.
pub(crate) struct Given(pub(crate) Facts);

impl<S: Send + Sync> FromRequestParts<S> for Given {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Given, Problem> {
        let remote = parts.extensions.get::<Remote>().map(|remote| remote.0.ip());
        // Whoever is on this machine passes on whom it speaks for: the last address is what it saw itself.
        let is_near = remote.is_none_or(|remote| remote.is_loopback());
        let forwarded = text(&parts.headers, "x-forwarded-for")?.filter(|_| is_near);
        let forwarded = forwarded.as_deref().and_then(|hops| hops.rsplit(',').next()?.trim().parse().ok());
        let id = match text(&parts.headers, "x-request-id")? {
            Some(id) => id,
            None => format!("req-{}", random_hex(12).map_err(Problem::internal)?),
        };
        let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        Ok(Given(Facts {
            id: Some(id),
            idempotency_key: text(&parts.headers, "idempotency-key")?,
            address: forwarded.or(remote),
            proxy: remote.filter(|_| forwarded.is_some()),
            user_agent: agent.map(|agent| agent.chars().take(MAX_HEADER).collect()),
            method: Some(parts.method.to_string()),
            path: Some(parts.uri.path().chars().take(MAX_HEADER).collect()),
        }))
    }
}

/// A header that is given once, of visible characters.
fn text(headers: &HeaderMap, name: &'static str) -> Result<Option<String>, Problem> {
    let mut all = headers.get_all(name).iter();
    let refused = || {
        let detail = format!("expected the header `{name}` once, with at most {MAX_HEADER} visible characters");
        Problem::new(StatusCode::BAD_REQUEST, "header", detail)
    };
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let text = value.to_str().map_err(|_| refused())?.trim();
            if text.is_empty() || text.len() > MAX_HEADER { Err(refused()) } else { Ok(Some(text.to_owned())) }
        }
        _ => Err(refused()),
    }
}

/// The token of a request.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Zeroizing<String>, Problem> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let token = match (given.next(), given.next()) {
        (Some(first), None) => first.to_str().ok().and_then(|text| text.split_once(' ')),
        _ => None,
    };
    match token {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Zeroizing::new(token.trim().to_owned())),
        _ => {
            let detail = "expected the header `Authorization: Bearer TOKEN` once";
            Err(Problem::new(StatusCode::UNAUTHORIZED, "no-token", detail).challenge(CHALLENGE))
        }
    }
}

/// Who administers: whoever has an administrative credential, or an administrator's access token, which is looked up.
async fn caller(headers: &HeaderMap, service: &Service) -> Result<(Party, Vec<Scope>), Problem> {
    let token = bearer(headers)?;
    let found = service
        .blocking(move |directory| {
            if let Some(principal) = directory.look(|change| principal::known(change, &token))? {
                return Ok(Some((principal.party(), principal.scopes)));
            }
            let Some((claims, account)) = directory.introspected(&token)? else { return Ok(None) };
            let scopes = if account.admin { Scope::ALL.to_vec() } else { Vec::new() };
            Ok(Some((Party { session: Some(claims.sid), ..account.party() }, scopes)))
        })
        .await?;
    found.ok_or_else(|| {
        let detail = "expected a credential that is known and valid, got another";
        Problem::new(StatusCode::UNAUTHORIZED, "invalid-token", detail)
            .challenge("Bearer realm=\"countersign-directory\", error=\"invalid_token\"")
    })
}

/// A text of a query, also one that looks like a number.
pub(crate) fn word(item: Item<'_>) -> Option<String> {
    match &item.node().value {
        NodeValue::Integer(number) => Some(number.to_string()),
        _ => item.any_text(MAX_HEADER).map(str::to_owned),
    }
}

/// `true` or `false` of a query.
pub(crate) fn truth(item: Item<'_>) -> Option<bool> {
    item.parsed("`true` or `false`")
}

/// `after` and `limit` of a query.
pub(crate) fn wanted(table: &Table<'_>) -> Wanted {
    Wanted {
        after: table.get("after").and_then(|item| item.integer(0, i64::MAX)).unwrap_or_default(),
        limit: table.get("limit").and_then(|item| item.integer(1, MAX_PAGE.into())).unwrap_or(USUAL_PAGE),
    }
}
