//! Who calls, and what each caller may do. At the socket it is the process at the other end, as the kernel says, mapped to a
//! person of the directory; over the network it is a token, which identifies nobody.
//!
//! INVARIANT: what a request may do is decided by the extractors here alone, from the generation that serves at that moment.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use countersign_policy::{Person, PersonRole};
pub(crate) use countersign_serving::Peer;

use crate::server::Api;
use crate::token::Scope;
use countersign_serving::Problem;

/// What a refusal says of how to authenticate (RFC 6750).
const CHALLENGE: &str = "Bearer realm=\"countersign\"";

/// Endpoints that everybody may ask over the network. The answer is a bare status there.
const OPEN: &[&str] = &["/livez", "/readyz"];

/// What a user of this machine is told whom nobody knows, before anything of it is read.
const STRANGER: &str = "{\"type\":\"urn:countersign:problem:not-permitted\",\"title\":\"Forbidden\",\"status\":403,\
    \"detail\":\"expected the host's user, root or a person of `identities.toml` at the socket, got another user\"}";

/// Whether the other end of a connection may ask anything at all; else what it is told.
pub(crate) fn admits(peer: Peer, api: &Api) -> Result<(), &'static str> {
    match peer {
        Peer::User(uid) if !matches!(Caller::of_user(uid, api), Caller::User(_)) => Err(STRANGER),
        _ => Ok(()),
    }
}

/// Who asks.
#[derive(Clone, Debug)]
enum Caller {
    /// A user of this machine who is known.
    User(User),
    /// One who isn't; none where the kernel doesn't say.
    Stranger(Option<u32>),
    /// Whoever has a token.
    Token(Scope),
}

/// The user that the host runs as, root, or a person.
#[derive(Clone, Debug)]
struct User {
    uid: u32,
    /// Whether it is root, or the user that the host runs as: the host's files are theirs anyway.
    owns: bool,
    /// The person that it is.
    person: Option<Person>,
}

impl User {
    /// What goes on record, and into the log, of what it did.
    fn name(&self) -> String {
        match self {
            User { uid: 0, .. } => "root".to_owned(),
            User { uid, person: Some(person), .. } => format!("{} (uid {uid})", person.identity),
            User { uid, person: None, .. } => format!("uid {uid}"),
        }
    }

    fn has(&self, role: PersonRole) -> bool {
        self.person.as_ref().is_some_and(|person| person.has(role))
    }
}

impl Caller {
    fn of_user(uid: Option<u32>, api: &Api) -> Caller {
        let Some(uid) = uid else { return Caller::Stranger(None) };
        let owns = uid == 0 || uid == api.uid();
        let person = api.host().persons().iter().find(|person| person.uid == uid).cloned();
        if owns || person.is_some() { Caller::User(User { uid, owns, person }) } else { Caller::Stranger(Some(uid)) }
    }

    /// Why it may not ask this; `expected` is who may.
    fn refused(&self, expected: &str) -> Problem {
        let got = match self {
            Caller::User(User { uid, person: None, .. }) => format!("uid {uid}"),
            Caller::User(User { uid, person: Some(person), .. }) => {
                let roles: Vec<&str> = person.roles.iter().map(|role| role.id()).collect();
                format!("`{}` (uid {uid}) with the roles {}", person.identity, roles.join(", "))
            }
            Caller::Stranger(Some(uid)) => format!("uid {uid}"),
            Caller::Stranger(None) => "an unknown user".to_owned(),
            Caller::Token(Scope::Viewer) => "a viewer's token".to_owned(),
            Caller::Token(Scope::Source(source)) => format!("a token of source `{source}`"),
        };
        Problem::new(StatusCode::FORBIDDEN, "not-permitted", format!("expected {expected}, got {got}"))
    }
}

/// Says of each request who asks. Over the network nothing is answered without a valid token, not even whether there is such
/// an endpoint, but for the bare status of [`OPEN`]. A connection is closed after an answer to whoever has no token.
pub(crate) async fn identify(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let caller = match request.extensions().get::<Peer>() {
        Some(Peer::User(uid)) => Caller::of_user(*uid, &api),
        None => Caller::Stranger(None),
        Some(Peer::Network) if OPEN.contains(&request.uri().path()) => {
            return last(next.run(request).await.status());
        }
        Some(Peer::Network) => match token(&api, request.headers()).await {
            Ok(scope) => Caller::Token(scope),
            Err(problem) => {
                tokio::time::sleep(api.limits().refusal).await;
                return last(problem);
            }
        },
    };
    request.extensions_mut().insert(Arc::new(caller));
    next.run(request).await
}

/// The last answer of a connection: whoever has no token keeps no place.
fn last(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// What the token of a request is for.
async fn token(api: &Api, headers: &HeaderMap) -> Result<Scope, Problem> {
    // Nothing that came is repeated: it may be a token with a slip in it.
    let refused =
        |challenge, detail: &str| Problem::new(StatusCode::UNAUTHORIZED, "no-token", detail).challenge(challenge);
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(first), None) = (given.next(), given.next()) else {
        return Err(refused(CHALLENGE, "expected the header `Authorization: Bearer TOKEN` once"));
    };
    let text = first.to_str().ok().and_then(|text| text.split_once(' '));
    let Some((_, presented)) = text.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
        return Err(refused(CHALLENGE, "expected the header `Authorization: Bearer TOKEN`, got another form"));
    };
    let presented = zeroize::Zeroizing::new(presented.trim().to_owned());
    let scope = api.blocking(move |api| api.tokens().check(&presented)).await?;
    scope.ok_or_else(|| {
        let detail = "expected a token that is known and valid, got another: `countersign token create` makes one";
        refused("Bearer realm=\"countersign\", error=\"invalid_token\"", detail)
    })
}

fn caller(parts: &Parts) -> Arc<Caller> {
    parts.extensions.get::<Arc<Caller>>().cloned().unwrap_or_else(|| Arc::new(Caller::Stranger(None)))
}

/// A caller that may look: the host's user, root, every person, and whoever has a viewer's token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Viewer;

impl FromRequestParts<Api> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Viewer, Problem> {
        match &*caller(parts) {
            Caller::User(_) | Caller::Token(Scope::Viewer) => Ok(Viewer),
            other => {
                let uid = api.uid();
                let who =
                    format!("the host's user (uid {uid}), root, a person of `identities.toml` or a viewer's token");
                Err(other.refused(&who))
            }
        }
    }
}

/// A caller that may run the host, short of having another generation serve: the host's user, root, and operators.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    /// What stands in the log of it.
    pub(crate) name: String,
}

impl FromRequestParts<Api> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Operator, Problem> {
        match &*caller(parts) {
            Caller::User(user) if user.owns || user.has(PersonRole::Operator) => Ok(Operator { name: user.name() }),
            other => {
                let uid = api.uid();
                let who =
                    format!("the host's user (uid {uid}), root or a person with the role operator, at the socket");
                Err(other.refused(&who))
            }
        }
    }
}

/// A caller that may have another generation serve: root, and a person with the role operator. Where the generation that
/// serves has no persons, whoever is admitted to the socket.
#[derive(Clone, Debug)]
pub(crate) struct Answerable {
    /// What goes on record of it.
    pub(crate) name: String,
}

impl FromRequestParts<Api> for Answerable {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Answerable, Problem> {
        let caller = caller(parts);
        // Until a generation serves nobody knows who is a person, nor whether there are persons.
        if matches!(&*caller, Caller::User(_)) && api.host().status().judged.generation.is_none() {
            let detail =
                "expected a host that serves a generation, got one that serves none yet: see its status, and try again";
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-serving", detail).retry_after(1));
        }
        let has_persons = !api.host().persons().is_empty();
        let name = match &*caller {
            // By a file nobody locks root out.
            Caller::User(user) if !has_persons || user.uid == 0 || user.has(PersonRole::Operator) => user.name(),
            other if has_persons => {
                let who =
                    "root or a person with the role operator, at the socket: the generation that serves has persons";
                return Err(other.refused(who));
            }
            other => {
                return Err(other.refused(&format!("the host's user (uid {}) or root, at the socket", api.uid())));
            }
        };
        Ok(Answerable { name })
    }
}

/// A caller that may send records, of one source or of all.
#[derive(Clone, Debug)]
pub(crate) struct Sender(Arc<Caller>);

impl Sender {
    /// Whether it may send those of a source.
    ///
    /// # Errors
    /// When it may not.
    pub(crate) fn may_send(&self, source: &str) -> Result<(), Problem> {
        match &*self.0 {
            Caller::User(user) if user.owns || user.has(PersonRole::Operator) => Ok(()),
            Caller::Token(Scope::Source(own)) if own.as_str() == source => Ok(()),
            other => {
                Err(other.refused("the host's user, root, a person with the role operator, or a token of this source"))
            }
        }
    }
}

impl FromRequestParts<Api> for Sender {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _api: &Api) -> Result<Sender, Problem> {
        Ok(Sender(caller(parts)))
    }
}
